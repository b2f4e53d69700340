#!/bin/sh
# torch.sh BUILD VENV PACKAGE: runs the PyTorch tests of the Python package in an environment of
# their own, with the CPU build of one PyTorch and the wheel that python.wheel made.
set -e
build=$1 venv=$2 package=$3
torch=torch==2.13.0
if ! "$venv/bin/python3" -c 'import torch' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/python3" -m pip install --quiet --disable-pip-version-check "$torch" numpy cffi \
        pytest safetensors
fi
"$venv/bin/python3" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall \
    "$build"/python/wheelhouse/*.whl
cd "$build"
PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python3" -m pytest -q -p no:cacheprovider \
    "$package/tests/test_torch.py" "$package/../../tests/benchmarks/test_module.py"
