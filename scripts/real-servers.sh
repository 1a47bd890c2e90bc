#!/usr/bin/env bash
# Tries real servers as providers, on loopback and without the internet once they are installed: aimock, LiteLLM's
# proxy, and llama.cpp's server over a model that is made here. Prints a table: how many turns were completed, how many
# failed and why, and how many look right and are not, or failed and should not have.
#
#   scripts/real-servers.sh [TURNS]
#
# TURNS  run so many turns over each server and API (200 where it is not given)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
    sed -n '2,/^set /s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" | sed '$d' >&2
    exit 2
}

turns=${1:-200}
[[ $# -le 1 && $turns =~ ^[1-9][0-9]*$ ]] || usage

scripts/setup.sh
servers=crates/app/tests/real_servers
scripts/python-packages.sh LiteLLM "$servers/litellm/requirements.txt" target/litellm-venv
scripts/python-packages.sh llama.cpp "$servers/llama_cpp/requirements.txt" target/llama-cpp-venv

export OMNICHAT_TEST_ALL_SERVERS=1 OMNICHAT_TEST_TURNS="$turns"
exec cargo test --locked --package omnichat --test app -- --nocapture --exact \
    e2e::real_servers::real_servers_are_never_quoted_wrongly
