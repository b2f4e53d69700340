#!/usr/bin/env python3
"""The tuning step of Depth Anything V2 S in torch eager, for suite/plan.py (engines.Worker says how
the two talk).

    tuning.py HEIGHTxWIDTH BATCH THREADS [labels]

The step is that of bench_tuning, in FP32: forward, the teacher's forward (or labels instead), the
losses that `prune tune` takes by default, backward, clipping to norm 1, AdamW; without the making of
views, which ours does too. Weights are random: the time does not depend on them. torch gets fused
AdamW and fused attention; channels last is slower (4.23 s for 4.04 s).
"""
import json
import sys
import time

import torch
from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config


class Step:
    def __init__(self, height, width, batch, threads, labels):
        self.labels = labels
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        backbone = Dinov2Config(hidden_size=384, num_hidden_layers=12, num_attention_heads=6,
                                image_size=518, patch_size=14, out_indices=[3, 6, 9, 12],
                                apply_layernorm=True, reshape_hidden_states=False)
        config = DepthAnythingConfig(backbone_config=backbone, reassemble_hidden_size=384,
                                     neck_hidden_sizes=[48, 96, 192, 384], fusion_hidden_size=64)
        self.model = DepthAnythingForDepthEstimation(config).train()
        self.teacher = DepthAnythingForDepthEstimation(config).eval()
        self.x = torch.randn(batch, 3, height, width)
        self.depth = torch.rand(batch, height, width) * 50 + 1
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
        if not self.labels:
            with torch.no_grad():
                target = self.teacher(pixel_values=self.x).predicted_depth
            residual = self.normal(output) - self.normal(target)
            return residual.abs().mean() + self.gradient_loss(residual)
        residual = self.normal(output) - self.normal(1 / self.depth)
        size = residual.abs().detach().flatten(1)  # MiDaS: the largest fifth does not count
        limit = size.kthvalue(size.shape[1] * 4 // 5, 1).values[:, None, None]
        trimmed = residual.abs() * (residual.abs() <= limit)
        return trimmed.mean() + 0.5 * self.gradient_loss(residual)

    def __call__(self):
        self.adamw.zero_grad(set_to_none=True)
        loss = self.loss(self.model(pixel_values=self.x).predicted_depth)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0, foreach=True)
        self.adamw.step()
        float(loss.detach())


def main():
    height, width = map(int, sys.argv[1].split("x"))
    step = Step(height, width, int(sys.argv[2]), int(sys.argv[3]), "labels" in sys.argv[4:])
    print(json.dumps({"version": f"torch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line.split()[1])):
            began = time.perf_counter()
            step()
            times.append(1e3 * (time.perf_counter() - began))
        print(json.dumps({"times": times}), flush=True)


if __name__ == "__main__":
    main()
