"""Small things that run in a moment: a tiny network, a few small scenes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

import libprune

ROOT = Path(os.environ.get("PRUNE_TEST_SOURCE", Path(__file__).parents[3]))


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def tiny():
    """A metric Depth Anything V2 with random weights, 28 x 42. Nobody changes it."""
    return libprune.new(
        width=16,
        blocks=4,
        heads=2,
        neck="8,8,8,8",
        fusion=8,
        head=4,
        input_height=28,
        input_width=42,
        max_depth=80,
        seed=3,
    )


@pytest.fixture(scope="session")
def scenes():
    """Six street scenes with exact depth."""
    return libprune.datasets.synth(frames=6, seed=5, width=112, height=56, drive_frames=2)


@pytest.fixture(scope="session")
def pairs(scenes):
    """The same, rendered once."""
    loaded = [(s.image.copy(), s.depth.copy()) for s in scenes]
    return libprune.datasets.pairs(loaded, names=scenes.names, groups=scenes.groups)


@pytest.fixture
def picture():
    return np.random.default_rng(1).integers(0, 256, (40, 60, 3), dtype=np.uint8)
