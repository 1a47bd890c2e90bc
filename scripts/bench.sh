#!/usr/bin/env bash
# Measures OmniChat beside direct calls and a bare gateway, in one run. docs/BENCHMARKS.md says how to read it.
#
#   scripts/bench.sh [--profile] [--floor-only] [FILE]
#
# --profile     also look with perf at what costs most
# --floor-only  direct calls and the floor alone: no OmniChat, no PostgreSQL
# FILE          keep the report there, too
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
profile=()
floor_only=
out=
for argument in "$@"; do
    case $argument in
        --profile) profile=(--profile) ;;
        --floor-only) floor_only=yes ;;
        -*) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
        *) out=$argument ;;
    esac
done

# Where PostgreSQL's programs are: the tests look in the same places.
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
    # The conductor ends what it started; what it could not end has left its number behind.
    if [ -n "$load_pid" ] && kill -TERM "$load_pid" 2>/dev/null; then
        wait "$load_pid" 2>/dev/null || true
    fi
    local file
    for file in "$scratch"/*.pid "$scratch"/*/*.pid; do
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

omnichat=()
database=()
if [ -z "$floor_only" ]; then
    programs=$(postgres_programs)
    # A profile needs the names of functions.
    [ "${#profile[@]}" -eq 0 ] || export CARGO_PROFILE_RELEASE_STRIP=none
    (cd "$root" && cargo build --release --locked -p omnichat) >&2
    omnichat=(--omnichat "$root/target/release/omnichat")
    start_postgres
fi
(cd "$root/bench" && env -u CARGO_PROFILE_RELEASE_STRIP cargo build --release --locked) >&2

# A thousand streams are two thousand sockets in a gateway.
ulimit -n "$(ulimit -Hn)"

report=$scratch/report.md
{
    printf 'Commit %s, %s processors, Linux %s' \
        "$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)" "$(nproc)" "$(uname -r)"
    [ -n "$floor_only" ] || printf ', %s' "$("$programs/postgres" --version)"
    printf '.\n\n'
} >"$report"
cat "$report"

"$root/bench/target/release/load" --scratch "$scratch" --out "$scratch/figures.md" \
    "${omnichat[@]}" "${database[@]}" "${profile[@]}" &
load_pid=$!
result=0
wait "$load_pid" || result=$?
load_pid=
if [ -n "$out" ] && [ -f "$scratch/figures.md" ]; then
    cat "$report" "$scratch/figures.md" >"$out"
fi
exit "$result"
