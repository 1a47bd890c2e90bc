#!/usr/bin/env bash
# Installs what building and testing need and this machine lacks. Says nothing where nothing is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Runs a command as root, whoever we are.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "needs root for: $*"
    fi
}

# Whether the store tests will find PostgreSQL; they look in the same places.
has_postgres() {
    local directory
    for directory in "${OMNICHAT_TEST_PG_BIN:-}" /usr/lib/postgresql/*/bin; do
        [ -n "$directory" ] && [ -x "$directory/initdb" ] && [ -x "$directory/postgres" ] && [ -x "$directory/psql" ] && return
    done
    command -v initdb >/dev/null && command -v psql >/dev/null
}

packages=()
has_postgres || packages+=(postgresql)
# SQLite and the TLS library are compiled from C.
command -v cc >/dev/null || packages+=(build-essential)

if [ "${#packages[@]}" -gt 0 ]; then
    command -v apt-get >/dev/null || fail "install by hand: ${packages[*]} (there is no apt-get here)"
    printf 'setup: installing %s\n' "${packages[*]}"
    if [[ " ${packages[*]} " == *' postgresql '* ]]; then
        # The tests start servers of their own: the package need not start one.
        as_root mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] ||
            printf 'create_main_cluster = false\n' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    has_postgres || fail "PostgreSQL is installed and still not to be found"
fi

command -v cargo >/dev/null || fail "install Rust first: https://rustup.rs"
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
found=$(cargo --version | cut -d ' ' -f 2)
if [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
    fail "Rust $wanted or newer is needed, and this is $found: run 'rustup update'"
fi
