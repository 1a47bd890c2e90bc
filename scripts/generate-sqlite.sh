#!/usr/bin/env bash
# Writes crates/adapters/sqlite/.sqlx: what the checked queries need to build without a database.
# It makes a throw-away database from the migrations and lets the compiler describe each query against it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
crate=$root/crates/adapters/sqlite
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python3 - "$scratch/engine.db" "$root"/migrations/sqlite/*.sql <<'PYTHON'
import sqlite3
import sys

database = sqlite3.connect(sys.argv[1])
for path in sorted(sys.argv[2:]):
    with open(path, encoding="utf-8") as migration:
        database.executescript(migration.read())
database.close()
PYTHON

# The compiler writes beside the committed data first: a build that fails leaves that as it was.
mkdir "$scratch/queries"
touch "$crate/src/lib.rs"
cd "$root"
env -u SQLX_OFFLINE \
    OMNICHAT_SQLITE_DATABASE_URL="sqlite://$scratch/engine.db" \
    SQLX_OFFLINE_DIR="$scratch/queries" \
    cargo check --quiet -p omnichat-sqlite

mkdir -p "$crate/.sqlx"
rm -f "$crate"/.sqlx/query-*.json
cp "$scratch"/queries/query-*.json "$crate/.sqlx/"
# The next build reads what was just written.
touch "$crate/src/lib.rs"
echo "$(find "$crate/.sqlx" -name 'query-*.json' | wc -l) queries in crates/adapters/sqlite/.sqlx"
