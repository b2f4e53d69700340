"""The module that peers run (benchmarks/peers/module.py) computes what a session does."""
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks/peers"))

import libprune  # noqa: E402
from module import Module  # noqa: E402


@pytest.mark.parametrize("mlp", ["gelu", "swiglu"])
@pytest.mark.parametrize("size", [(28, 42), (42, 28), (56, 70)])
def test_same_depth(mlp, size):
    model = libprune.new(width=32, blocks=4, heads=2, neck="8,8,8,8", fusion=8, head=4,
                         input_height=28, input_width=42, max_depth=10, mlp=mlp, seed=3)
    height, width = size
    picture = np.random.default_rng(1).standard_normal((1, 3, height, width), dtype=np.float32)
    expected = np.asarray(model.session(height=height, width=width)(picture)).reshape(height, width)
    module = Module(model, height, width).eval()
    with torch.inference_mode():
        found = module(torch.from_numpy(picture)).numpy().reshape(height, width)
    error = np.sqrt(np.mean((found - expected) ** 2)) / expected.std()
    assert error < 1e-4
    # q, k and v are one product; nothing else was lost.
    linear = [s for s in module.steps if s["op"] == "linear"]
    assert sum(len(s["names"]) for s in linear) == sum(
        n["op"] == "linear" for n in model.graph["nodes"])
    assert {3} <= {len(s["names"]) for s in linear}
