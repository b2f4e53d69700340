#!/usr/bin/env python3
"""Depth Anything V2 with seeded random weights, computed by torch and transformers.

  dav2_oracle.py tiny tests/golden        regenerates the committed golden files (DA-V2, tiny)
  dav2_oracle.py sizes DIR                writes the tiny model at odd sizes, compared like `full`
  dav2_oracle.py count                    prints the parameters of every size
  dav2_oracle.py full DIR s|b|l           writes full-size checkpoints and expected outputs; then
      PRUNE_ORACLE_DIR=DIR build/.../models.families.test_depth_anything_v2   compares with them

Needs torch, transformers and safetensors. `make test` needs none of them.
"""
import argparse
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

SIZES = {  # width, blocks, heads, hidden, taps, neck, fusion, head, grid
    "tiny": (16, 4, 4, 32, (0, 1, 2, 3), (8, 12, 16, 20), 8, 6, 6),
    "gated": (20, 4, 4, None, (0, 1, 2, 3), (8, 12, 16, 20), 8, 6, 5),  # None: SwiGLU
    "s": (384, 12, 6, 1536, (2, 5, 8, 11), (48, 96, 192, 384), 64, 32, 37),
    "b": (768, 12, 12, 3072, (2, 5, 8, 11), (96, 192, 384, 768), 128, 32, 37),
    "l": (1024, 24, 16, 4096, (4, 11, 17, 23), (256, 512, 1024, 1024), 256, 32, 37),
    "g": (1536, 40, 24, None, (9, 19, 29, 39), (1536, 1536, 1536, 1536), 384, 32, 37),
}


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        scores = (q @ k.transpose(-1, -2)) * (d // self.heads) ** -0.5
        return self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(n, t, d))


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, hidden), nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class SwiGLUFFNFused(nn.Module):
    """DINOv2's gated MLP: the first half of w12 goes through silu and multiplies the second."""

    def __init__(self, width):
        super().__init__()
        hidden = (int(4 * width * 2 / 3) + 7) // 8 * 8
        self.w12, self.w3 = nn.Linear(width, 2 * hidden), nn.Linear(hidden, width)

    def forward(self, x):
        a, b = self.w12(x).chunk(2, dim=-1)
        return self.w3(F.silu(a) * b)


class LayerScale(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))


class Block(nn.Module):
    def __init__(self, width, heads, hidden):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width, 1e-6), nn.LayerNorm(width, 1e-6)
        self.attn = Attention(width, heads)
        self.mlp = Mlp(width, hidden) if hidden else SwiGLUFFNFused(width)
        self.ls1, self.ls2 = LayerScale(width), LayerScale(width)

    def forward(self, x):
        x = x + self.ls1.gamma * self.attn(self.norm1(x))
        return x + self.ls2.gamma * self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.proj = nn.Conv2d(3, width, 14, 14)


class Encoder(nn.Module):
    def __init__(self, width, blocks, heads, hidden, taps, grid):
        super().__init__()
        self.grid, self.taps = grid, taps
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + grid * grid, width))
        self.mask_token = nn.Parameter(torch.zeros(1, width))
        self.patch_embed = PatchEmbed(width)
        self.blocks = nn.ModuleList(Block(width, heads, hidden) for _ in range(blocks))
        self.norm = nn.LayerNorm(width, 1e-6)

    def positions(self, gh, gw):
        if gh * gw == self.grid ** 2 and gh == gw:
            return self.pos_embed
        table = self.pos_embed[:, 1:].reshape(1, self.grid, self.grid, -1).permute(0, 3, 1, 2)
        scale = ((gh + 0.1) / self.grid, (gw + 0.1) / self.grid)
        table = F.interpolate(table, scale_factor=scale, mode="bicubic")
        assert table.shape[-2:] == (gh, gw)
        return torch.cat([self.pos_embed[:, :1], table.flatten(2).transpose(1, 2)], 1)

    def forward(self, image):
        x = self.patch_embed.proj(image)
        gh, gw = x.shape[-2:]
        x = torch.cat([self.cls_token, x.flatten(2).transpose(1, 2)], 1) + self.positions(gh, gw)
        out = []
        for i, block in enumerate(self.blocks):
            x = block(x)
            if i in self.taps:
                tokens = self.norm(x)[:, 1:]
                out.append(tokens.transpose(1, 2).reshape(1, -1, gh, gw))
        return out


