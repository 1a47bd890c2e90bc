#!/usr/bin/env bash
# Writes docs/openapi.json, the API description as the service serves it. The test that compares the two writes the new
# description to a file if they differ.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')
rm -f "$target/tmp/openapi.json"
if cargo test --quiet -p omnichat-http --test http the_description_equals_the_committed_file >/dev/null; then
    echo "docs/openapi.json is up to date"
else
    cp "$target/tmp/openapi.json" docs/openapi.json
    echo "docs/openapi.json is written"
fi
