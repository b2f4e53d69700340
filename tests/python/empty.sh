#!/bin/sh
# empty.sh BUILD: installs the wheel into an empty environment and uses it from there.
set -e
build=$1
folder=$(mktemp -d "$build/python-empty.XXXXXX")
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/python3" -m pip install --quiet --disable-pip-version-check \
    "$build"/python/wheelhouse/*.whl
cd "$folder"
PYTHONDONTWRITEBYTECODE=1 "$folder/venv/bin/python3" - <<'END'
import pathlib
import sys

import libprune

assert pathlib.Path(libprune.__file__).is_relative_to(sys.prefix), libprune.__file__
scenes = libprune.datasets.synth(frames=3, width=112, height=56)
model = libprune.load("bundled")
small = libprune.quantize(model, scenes, scan=False, views=3).model
packed = libprune.load(small.save("small.safetensors.zst"))
with libprune.Session(packed) as session:
    depth = session(scenes[0].image)
assert depth.shape == (56, 112)
assert 0 < depth.min() < depth.max() <= 80
print(libprune.evaluate(packed, scenes, align="none"))
try:
    model.plot()
except ImportError as error:
    print("without matplotlib:", error)
print(libprune.default_context(), "libprune", libprune.__version__)
END
