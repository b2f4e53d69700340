#!/bin/sh
# make bench: the kernels, then sessions of two Depth Anything V2 networks with random weights, FP32
# and INT8 in one run. Takes about a minute; close other programs first.
set -e
cd "$(dirname "$0")/.."
cmake --build --preset release --target bench_kernels bench_session >/dev/null
build/release/bin/bench_kernels
build/release/bin/bench_session small
build/release/bin/bench_session vits 518x518
