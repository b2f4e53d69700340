#!/usr/bin/env python3
"""One tuning step of Depth Anything V2 S: this library against torch eager, in turns, one run.

    PYTHON_WITH_TORCH_AND_TRANSFORMERS benchmarks/tuning_torch.py [--threads 2] [--batch 4]
        [--size 518x518] [--rounds 3] [--labels] [--profile] [--bench build/release/bin/bench_tuning]

Both do the same step in FP32: forward, the teacher's forward, the losses that `prune tune` takes by
default, backward, clipping to norm 1, AdamW. Ours also makes its views of the pictures. Weights are
random: the time does not depend on them. Each side keeps its process; the two take turns step by
step, so that other load meets both. torch gets fused AdamW, fused attention, memory that is kept
instead of given back to the system, and as many threads as we have.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import time

# What torch's allocations need in order not to fault fresh pages in at every step.
TUNED = {"MALLOC_MMAP_THRESHOLD_": str(1 << 32), "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
         "MALLOC_TOP_PAD_": str(1 << 28)}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--size", default="518x518", help="height x width")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--labels", action="store_true", help="ground truth instead of a teacher")
    parser.add_argument("--channels-last", action="store_true", help="torch's other memory format")
    parser.add_argument("--profile", action="store_true", help="torch's own profile of one step")
    parser.add_argument("--bench", default="build/release/bin/bench_tuning")
    parser.add_argument("--json", help="write the numbers to this file")
    return parser.parse_args()


def tuned_process(threads):
    """Starts itself again with the environment that torch wants: it is read at the start."""
    wanted = dict(TUNED, OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
    if all(os.environ.get(k) == v for k, v in wanted.items()):
        return
    os.execve(sys.executable, [sys.executable] + sys.argv, dict(os.environ, **wanted))


class Torch:
    def __init__(self, args):
        import torch
        from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config
        self.torch, self.args = torch, args
        torch.set_num_threads(args.threads)
        torch.manual_seed(0)
        backbone = Dinov2Config(hidden_size=384, num_hidden_layers=12, num_attention_heads=6,
                                image_size=518, patch_size=14, out_indices=[3, 6, 9, 12],
                                apply_layernorm=True, reshape_hidden_states=False)
        config = DepthAnythingConfig(backbone_config=backbone, reassemble_hidden_size=384,
                                     neck_hidden_sizes=[48, 96, 192, 384], fusion_hidden_size=64)
        self.model = DepthAnythingForDepthEstimation(config).train()
        self.teacher = DepthAnythingForDepthEstimation(config).eval()
        height, width = map(int, args.size.split("x"))
        self.x = torch.randn(args.batch, 3, height, width)
        self.depth = torch.rand(args.batch, height, width) * 50 + 1
        if args.channels_last:
            form = torch.channels_last
            self.model, self.teacher = self.model.to(memory_format=form), self.teacher.to(
                memory_format=form)
            self.x = self.x.to(memory_format=form)
        # As ours: what multiplies features decays, biases, norms, scales and tables do not.
        decaying = [p for p in self.model.parameters() if p.dim() in (2, 4)]
        rest = [p for p in self.model.parameters() if p.dim() not in (2, 4)]
        self.adamw = torch.optim.AdamW([{"params": decaying, "weight_decay": 0.01},
                                        {"params": rest, "weight_decay": 0.0}], lr=1e-6, fused=True)

    def normal(self, x):
        median = x.flatten(1).median(1).values[:, None, None]
        return (x - median) / (x - median).abs().mean((1, 2), keepdim=True).clamp_min(1e-6)

    def gradient_loss(self, residual):
        """Slopes of the residual on every pixel, every 2nd, 4th and 8th (loss_gradient.c)."""
        total = 0
        for scale in range(4):
            r = residual[:, ::1 << scale, ::1 << scale]
            x, y = (r[:, :, 1:] - r[:, :, :-1]).abs(), (r[:, 1:] - r[:, :-1]).abs()
            total = total + (x.sum() + y.sum()) / (x.numel() + y.numel()) / 4
        return total

    def loss(self, output):
        torch = self.torch
        if not self.args.labels:
            with torch.no_grad():
                target = self.teacher(pixel_values=self.x).predicted_depth
            residual = self.normal(output) - self.normal(target)
            return residual.abs().mean() + self.gradient_loss(residual)
        residual = self.normal(output) - self.normal(1 / self.depth)
        size = residual.abs().detach().flatten(1)  # MiDaS: the largest fifth does not count
        limit = size.kthvalue(size.shape[1] * 4 // 5, 1).values[:, None, None]
        trimmed = residual.abs() * (residual.abs() <= limit)
        return trimmed.mean() + 0.5 * self.gradient_loss(residual)

    def step(self):
        began = time.perf_counter()
        self.adamw.zero_grad(set_to_none=True)
        loss = self.loss(self.model(pixel_values=self.x).predicted_depth)
        loss.backward()
        self.torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0, foreach=True)
        self.adamw.step()
        float(loss.detach())
        return time.perf_counter() - began

    def profile(self):
        with self.torch.profiler.profile() as profile:
            self.step()
        print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=30,
                                           max_name_column_width=50))


class Ours:
    def __init__(self, args):
        command = [args.bench, args.size, str(args.batch), str(args.threads), "1", "serve"]
        self.process = subprocess.Popen(command + (["labels"] if args.labels else []), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.isa = self.process.stdout.readline().split()[1]

    def step(self):
        self.process.stdin.write("step\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline().split()[0])


def main():
    args = parse()
    tuned_process(args.threads)
    theirs = Torch(args)
    theirs.step()
    if args.profile:
        theirs.profile()
        return
    ours = Ours(args)
    times = {"torch": [], "prune": []}
    for _ in range(args.rounds):
        times["prune"].append(ours.step())
        times["torch"].append(theirs.step())
    ours.process.stdin.close()
    ours.process.wait()
    result = {"size": args.size, "batch": args.batch, "threads": args.threads, "isa": ours.isa,
              "targets": "labels" if args.labels else "teacher",
              "torch": theirs.torch.__version__, "rounds": args.rounds}
    for name, seconds in times.items():
        result[name + "_s"] = {"minimum": min(seconds), "median": statistics.median(seconds)}
    result["ratio"] = {k: result["torch_s"][k] / result["prune_s"][k]
                       for k in ("minimum", "median")}
    print(json.dumps(result, indent=1))
    print("a step is %.2f (minimum), %.2f (median) times as fast as torch %s"
          % (result["ratio"]["minimum"], result["ratio"]["median"], result["torch"]))
    if args.json:
        with open(args.json, "w") as file:
            json.dump(result, file, indent=1)


if __name__ == "__main__":
    main()
