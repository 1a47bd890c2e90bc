#!/usr/bin/env bash
# Installs pinned Python packages into a folder of their own, if they are not there yet. The list of packages is copied
# there, so that a second run finds them.
#
#   scripts/python-packages.sh NAME REQUIREMENTS FOLDER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=$1 requirements=$2 folder=$3
cmp -s "$requirements" "$folder/installed.txt" && exit
printf 'setup: installing the Python packages of %s\n' "$name"
rm -rf "$folder"
python3 -m venv "$folder"
"$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
cp "$requirements" "$folder/installed.txt"
