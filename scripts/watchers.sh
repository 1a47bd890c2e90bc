#!/usr/bin/env bash
# Counts what watching a turn of another process costs: two processes over one PostgreSQL database, a turn that runs on
# the one, its watchers on the other. Prints statements per second once all are attached, and whether all watchers saw
# the events that the turn's own process shows. The ordinary tests run the same with 50 watchers.
#
#   scripts/watchers.sh [--watchers N] [--seconds N] [--program FILE]
#
# --watchers N    so many watchers (1000 where it is not given)
# --seconds N     count for so long (20 where it is not given)
# --program FILE  run this build of the service, such as an older one; its figures are printed and not judged
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed '$d' >&2
    exit 2
}

export OMNICHAT_TEST_WATCHERS=1000 OMNICHAT_TEST_SECONDS=20
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case $1 in
        --watchers) OMNICHAT_TEST_WATCHERS=$2 ;;
        --seconds) OMNICHAT_TEST_SECONDS=$2 ;;
        --program) OMNICHAT_TEST_PROGRAM=$(realpath "$2") && export OMNICHAT_TEST_PROGRAM ;;
        *) usage ;;
    esac
    shift 2
done

# Each watcher is a socket here and one in the service.
ulimit -n "$(ulimit -Hn)"
exec cargo test --locked --package omnichat --test app -- --nocapture --exact \
    e2e::watching::many_watchers_cost_few_statements_and_see_the_same
