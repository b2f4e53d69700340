#!/bin/sh
# Trains the bundled model from nothing: scenes, a fresh network, prune tune in two legs. See
# docs/bundled-model.md. Run it again after an interruption: it goes on from its last snapshot.
# usage: pipelines/models/train.sh [PROGRAM [FOLDER]]      FOLDER keeps scenes and snapshots
# STEPS1, STEPS2 and FRAMES shorten a trial. START=MODEL skips the first leg.
set -e
cd "$(dirname "$0")/../.."
prune=${1:-build/release/bin/prune}
work=${2:-build/bundled}
frames=${FRAMES:-10000}
mkdir -p "$work"

# Two frames per drive: many worlds teach more than many frames of one.
[ -e "$work/train.done" ] || {
    "$prune" synth "$work/train" --frames "$frames" --seed 7001 --drive-frames 2
    : >"$work/train.done"
}
[ -e "$work/val.done" ] || {
    "$prune" synth "$work/val" --frames 80 --seed 9001 --drive-frames 2
    : >"$work/val.done"
}

[ -e "$work/fresh.safetensors" ] ||
    "$prune" new --width 128 --blocks 8 --heads 4 --hidden 480 --neck 24,48,64,80 --fusion 32 \
        --head 16 --input-height 98 --input-width 322 --max-depth 80 --seed 1 \
        --license Apache-2.0 -o "$work/fresh.safetensors"

# leg MODEL OUTPUT SEED STEPS RATE WARMUP. The whole picture and no crops: the camera is always the
# same, and the height of a point in the picture is the best sign of its distance.
leg() {
    [ -e "$2" ] || "$prune" tune "$1" --images "$work/train" --val "$work/val" --align none \
        --seed "$3" --steps "$4" --learning-rate "$5" --warmup "$6" --batch 4 --weight-decay 0.05 \
        --silog 0.5 --l1-log 1 --gradient 0.5 --ema 0.998 \
        --crop 1 --exposure 0.3 --colour 0.1 --noise 0.015 --judge-every 500 \
        --snapshot "$work/snapshot-$3.safetensors" --snapshot-every 100 --resume \
        --storage fp16 --level 19 -o "$2"
}
start=${START:-$work/first.safetensors.zst}
[ -n "$START" ] || leg "$work/fresh.safetensors" "$start" 1 "${STEPS1:-6200}" 8e-4 200
# A second rise and fall of the learning rate from where the first has ended.
leg "$start" "$work/bundled.safetensors.zst" 2 "${STEPS2:-14000}" 5e-4 300

echo "copy $work/bundled.safetensors.zst to pipelines/models/ to make it the bundled model"
