#!/usr/bin/env bash
# Measures how long a search takes among very many prompts of one user, on both stores. The query has 200 characters, all of
# them % and _, and the prompts' contents resemble it. The ordinary tests run the same with 300 prompts.
#
#   scripts/prompt-search.sh [COUNT]
#
# COUNT  so many prompts (100000 where it is not given)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export OMNICHAT_TEST_PROMPTS="${1:-100000}"
exec cargo test --locked --package omnichat --test app -- --nocapture \
    a_search_among_many_prompts_is_literal_and_quick
