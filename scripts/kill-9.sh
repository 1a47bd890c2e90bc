#!/usr/bin/env bash
# Kills a process with `kill -9` in the middle of a turn, again and again, over PostgreSQL: alone for the first half, then
# with a second process beside it. Prints how long after the new process was ready its conversation took the next turn,
# and fails where that was more than 2 s, or anything was lost or doubled. The ordinary tests do the same 5 times,
# and allow for a busy machine.
#
#   scripts/kill-9.sh [COUNT]
#
# COUNT  kill so often (50 where it is not given)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

[[ $# -le 1 && ${1:-50} =~ ^[1-9][0-9]*$ ]] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" | sed '$d' >&2; exit 2; }

export OMNICHAT_TEST_KILLS=${1:-50}
exec cargo test --locked --package omnichat --test app -- --nocapture --exact \
    e2e::killing::a_killed_process_is_replaced_soon
