#!/usr/bin/env bash
# Uploads 20 bad files at the same time, again and again, to a real server that also answers turns, and prints its memory.
# Of the files, some take all the time that a document has; the ordinary tests send none of those.
#
#   scripts/bad-files.sh [ROUNDS]
#
# ROUNDS  so often (5 where it is not given)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export OMNICHAT_TEST_ROUNDS="${1:-5}" OMNICHAT_TEST_SLOW_FILES=1
exec cargo test --locked --package omnichat --test app -- --nocapture bad_files::
