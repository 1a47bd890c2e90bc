#!/usr/bin/env bash
# Measures how long it takes to put values in for the variables of a prompt, for templates of 1,000 to 1,000,000 characters.
# docs/BENCHMARKS.md has the figures. Arguments go to criterion: `scripts/bench-prompts.sh 'variables with values'`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../bench"

exec cargo bench --locked --bench expand -- "$@"
