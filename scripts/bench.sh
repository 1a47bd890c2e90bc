#!/usr/bin/env bash
# Measures OmniChat beside direct calls and a bare gateway. docs/BENCHMARKS.md says how to read the report.
#
#   scripts/bench.sh [--profile] [--floor-only] [FILE]
#   scripts/bench.sh --against COMMIT [--rounds N] [--turns N] [FILE]
#   scripts/bench.sh --history [--sessions N] [FILE]
#
# --profile         also profile with perf
# --floor-only      direct calls and the floor alone: no OmniChat, no PostgreSQL
# --against COMMIT  instead, compare the working tree with a commit: is it slower?
# --rounds N        the number of rounds (default 5)
# --turns N         the number of durable turns in each run (default 6000)
# --history         instead, measure pages of the history of a user with very many sessions
# --sessions N      the number of sessions (default 100000; others have a tenth of it)
# FILE              also write the report to this file
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

profile=()
floor_only=
against=
comparison=()
history=
sessions=()
out=
while [ $# -gt 0 ]; do
    case $1 in
        --profile) profile=(--profile) ;;
        --floor-only) floor_only=yes ;;
        --history) history=100000 ;;
        --against | --rounds | --turns | --sessions)
            [ $# -ge 2 ] || usage
            case $1 in
                --against) against=$2 ;;
                --sessions) sessions=("$2") ;;
                *) comparison+=("$1" "$2") ;;
            esac
            shift
            ;;
        -*) usage ;;
        *) out=$1 ;;
    esac
    shift
done
if [ -n "$against" ]; then
    [ -z "$floor_only" ] && [ "${#profile[@]}" -eq 0 ] || usage
    against=$(git -C "$root" rev-parse --verify --quiet "$against^{commit}") ||
        { echo 'bench: --against names no commit' >&2; exit 2; }
else
    [ "${#comparison[@]}" -eq 0 ] || usage
fi
if [ -n "$history" ]; then
    [ -z "$floor_only$against" ] && [ "${#profile[@]}" -eq 0 ] || usage
    history=${sessions[0]:-$history}
else
    [ "${#sessions[@]}" -eq 0 ] || usage
fi

# The directory of PostgreSQL's programs: the tests look in the same places.
postgres_programs() {
    local directory found=
    if [ -n "${OMNICHAT_TEST_PG_BIN:-}" ]; then
        printf '%s\n' "$OMNICHAT_TEST_PG_BIN"
        return
    fi
    for directory in /usr/lib/postgresql/*/bin; do
        [ -x "$directory/initdb" ] && found=$directory
    done
    [ -n "$found" ] || found=$(dirname "$(readlink -f "$(command -v initdb)")") ||
        { echo 'bench: no PostgreSQL: run scripts/setup.sh' >&2; return 1; }
    printf '%s\n' "$found"
}

# PostgreSQL refuses to run as root.
as_postgres() {
    if [ "$(id -u)" -ne 0 ]; then
        (cd "$cluster" && "$@")
    else
        (cd "$cluster" && setpriv --reuid="$owner" --regid="$owner_group" --clear-groups "$@")
    fi
}

scratch=$(mktemp -d)
cluster=$(mktemp -d)
load_pid=
clean_up() {
    trap - EXIT INT TERM
    # `load` ends the processes that it started. If it was killed, their ids are in these files.
    if [ -n "$load_pid" ] && kill -TERM "$load_pid" 2>/dev/null; then
        wait "$load_pid" 2>/dev/null || true
    fi
    local file
    for file in "$scratch"/*.pid "$scratch"/*/*.pid "$scratch"/*/*/*.pid; do
        if [ -f "$file" ]; then kill "$(cat "$file")" 2>/dev/null || true; fi
    done
    if [ -f "$cluster/data/postmaster.pid" ]; then
        as_postgres "$programs/pg_ctl" stop --pgdata="$cluster/data" --mode=fast --wait >/dev/null 2>&1 || true
    fi
    rm -rf "$scratch" "$cluster"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

start_postgres() {
    if [ "$(id -u)" -eq 0 ]; then
        owner=$(id -u postgres 2>/dev/null || id -u nobody)
        owner_group=$(id -g postgres 2>/dev/null || id -g nobody)
        chown "$owner:$owner_group" "$cluster"
    fi
    as_postgres "$programs/initdb" --pgdata="$cluster/data" --username=omnichat --auth=trust --encoding=UTF8 \
        --locale=C --no-sync --no-instructions >/dev/null
    # Below the ports that the system gives to clients; fsync and synchronous_commit stay on.
    local port
    for _ in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 10000))
        if as_postgres "$programs/pg_ctl" start --pgdata="$cluster/data" --wait --log="$cluster/log" \
            --options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories= -c max_connections=200" \
            >/dev/null 2>&1; then
            database=(
                --database-url "postgresql://omnichat@127.0.0.1:$port/postgres"
                --database-pid "$(head -n 1 "$cluster/data/postmaster.pid")"
            )
            return
        fi
    done
    cat "$cluster/log" >&2
    return 1
}

# Builds the commit in a worktree below `target`, with a target directory of its own. The program is kept for later runs.
build_commit() {
    local folder=$root/target/against
    old=$folder/omnichat-$against
    [ ! -x "$old" ] || return 0
    mkdir -p "$folder"
    git -C "$root" worktree prune
    if [ -d "$folder/tree" ]; then
        git -C "$folder/tree" checkout --quiet --force --detach "$against"
    else
        git -C "$root" worktree add --quiet --detach "$folder/tree" "$against"
    fi
    (cd "$folder/tree" && CARGO_TARGET_DIR=$folder/target cargo build --release --locked -p omnichat) >&2
    cp "$folder/target/release/omnichat" "$old.part"
    mv "$old.part" "$old"
}

omnichat=()
database=()
if [ -z "$floor_only" ]; then
    programs=$(postgres_programs)
    # A profile needs symbols.
    [ "${#profile[@]}" -eq 0 ] || export CARGO_PROFILE_RELEASE_STRIP=none
    (cd "$root" && cargo build --release --locked -p omnichat) >&2
    omnichat=(--omnichat "$root/target/release/omnichat")
    if [ -n "$against" ]; then
        build_commit
        comparison+=(--against "$old" --psql "$programs/psql")
    fi
    if [ -n "$history" ]; then
        comparison+=(--history "$history" --psql "$programs/psql" --database-log "$cluster/log")
    fi
    start_postgres
fi
(cd "$root/bench" && env -u CARGO_PROFILE_RELEASE_STRIP cargo build --release --locked) >&2

# A gateway needs two sockets for each of a thousand streams.
ulimit -n "$(ulimit -Hn)"

report=$scratch/report.md
{
    printf 'Commit %s' "$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)"
    [ -z "$against" ] || printf ' (new) against %s (old)' "$(git -C "$root" rev-parse --short "$against")"
    printf ', %s processors, Linux %s' "$(nproc)" "$(uname -r)"
    [ -n "$floor_only" ] || printf ', %s' "$("$programs/postgres" --version)"
    printf '.\n\n'
} >"$report"
cat "$report"

"$root/bench/target/release/load" --scratch "$scratch" --out "$scratch/figures.md" \
    "${omnichat[@]}" "${database[@]}" "${profile[@]}" "${comparison[@]}" &
load_pid=$!
result=0
wait "$load_pid" || result=$?
load_pid=
if [ -n "$out" ] && [ -f "$scratch/figures.md" ]; then
    cat "$report" "$scratch/figures.md" >"$out"
fi
exit "$result"
