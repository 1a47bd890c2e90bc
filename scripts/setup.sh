#!/usr/bin/env bash
# Installs what is missing for building and testing. Prints nothing if nothing is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Runs a command as root.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "needs root for: $*"
    fi
}

# Whether the tests will find PostgreSQL: they look in the same directories.
has_postgres() {
    local directory
    for directory in "${OMNICHAT_TEST_PG_BIN:-}" /usr/lib/postgresql/*/bin; do
        [ -n "$directory" ] && [ -x "$directory/initdb" ] && [ -x "$directory/postgres" ] && [ -x "$directory/psql" ] && return
    done
    command -v initdb >/dev/null && command -v psql >/dev/null
}

packages=()
has_postgres || packages+=(postgresql)
# Tests start it in front of PostgreSQL. Ordinary accounts do not have its directory in their search path.
PATH=$PATH:/usr/sbin command -v pgbouncer >/dev/null || packages+=(pgbouncer)
# SQLite and the TLS library are compiled from C.
command -v cc >/dev/null || packages+=(build-essential)
# The examples of the contracts' documents use curl, Python and JavaScript; the S3 server of the tests uses Python.
command -v curl >/dev/null || packages+=(curl)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3 python3-venv)
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)
# A test opens the documentation page of the API in it.
[ -x /usr/bin/chromium ] || packages+=(chromium)

if [ "${#packages[@]}" -gt 0 ]; then
    command -v apt-get >/dev/null || fail "install by hand: ${packages[*]} (there is no apt-get here)"
    printf 'setup: installing %s\n' "${packages[*]}"
    if [[ " ${packages[*]} " == *' postgresql '* ]]; then
        # The tests start their own servers, so the package need not start one.
        as_root mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] ||
            printf 'create_main_cluster = false\n' | as_root tee /etc/postgresql-common/createcluster.conf >/dev/null
    fi
    # Nor need any other package start its service.
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod +x "$policy"
        trap 'as_root rm -f "$policy"' EXIT
    fi
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
    has_postgres || fail "PostgreSQL is installed, but its programs were not found"
fi

command -v cargo >/dev/null || fail "install Rust first: https://rustup.rs"
wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
found=$(cargo --version | cut -d ' ' -f 2)
if [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n 1)" != "$wanted" ]; then
    fail "Rust $wanted or newer is needed, and this is $found: run 'rustup update'"
fi

# The client libraries of the examples.
examples=crates/app/tests/examples
scripts/python-packages.sh 'the examples' "$examples/requirements.txt" target/examples-venv
# The S3 server of the tests, and a library whose signatures are compared with ours.
scripts/python-packages.sh 'the S3 server' crates/testkit/s3_server/requirements.txt target/s3-server-venv
for folder in "$examples" crates/app/tests/browser crates/app/tests/real_servers/aimock; do
    if ! cmp -s "$folder/package-lock.json" "$folder/node_modules/installed.json"; then
        printf 'setup: installing the JavaScript packages of %s\n' "$folder"
        (cd "$folder" && npm ci --silent)
        cp "$folder/package-lock.json" "$folder/node_modules/installed.json"
    fi
done
