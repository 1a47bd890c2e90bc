#!/usr/bin/env bash
# Writes the checked queries of the PostgreSQL store (crates/adapters/postgres/.sqlx), from which it builds without a
# database. Starts a PostgreSQL of its own for that, on a free port of 127.0.0.1, and stops it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
crate=$root/crates/adapters/postgres

# Where the programs are: named, else the newest of Debian's, else those of the search path.
bin=${OMNICHAT_TEST_PG_BIN:-$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)}
bin=${bin:-$(dirname "$(readlink -f "$(command -v initdb)")")}
for program in initdb postgres psql; do
    [[ -x $bin/$program ]] || { echo "PostgreSQL's $program is missing: install it, or name its directory in OMNICHAT_TEST_PG_BIN" >&2; exit 1; }
done

# PostgreSQL refuses to run as root.
as_owner=()
[[ $(id -u) != 0 ]] || as_owner=(runuser -u postgres --)

work=$(cd / && "${as_owner[@]}" mktemp -d)
server=
clean_up() {
    if [[ -n $server ]]; then
        "${as_owner[@]}" kill -INT "$server" 2>/dev/null || true
        # It is not a child of this shell where another account runs it.
        while "${as_owner[@]}" kill -0 "$server" 2>/dev/null; do sleep 0.1; done
    fi
    rm -rf "$work"
}
trap clean_up EXIT

cd "$work"
"${as_owner[@]}" "$bin/initdb" --pgdata="$work/data" --username=omnichat --auth=trust --encoding=UTF8 --locale=C \
    --no-sync --no-instructions >/dev/null

for _ in 1 2 3 4 5; do
    port=$((20000 + RANDOM % 20000))
    if "${as_owner[@]}" "$bin/pg_ctl" start --pgdata="$work/data" --log="$work/log" --wait --silent \
        --options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories= -c fsync=off"; then
        server=$("${as_owner[@]}" head -n 1 "$work/data/postmaster.pid")
        break
    fi
done
[[ -n $server ]] || { cat "$work/log" >&2; exit 1; }

url=postgres://omnichat@127.0.0.1:$port/postgres
for migration in "$root"/migrations/postgres/*.sql; do
    "$bin/psql" --no-psqlrc --quiet --set=ON_ERROR_STOP=1 --single-transaction --dbname="$url" --file="$migration"
done

# The macros write a file for each query that they see, so what is left over from old ones goes first, and the crate
# must be built anew.
mkdir -p "$crate/.sqlx"
find "$crate/.sqlx" -name 'query-*.json' -delete
touch "$crate/src/lib.rs"
cd "$root"
OMNICHAT_POSTGRES_DATABASE_URL=$url SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$crate/.sqlx cargo check --package omnichat-postgres "$@"
# The next build reads what was written.
touch "$crate/src/lib.rs"
echo "wrote $(find "$crate/.sqlx" -name 'query-*.json' | wc -l) queries to crates/adapters/postgres/.sqlx"
