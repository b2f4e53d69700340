#!/bin/sh
# run.sh CMAKE BUILD SOURCE: installs BUILD into a scratch folder, then builds and runs the programs
# of SOURCE against that tree, through the CMake package and through pkg-config, shared and static.
set -e
cmake=$1 build=$2 source=$3
scratch=$(mktemp -d "$build/install-test.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree

"$cmake" --install "$build" --prefix "$tree" >/dev/null
library=$(dirname "$(find "$tree" -name libprune.so)")

echo "exported symbols are prune_* only"
for file in "$library"/libprune*.so; do
    foreign=$(nm -D --defined-only "$file" | awk '{print $NF}' | grep -v '^prune_' || true)
    [ -z "$foreign" ] || { echo "$file exports: $foreign"; exit 1; }
done

echo "recipes"
for recipe in "$tree"/share/prune/recipes/*.yaml; do
    "$tree/bin/prune" compress --recipe "$recipe" --print-recipe >"$scratch/printed.yaml"
    "$tree/bin/prune" compress --recipe "$scratch/printed.yaml" --print-recipe |
        diff "$scratch/printed.yaml" -
done

echo "CMake package"
"$cmake" -S "$source" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$tree" \
    -DCMAKE_BUILD_TYPE=Release >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
"$cmake" --build "$scratch/build" >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
(cd "$scratch" && build/c_program && build/c_program_static)
# frames to tune on (their pictures are the photos), frames to judge on
"$scratch/build/cxx_program" "$scratch/photos" 6 112 56 1
"$scratch/build/cxx_program_static" "$scratch/pairs" 3 112 56 2

echo "a recipe from C, shared and static"
"$tree/bin/prune" new --width 24 --blocks 4 --heads 2 --neck 8,8,8,8 --fusion 8 --head 4 \
    --input-height 42 --input-width 84 -o "$scratch/tiny.safetensors" --quiet >/dev/null
cat >"$scratch/tiny.yaml" <<END
model: tiny.safetensors
images: photos
output: run
bench-seconds: 0.1
stages:
  - quantize: {views: 4, scan-images: 2}
END
"$scratch/build/recipe" "$scratch/tiny.yaml" >"$scratch/log"
grep -q '^  - quantize:' "$scratch/log" && grep -q 'INT8 layers' "$scratch/log"
[ -s "$scratch/run/report.html" ]
rm -r "$scratch/run"
"$scratch/build/recipe_static" "$scratch/tiny.yaml" >"$scratch/log"

echo "pkg-config"
export PKG_CONFIG_PATH="$library/pkgconfig"
strict="-Wall -Wextra -Werror"
for package in $(cd "$library/pkgconfig" && ls | sed 's/\.pc$//'); do
    pkg-config --exists --print-errors "$package"
done
cc -std=c17 -pedantic $strict "$source/program.c" -o "$scratch/a" $(pkg-config --cflags --libs prune)
(cd "$scratch" && LD_LIBRARY_PATH=$library ./a)
c++ -std=c++17 $strict "$source/program.cpp" -o "$scratch/b" \
    $(pkg-config --cflags --libs prune-eval)
LD_LIBRARY_PATH=$library "$scratch/b" "$scratch/again" 3 112 56 2
diff -r "$scratch/pairs" "$scratch/again"
# Static: the archive in place of -lprune, and what --static adds.
cc -std=c17 $strict "$source/program.c" -o "$scratch/c" $(pkg-config --cflags prune) \
    $(pkg-config --static --libs prune | sed 's/-lprune/-l:libprune.a/')
(cd "$scratch" && ./c)

echo "every public header stands alone, as C and as C++"
(cd "$tree/include" && find prune -name '*.h') | while read -r header; do
    printf '#include <%s>\n' "$header" >"$scratch/one.c"
    cc -std=c17 -pedantic $strict -fsyntax-only -I "$tree/include" "$scratch/one.c"
    c++ -std=c++17 -pedantic $strict -fsyntax-only -I "$tree/include" -x c++ "$scratch/one.c"
done

echo "the whole mission: cut, tune, quantize, pack, deploy"
picture=$(find "$scratch/pairs/image" -name '*.png' | sort | head -n 1)
"$scratch/build/mission" "$source/../golden/dav2_tiny.pth" "$scratch/photos/image" \
    "$scratch/pairs" "$scratch/small.safetensors.zst" "$picture"
zstd -dc "$scratch/small.safetensors.zst" >/dev/null
