#!/usr/bin/env python3
"""Reads a packed model as docs/format.md says, without libprune: the second reader.

  read_packed.py FILE [--dump FOLDER]

Checks frames, seek table, header and graph; `zstd -d` and the safetensors package do the reading.
--dump writes every parameter as raw float32 (integers turned back into floats), named after it.
Exit status 77: the zstd program or the safetensors package is not installed.
"""
import argparse
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

try:
    import numpy as np
    from safetensors import safe_open
except ImportError as error:
    print(f"SKIP: {error}", file=sys.stderr)
    sys.exit(77)

SLOTS = {"conv": ("weight", "bias"), "conv_transpose": ("weight", "bias"),
         "linear": ("weight", "bias"), "layer_norm": ("weight", "bias"), "scale": ("weight",),
         "token_embed": ("prefix", "position")}

COMPUTE = ("fp32", "bf16", "int8")


def require(condition, what):
    if not condition:
        sys.exit(f"read_packed.py: {what}")


def check_seek_table(data):
    """Section 3: the last frame lists all others; returns the content size of the first."""
    frames, descriptor, magic = struct.unpack("<IBI", data[-9:])
    require(magic == 0x8F92EAB1 and descriptor == 0, "no seek table")
    size = 8 * frames + 9
    table = data[-size - 8:]
    require(struct.unpack("<II", table[:8]) == (0x184D2A5E, size), "bad seek table")
    entries = [struct.unpack_from("<II", table, 8 + 8 * k) for k in range(frames)]
    at = 0
    for compressed, _ in entries:
        require(data[at:at + 4] == b"\x28\xb5\x2f\xfd", f"no frame at byte {at}")
        require(data[at + 4] & 4, "a frame without checksum")
        at += compressed
    require(at + size + 8 == len(data), "frames do not fill the file")
    return entries[0][1], sum(content for _, content in entries)


def unpack(path, folder):
    """The plain safetensors file, by the zstd program."""
    if not shutil.which("zstd"):
        print("SKIP: the zstd program is not installed", file=sys.stderr)
        sys.exit(77)
    plain = pathlib.Path(folder) / "plain.safetensors"
    subprocess.run(["zstd", "-q", "-d", "-f", str(path), "-o", str(plain)], check=True)
    first, total = check_seek_table(path.read_bytes())
    header = plain.read_bytes()[:8]
    require(first == 8 + struct.unpack("<Q", header)[0], "first frame is not the header alone")
    require(total == plain.stat().st_size, "seek table and content disagree")
    return plain


def read_tensors(plain):
    """Notes and tensors by name. NumPy has no bfloat16: those are widened by hand, exactly."""
    content = plain.read_bytes()
    size = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8:8 + size])
    with safe_open(plain, "np") as file:
        notes = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()
                   if header[name]["dtype"] != "BF16"}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "BF16":
            begin, end = (8 + size + at for at in entry["data_offsets"])
            halves = np.frombuffer(content[begin:end], "<u2").astype(np.uint32)
            tensors[name] = (halves << 16).view(np.float32).reshape(entry["shape"])
    return notes, tensors, {name: header[name]["dtype"] for name in tensors}


def weight_as_float(node, tensors):
    """W = w8 * weight_scale[o] / input_scale[c], section 4."""
    w = tensors[node["params"]["weight"]]
    if w.dtype != np.int8:
        return w.astype(np.float32)
    require(np.abs(w.astype(int)).max() <= 127, f"{node['name']}: a weight of -128")
    scale = tensors[node["name"] + ".weight_scale"].astype(np.float64)
    axis = 2 if node["op"] == "conv_transpose" else 0
    shape = [1] * w.ndim
    shape[axis] = -1
    w = w.astype(np.float64) * scale.reshape(shape)
    if node["precision"]["input"] in ("tensor", "channel"):
        w = w / tensors[node["name"] + ".input_scale"].astype(np.float64)
    return w.astype(np.float32)


def read(plain):
    """Graph and parameters as float32, by name."""
    notes, tensors, dtypes = read_tensors(plain)
    require(notes.get("format") == "pt", "no format note")
    graph = json.loads(notes["prune.graph"])
    require(graph["version"] == 1, "another version")
    seen, used, params = set(), set(), {}
    for node in graph["nodes"]:
        require(set(node.get("inputs", [])) <= seen, f"{node['name']}: unknown input")
        require(node["name"] not in seen, f"{node['name']}: repeated")
        seen.add(node["name"])
        for slot, name in node.get("params", {}).items():
            require(slot in SLOTS[node["op"]], f"{node['name']}: unknown slot {slot}")
            require(name == f"{node['name']}.{slot}", f"{node['name']}: odd tensor name {name}")
            params[name] = weight_as_float(node, tensors) if slot == "weight" \
                else tensors[name].astype(np.float32)
            used.add(name)
        precision = node.get("precision", {"compute": "fp32"})
        require(precision["compute"] in COMPUTE, f"{node['name']}: unknown compute")
        if precision["compute"] == "bf16" and "weight" in node.get("params", {}):
            require(dtypes[node["params"]["weight"]] == "BF16", f"{node['name']}: not BF16")
        for sibling in ("weight_scale", "input_scale", "input_zero"):
            used.add(f"{node['name']}.{sibling}")
    require(set(tensors) <= used, f"tensors that no node uses: {sorted(set(tensors) - used)}")
    require(set(graph["outputs"].values()) <= seen, "an output names no node")
    return graph, params


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--dump", type=pathlib.Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        packed = args.file.read_bytes()[:4] == b"\x28\xb5\x2f\xfd"
        graph, params = read(unpack(args.file, folder) if packed else args.file)
    int8 = sum(n.get("precision", {}).get("compute") == "int8" for n in graph["nodes"])
    print(f"{graph['meta'].get('architecture')}: {len(graph['nodes'])} nodes, {int8} in INT8, "
          f"{sum(p.size for p in params.values())} parameters")
    if args.dump:
        args.dump.mkdir(parents=True, exist_ok=True)
        for name, value in params.items():
            value.astype("<f4").tofile(args.dump / f"{name}.f32")


if __name__ == "__main__":
    main()
