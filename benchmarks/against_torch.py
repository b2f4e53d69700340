#!/usr/bin/env python3
"""FP32 Depth Anything V2 S, 518 x 518: this library's session against torch eager, one run.

    PRUNE_TORCH=/path/to/venv/bin/python benchmarks/against_torch.py [--threads 2] [--rounds 5]
                                                                    [--bench build/bin/bench_session]

Start it with any Python 3; $PRUNE_TORCH names the interpreter that has torch and transformers.
Rounds alternate between the two, so that other load meets both. Both use random weights: the time
does not depend on their values. `--cpu` compares processor time on one thread instead of wall time,
which is fair on a busy machine too.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys

TORCH = r"""
import sys, time, torch
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config
threads, cpu = int(sys.argv[1]), sys.argv[2] == "cpu"
torch.set_num_threads(threads)
torch.manual_seed(0)
backbone = Dinov2Config(hidden_size=384, num_hidden_layers=12, num_attention_heads=6,
                        image_size=518, patch_size=14, out_indices=[3, 6, 9, 12],
                        apply_layernorm=True, reshape_hidden_states=False)
config = DepthAnythingConfig(backbone_config=backbone, reassemble_hidden_size=384,
                             neck_hidden_sizes=[48, 96, 192, 384], fusion_hidden_size=64)
model = DepthAnythingForDepthEstimation(config).eval()
x = torch.randn(1, 3, 518, 518)
clock = time.process_time if cpu else time.perf_counter
times = []
with torch.inference_mode():
    model(pixel_values=x)
    for _ in range(5):
        start = clock()
        model(pixel_values=x)
        times.append((clock() - start) * 1e3)
times.sort()
print(torch.__version__, times[len(times) // 2], times[0])
"""


def torch_round(python, threads, cpu):
    env = dict(os.environ, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    out = subprocess.run([python, "-c", TORCH, str(threads), "cpu" if cpu else "wall"], env=env,
                         check=True, capture_output=True, text=True).stdout.split()
    return out[0], float(out[1]), float(out[2])


def our_round(bench, threads, cpu):
    out = subprocess.run([bench, "vits", "518x518", str(threads), "100", "fp32"] + (["cpu"] if cpu else []),
                         check=True, capture_output=True, text=True).stdout
    line = re.search(r"FP32\s+median\s+([\d.]+) ms, minimum\s+([\d.]+) ms", out)
    return float(line.group(1)), float(line.group(2))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bench", default="build/bin/bench_session")
    parser.add_argument("--cpu", action="store_true", help="processor time, one thread")
    parser.add_argument("--json", help="write the numbers to this file")
    args = parser.parse_args()
    python = os.environ.get("PRUNE_TORCH")
    if not python:
        sys.exit("set PRUNE_TORCH to a Python that has torch and transformers")
    if args.cpu:
        args.threads = 1
    theirs, ours, version = [], [], ""
    for _ in range(args.rounds):
        ours.append(our_round(args.bench, args.threads, args.cpu))
        version, median, least = torch_round(python, args.threads, args.cpu)
        theirs.append((median, least))
    result = {"threads": args.threads, "clock": "cpu" if args.cpu else "wall", "torch": version,
              "torch_ms": {"median": statistics.median(t[0] for t in theirs),
                           "minimum": min(t[1] for t in theirs)},
              "prune_ms": {"median": statistics.median(t[0] for t in ours),
                           "minimum": min(t[1] for t in ours)}}
    result["ratio"] = {k: result["torch_ms"][k] / result["prune_ms"][k]
                       for k in ("median", "minimum")}
    print(json.dumps(result, indent=1))
    print("session is %.2f (median), %.2f (minimum) times as fast as torch %s"
          % (result["ratio"]["median"], result["ratio"]["minimum"], version))
    if args.json:
        with open(args.json, "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
