#!/usr/bin/env bash
# Changes documents at random, and checks that each is still read or refused, and never an internal failure. The ordinary
# tests run 150 cases. Prints the seeds of those that exceed a limit.
#
#   scripts/pdf-mutations.sh [SEED [COUNT]]
#
# SEED   the seed of the first case (1 where it is not given)
# COUNT  so many cases (10000 where it is not given)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export OMNICHAT_TEST_SEED="${1:-1}" OMNICHAT_TEST_CASES="${2:-10000}"
exec cargo test --locked --package omnichat-pdf --test reader -- --nocapture --exact \
    hostile::mutations::changed_documents_never_fail