class Unit(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x):
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class Fusion(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.out_conv = nn.Conv2d(width, width, 1)
        self.resConfUnit1, self.resConfUnit2 = Unit(width), Unit(width)

    def forward(self, x, skip, size):
        x = self.resConfUnit2(x if skip is None else x + self.resConfUnit1(skip))
        return self.out_conv(F.interpolate(x, size, mode="bilinear", align_corners=True))


class Head(nn.Module):
    def __init__(self, width, neck, fusion, head):
        super().__init__()
        self.projects = nn.ModuleList(nn.Conv2d(width, c, 1) for c in neck)
        self.resize_layers = nn.ModuleList([
            nn.ConvTranspose2d(neck[0], neck[0], 4, 4), nn.ConvTranspose2d(neck[1], neck[1], 2, 2),
            nn.Identity(), nn.Conv2d(neck[3], neck[3], 3, 2, 1)])
        self.scratch = nn.Module()
        for k in range(4):
            rn = nn.Conv2d(neck[k], fusion, 3, padding=1, bias=False)
            setattr(self.scratch, f"layer{k + 1}_rn", rn)
            setattr(self.scratch, f"refinenet{k + 1}", Fusion(fusion))
        self.scratch.output_conv1 = nn.Conv2d(fusion, fusion // 2, 3, padding=1)
        self.scratch.output_conv2 = nn.Sequential(
            nn.Conv2d(fusion // 2, head, 3, padding=1), nn.ReLU(), nn.Conv2d(head, 1, 1))

    def forward(self, maps, max_depth):
        s = self.scratch
        r = [getattr(s, f"layer{k + 1}_rn")(self.resize_layers[k](self.projects[k](maps[k])))
             for k in range(4)]
        x = s.refinenet4(r[3], None, r[2].shape[2:])
        x = s.refinenet3(x, r[2], r[1].shape[2:])
        x = s.refinenet2(x, r[1], r[0].shape[2:])
        x = s.refinenet1(x, r[0], [2 * n for n in r[0].shape[2:]])
        size = [14 * n for n in maps[0].shape[2:]]
        x = F.interpolate(s.output_conv1(x), size, mode="bilinear", align_corners=True)
        x = s.output_conv2(x)
        return torch.sigmoid(x) * max_depth if max_depth else F.relu(x)


class DepthAnythingV2(nn.Module):
    """The original release's module tree: same parameter names, same arithmetic."""

    def __init__(self, size):
        super().__init__()
        width, blocks, heads, hidden, taps, neck, fusion, head, grid = SIZES[size]
        self.pretrained = Encoder(width, blocks, heads, hidden, taps, grid)
        self.depth_head = Head(width, neck, fusion, head)

    def forward(self, image, max_depth=0.0):
        return self.depth_head(self.pretrained(image), max_depth)


def randomize(model, seed):
    """Random weights at which every part matters: nothing is zero or one, no signal vanishes."""
    generator = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        if name.endswith(("gamma", "norm1.weight", "norm2.weight", "norm.weight")):
            value = 0.6 + 0.2 * noise
        elif p.dim() >= 2 and "token" not in name and "pos_embed" not in name:
            value = noise * (p[0].numel()) ** -0.5
        else:
            value = 0.3 * noise
        if "resConfUnit" in name and name.endswith("conv2.weight"):
            value = value * 0.3
        p.data.copy_(value)
    return model.eval()


def center(model, height, width):
    """Scales the last layer so that its result has mean 1 and deviation 1: the last ReLU and the
    sigmoid then both matter and neither saturates."""
    seen = []
    last = model.depth_head.scratch.output_conv2[2]
    hook = last.register_forward_hook(lambda _, __, out: seen.append(out))
    with torch.no_grad():
        model(image(height, width))
        mean, std = seen[0].mean(), seen[0].std()
        last.weight.div_(std)
        last.bias.copy_((last.bias - mean) / std + 1)
    hook.remove()


def to_hugging_face(state):
    """Renames the original's tensors and splits q, k, v."""
    out = {}
    for key, value in state.items():
        k = key.replace("pretrained.blocks.", "backbone.encoder.layer.")
        for old, new in (
                ("pretrained.cls_token", "backbone.embeddings.cls_token"),
                ("pretrained.mask_token", "backbone.embeddings.mask_token"),
                ("pretrained.pos_embed", "backbone.embeddings.position_embeddings"),
                ("pretrained.patch_embed.proj", "backbone.embeddings.patch_embeddings.projection"),
                ("pretrained.norm", "backbone.layernorm"),
                ("attn.proj", "attention.output.dense"),
                ("mlp.w12", "mlp.weights_in"), ("mlp.w3", "mlp.weights_out"),
                ("ls1.gamma", "layer_scale1.lambda1"), ("ls2.gamma", "layer_scale2.lambda1"),
                ("depth_head.scratch.output_conv1", "head.conv1"),
                ("depth_head.scratch.output_conv2.0", "head.conv2"),
                ("depth_head.scratch.output_conv2.2", "head.conv3")):
            k = k.replace(old, new)
        for level in range(4):
            k = k.replace(f"depth_head.projects.{level}.",
                          f"neck.reassemble_stage.layers.{level}.projection.")
            k = k.replace(f"depth_head.resize_layers.{level}.",
                          f"neck.reassemble_stage.layers.{level}.resize.")
            k = k.replace(f"depth_head.scratch.layer{level + 1}_rn", f"neck.convs.{level}")
            k = k.replace(f"depth_head.scratch.refinenet{level + 1}.",
                          f"neck.fusion_stage.layers.{3 - level}.")
        k = k.replace("out_conv", "projection")
        for unit in (1, 2):
            k = k.replace(f"resConfUnit{unit}.conv", f"residual_layer{unit}.convolution")
        if "attn.qkv" in k:
            for name, part in zip(("query", "key", "value"), value.chunk(3)):
                out[k.replace("attn.qkv", f"attention.attention.{name}")] = part.contiguous()
        else:
            out[k] = value
    return out


def hugging_face_config(size, max_depth):
    from transformers import DepthAnythingConfig, Dinov2Config
    width, blocks, heads, hidden, taps, neck, fusion, head, grid = SIZES[size]
    backbone = Dinov2Config(
        hidden_size=width, num_hidden_layers=blocks, num_attention_heads=heads,
        mlp_ratio=hidden // width if hidden else 4, use_swiglu_ffn=hidden is None, image_size=14 * grid, patch_size=14, layer_norm_eps=1e-6,
        out_indices=[t + 1 for t in taps], apply_layernorm=True, reshape_hidden_states=False)
    return DepthAnythingConfig(
        backbone_config=backbone, reassemble_hidden_size=width, patch_size=14,
        neck_hidden_sizes=list(neck), fusion_hidden_size=fusion, head_hidden_size=head,
        depth_estimation_type="metric" if max_depth else "relative",
        max_depth=int(max_depth) or 1)


def image(height, width):
    """The same numbers as the C test's: a multiplicative hash of the index, in [-1, 1)."""
    i = np.arange(height * width * 3, dtype=np.uint64)
    x = ((i * 2654435761) % 2 ** 32 >> 8).astype(np.float32) / np.float32(2 ** 23) - np.float32(1)
    return torch.from_numpy(x.reshape(1, height, width, 3)).permute(0, 3, 1, 2).contiguous()


def round_for_storage(model):
    """Matrices become half precision, so that the committed files stay small."""
    for p in model.parameters():
        if p.dim() >= 2:
            p.data.copy_(p.data.half().float())


def stored(state):
    return {k: v.half() if v.dim() >= 2 else v.clone() for k, v in state.items()}


def write_hugging_face(folder, size, state, max_depth):
    """Writes the folder as published ones look, and opens it with transformers."""
    from safetensors.torch import save_file
    from transformers import DepthAnythingForDepthEstimation
    folder.mkdir(parents=True, exist_ok=True)
    save_file({k: v.contiguous() for k, v in to_hugging_face(state).items()},
              folder / "model.safetensors", metadata={"format": "pt"})
    keep = ("model_type", "backbone_config", "depth_estimation_type", "max_depth",
            "neck_hidden_sizes", "fusion_hidden_size", "head_hidden_size", "reassemble_factors",
            "reassemble_hidden_size", "patch_size")
    inner = ("model_type", "hidden_size", "num_attention_heads", "num_hidden_layers",
             "out_indices", "image_size", "patch_size", "layer_norm_eps", "mlp_ratio",
             "apply_layernorm", "reshape_hidden_states", "use_swiglu_ffn")
    config = hugging_face_config(size, max_depth).to_dict()
    config = {k: v for k, v in config.items() if k in keep}
    config["backbone_config"] = {k: config["backbone_config"][k] for k in inner}
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    side = 14 * SIZES[size][-1]
    (folder / "preprocessor_config.json").write_text(json.dumps({
        "do_resize": True, "ensure_multiple_of": 14, "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225], "keep_aspect_ratio": True, "resample": 3,
        "size": {"height": side, "width": side}}, indent=1) + "\n")
    model, info = DepthAnythingForDepthEstimation.from_pretrained(
        folder, dtype=torch.float32, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"], info
    return model.eval()


def write_case(folder, lines, name, model, options, height, width, depth):
    file = f"{name}_{height}x{width}.f32"
    assert depth.numel() == height * width and depth.std() > 0, depth.shape
    depth.detach().reshape(-1).numpy().astype("<f4").tofile(folder / file)
    lines.append(f"{model} {options} {height} {width} {file}")
    print(lines[-1], "mean %.4f std %.4f" % (depth.mean(), depth.std()))


def generate(folder, size, seed, sizes, small, every_size=False):
    folder.mkdir(parents=True, exist_ok=True)
    model = randomize(DepthAnythingV2(size), seed)
    center(model, *sizes[0])
    if small:
        round_for_storage(model)
    state = stored(model.state_dict()) if small else model.state_dict()
    name = f"dav2_{size}"
    torch.save(state, folder / f"{name}.pth")
    lines = []
    with torch.no_grad():
        for h, w in sizes:
            x = image(h, w)
            write_case(folder, lines, f"{name}_original", f"{name}.pth", "relative", h, w, model(x))
        h, w = sizes[-1]
        metric = model(image(h, w), 20.0)
        write_case(folder, lines, f"{name}_metric", f"{name}.pth", "metric20", h, w, metric)
        port = write_hugging_face(folder / f"{name}_hf", size, state, 80.0 if small else 0.0)
        for h, w in sizes if every_size or not small else sizes[-1:]:
            depth = port(image(h, w)).predicted_depth
            write_case(folder, lines, f"{name}_hf", f"{name}_hf", "auto", h, w, depth)
    with open(folder / f"{name}.cases", "w") as f:
        f.write("\n".join(lines) + "\n")


def count():
    """Parameters of every size, by our module tree and by transformers', without memory for them."""
    from transformers import DepthAnythingForDepthEstimation
    for size in SIZES:
        with torch.device("meta"):
            own = DepthAnythingV2(size)
            port = DepthAnythingForDepthEstimation(hugging_face_config(size, 0.0))
        counts = [sum(p.numel() for p in m.parameters())
                  for m in (own, own.pretrained, port, port.backbone)]
        print("%-6s %d (encoder %d); transformers %d (backbone %d)" % (size, *counts))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["tiny", "full", "sizes", "count"])
    parser.add_argument("folder", type=pathlib.Path, nargs="?")
    parser.add_argument("size", nargs="?", choices=["s", "b", "l"], default="s")
    args = parser.parse_args()
    torch.set_num_threads(2)
    if args.what == "tiny":
        generate(args.folder, "tiny", 1, [(84, 84), (42, 70)], True)
        generate(args.folder, "gated", 3, [(42, 70)], True)
    elif args.what == "sizes":
        generate(args.folder, "tiny", 1, [(70, 1022), (14, 14), (14, 1400), (1022, 70)], True,
                 every_size=True)
    elif args.what == "count":
        count()
    else:
        sizes = [(518, 518)] + ([(252, 840), (518, 686)] if args.size == "s" else [])
        generate(args.folder, args.size, 2, sizes, False)


if __name__ == "__main__":
    main()
