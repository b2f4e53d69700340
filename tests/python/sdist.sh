#!/bin/sh
# sdist.sh CMAKE BUILD VENV PACKAGE: makes a source distribution and checks that it stands alone:
# every C file is in it, and it configures where there is no repository. (Building it takes as long
# as building the library, so that is not repeated here.)
set -e
cmake=$1 build=$2 venv=$3 package=$4
source=$(cd "$package/../.." && pwd)
folder=$(mktemp -d "$build/python-sdist.XXXXXX")
trap 'rm -rf "$folder"' EXIT
"$venv/bin/python3" -m build --sdist --no-isolation --outdir "$folder" "$package" >"$folder/log" 2>&1 ||
    { cat "$folder/log"; exit 1; }
mkdir "$folder/unpacked"
tar -xzf "$folder"/libprune-*.tar.gz -C "$folder/unpacked" --strip-components=1
for part in include libprune eval pipelines cmake; do
    (cd "$source" && find $part -type f ! -path '*/__pycache__/*' ! -name '.*' | sort)
done >"$folder/wanted"
for part in include libprune eval pipelines cmake; do
    (cd "$folder/unpacked/csource" && find $part -type f | sort)
done >"$folder/found"
diff "$folder/wanted" "$folder/found"
(cd "$package/src" && find . -name '*.py' -o -name py.typed | sort) >"$folder/wanted"
(cd "$folder/unpacked/src" && find . -name '*.py' -o -name py.typed | sort) >"$folder/found"
diff "$folder/wanted" "$folder/found"
"$cmake" -S "$folder/unpacked" -B "$folder/build" -G Ninja -DPython_ROOT_DIR="$venv" \
    -DSKBUILD_METADATA_DIR=metadata -DCMAKE_BUILD_TYPE=Release >"$folder/log" 2>&1 ||
    { cat "$folder/log"; exit 1; }
ninja -C "$folder/build" -n _libprune | tail -n 1
ls -l "$folder"/libprune-*.tar.gz | awk '{print $5, "bytes"}'
test ! -e "$package/csource"
