"""Writes a plain safetensors file: how weights in memory reach the C library's reader."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DTYPES = {
    "float32": "F32",
    "float16": "F16",
    "float64": "F64",
    "int64": "I64",
    "int32": "I32",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}


def write(path: str, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Largest elements first, then by name, without gaps."""
    arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    order = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name in order:
        array = arrays[name]
        end = offset + array.nbytes
        if array.dtype.name not in _DTYPES:
            raise TypeError(f"tensor '{name}': dtype {array.dtype} cannot be stored")
        header[name] = {
            "dtype": _DTYPES[array.dtype.name],
            "shape": list(tensors[name].shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little"))
        file.write(text)
        for name in order:
            file.write(arrays[name].tobytes())
