#!/bin/sh
# environment.sh BUILD VENV: an environment with the peers and with the wheel that python.wheel made.
# PyTorch is its CPU build: from a wheel that pip already finds, else from PyTorch's own index.
set -e
build=$1 venv=$2
here=$(dirname "$0")
[ -x "$venv/bin/python3" ] || python3 -m venv "$venv"
pip="$venv/bin/python3 -m pip install --quiet --disable-pip-version-check"
if ! "$venv/bin/python3" -c 'import torch' 2>/dev/null; then
    $pip torch==2.13.0+cpu 2>/dev/null ||
        $pip torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu
fi
$pip -r "$here/requirements.txt"
$pip --no-deps --force-reinstall "$build"/python/wheelhouse/*.whl
