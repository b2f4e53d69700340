#!/bin/sh
# notebook.sh BUILD VENV NOTEBOOK: runs a notebook; what it shows stays in BUILD/python/notebooks.
# The C program of deploying.ipynb is built against the tree that python.wheel installed.
set -e
build=$1 venv=$2 notebook=$3
PKG_CONFIG_PATH=$(dirname "$(find "$build/python/tree" -name prune.pc)")
export PKG_CONFIG_PATH
exec "$venv/bin/python3" "$(dirname "$0")/notebook.py" "$notebook" "$build/python/notebooks"
