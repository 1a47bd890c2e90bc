#!/usr/bin/env bash
# Posts whole conversations again and again, in random sequences of turns that end in all ways, on both stores, and checks
# that no message is doubled and none is lost. The ordinary tests run 60 cases on each store.
#
#   scripts/transcripts.sh [COUNT]
#
# COUNT  so many cases on each store (2000 where it is not given)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[[ $# -le 1 && ${1:-2000} =~ ^[1-9][0-9]*$ ]] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '$d' >&2; exit 2; }

export OMNICHAT_TEST_TRANSCRIPTS=${1:-2000}
exec cargo test --locked --package omnichat --test app -- --nocapture transcripts::
