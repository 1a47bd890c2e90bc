#!/usr/bin/env bash
# Changes valid streams of every provider API at random, and checks that each still gives its text or fails. The ordinary
# tests run 5,000 cases. Prints the seed of a case that goes wrong.
#
#   scripts/wire-cases.sh [COUNT [SEED]]
#
# COUNT  so many cases (100000 where it is not given)
# SEED   the seed of the first case (1 where it is not given)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export OMNICHAT_TEST_CASES="${1:-100000}" OMNICHAT_TEST_SEED="${2:-1}"
exec cargo test --locked --package omnichat-openai-wire --test streams -- --nocapture --exact \
    mutations::a_changed_stream_has_its_text_or_fails
