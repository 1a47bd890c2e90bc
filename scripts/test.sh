#!/usr/bin/env bash
# Runs every test. Needs no key and no internet beyond what setup.sh installs. Arguments go to `cargo test`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
exec cargo test --workspace --locked "$@"
