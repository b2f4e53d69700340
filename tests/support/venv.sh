#!/bin/sh
# venv.sh FOLDER [REQUIREMENTS]: a Python environment with these packages (default:
# tests/support/requirements.txt), made once.
set -e
folder=$1
requirements=${2:-$(dirname "$0")/requirements.txt}
cmp -s "$requirements" "$folder/requirements.txt" && exit 0
python3 -m venv "$folder"
"$folder/bin/python3" -m pip install --quiet --disable-pip-version-check -r "$requirements"
cp "$requirements" "$folder/requirements.txt"
