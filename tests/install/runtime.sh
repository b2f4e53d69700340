#!/bin/sh
# runtime.sh CMAKE BUILD ROOT: builds and installs the runtime preset of ROOT into a scratch folder and
# uses it as a robot's program would: examples/depth.c through pkg-config and the CMake package. What
# it says must be what the whole build's program (BUILD/bin/prune) says.
set -e
cmake=$1 build=$2 root=$3
scratch=$(mktemp -d "$build/runtime-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
log=$scratch/log
quietly() { "$@" >"$log" 2>&1 || { cat "$log"; exit 1; }; }

quietly "$cmake" -S "$root" --preset runtime -B "$scratch/build"
quietly "$cmake" --build "$scratch/build" --parallel 2
quietly "$cmake" --install "$scratch/build" --prefix "$tree"
library=$(dirname "$(find "$tree" -name libprune.so)")
header=$tree/include/prune

echo "size, and what it needs"
if nm "$library/libprune.so" | grep -i 'cblas_\|openblas\|dpotr'; then exit 1; fi
strip -o "$scratch/stripped.so" "$library/libprune.so"
bytes=$(wc -c <"$scratch/stripped.so")
echo "stripped: $bytes bytes"
[ "$bytes" -le 2000000 ]
if readelf -d "$scratch/stripped.so" | grep NEEDED | grep -i 'blas\|lapack\|yaml\|gomp'; then exit 1; fi

echo "headers: everything that they declare is there, and each stands alone"
nm -D --defined-only "$library/libprune.so" | awk '{print $NF}' | sort -u >"$scratch/exported"
if grep -v '^prune_' "$scratch/exported"; then exit 1; fi
for file in "$header"/*.h; do
    # Without comments and callbacks, a name before a parenthesis is a function.
    cc -fpreprocessed -dD -E -P "$file" 2>/dev/null | grep -o '\bprune_[a-z0-9_]* *(' | tr -d '( '
done | sort -u >"$scratch/declared"
[ -s "$scratch/declared" ]
missing=$(comm -23 "$scratch/declared" "$scratch/exported")
[ -z "$missing" ] || { echo "declared, but not in the library: $missing"; exit 1; }
for file in "$header"/*.h "$header"/sys/*.h; do
    printf '#include <%s>\n' "${file#"$tree/include/"}" >"$scratch/one.c"
    cc -std=c17 -pedantic -Wall -Wextra -Werror -fsyntax-only -I "$tree/include" "$scratch/one.c"
done

echo "a deployed program"
cp "$root/examples/depth.c" "$scratch/depth.c"
export PKG_CONFIG_PATH="$library/pkgconfig"
strict="-std=gnu17 -Wall -Wextra -Wconversion -Werror"
cc $strict "$scratch/depth.c" -o "$scratch/depth" $(pkg-config --cflags --libs prune) \
    -Wl,-rpath,"$library"
cc $strict "$scratch/depth.c" -o "$scratch/depth_static" $(pkg-config --cflags prune) \
    $(pkg-config --static --libs prune | sed 's/-lprune/-l:libprune.a/')
mkdir "$scratch/project"
cat >"$scratch/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.25)
project(robot LANGUAGES C)
find_package(prune 0.1 REQUIRED)
foreach(form "" _static)
    add_executable(depth\${form} ../depth.c)
    target_link_libraries(depth\${form} PRIVATE prune::prune\${form})
endforeach()
END
quietly "$cmake" -S "$scratch/project" -B "$scratch/project/build" -DCMAKE_PREFIX_PATH="$tree"
quietly "$cmake" --build "$scratch/project/build"

cd "$scratch"
python3 "$root/tests/install/picture.py" 320 240 frame.png frame.rgb
model=$root/pipelines/models/bundled.safetensors.zst
./depth "$model" frame.png depth.pfm
./depth_static "$model" frame.rgb 320x240 raw.pfm
project/build/depth "$model" frame.png package.npy
project/build/depth_static "$model" frame.png package.pfm
cmp depth.pfm raw.pfm
cmp depth.pfm package.pfm
"$build/bin/prune" predict "$model" frame.png -o whole --format pfm --quiet
python3 "$root/tests/install/same_map.py" whole/frame.pfm depth.pfm

echo "errors say what to do"
if ./depth no-such-model frame.png x.pfm 2>error; then exit 1; fi
grep -q 'no-such-model' error
if ./depth "$model" frame.rgb 3200x2400 x.pfm 2>error; then exit 1; fi
grep -q 'frame.rgb' error
if ./depth "$model" frame.rgb x.pfm 2>error; then exit 1; fi
grep -q 'neither PNG nor JPEG' error
