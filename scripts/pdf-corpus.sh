#!/usr/bin/env bash
# Reads the PDFs of a directory, and prints how many of their words it finds: F1 against NAME.txt beside NAME.pdf, or
# against pdftotext. The ordinary tests do the same with the fixtures of crates/adapters/pdf.
#
#   scripts/pdf-corpus.sh DIRECTORY
set -euo pipefail

[[ $# -eq 1 && -d $1 ]] || { sed -n '2,/^set /s/^# \{0,1\}//p' "$0" >&2; exit 2; }
OMNICHAT_TEST_PDFS=$(realpath "$1")
export OMNICHAT_TEST_PDFS
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec cargo test --locked --package omnichat-pdf --test reader -- --nocapture --exact \
    fixtures::fixtures_have_the_words_that_pdftotext_reads
