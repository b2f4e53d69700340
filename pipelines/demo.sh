#!/bin/sh
# make demo: the bundled model through the whole loop, judged on scenes that nobody has seen.
# usage: pipelines/demo.sh PROGRAM [FOLDER]
set -e
cd "$(dirname "$0")/.."
prune=${1:-build/release/bin/prune}
out=${2:-build/demo}
rm -rf "$out"
mkdir -p "$out"

# Every frame of the first two shows a street of its own: those of one street are alike and decide little.
echo "== Scenes: 48 to tune on, 24 that decide, 40 that are only reported; three different seeds"
"$prune" synth "$out/tune" --frames 48 --drive-frames 1 --seed 1001 --quiet
"$prune" synth "$out/val" --frames 24 --drive-frames 1 --seed 2002 --quiet
"$prune" synth "$out/test" --frames 40 --seed 3003 --quiet

echo "== The bundled model, compressed"
"$prune" compress --images "$out/tune" --val "$out/val" --test "$out/test" \
    --recipe pipelines/recipes/demo.yaml -o "$out/result"
