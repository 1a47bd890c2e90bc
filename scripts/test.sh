#!/usr/bin/env bash
# Runs every test. Needs no key and no internet beyond what setup.sh installs. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
# Most tests wait most of the time: until a process has started, a pause has ended or a lease has expired.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$((4 * $(nproc)))}"
# There are no tests in documentation, and looking for them takes a second for each crate.
exec cargo test --workspace --lib --bins --tests --locked "$@"
