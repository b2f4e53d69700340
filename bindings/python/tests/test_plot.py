"""Every picture is drawn; what they look like is looked at by people."""

import io

import numpy as np
import pytest

import libprune

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")


def drawn(figure):
    """Renders the figure as a notebook does."""
    from matplotlib import pyplot as plt

    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=50)
    file.seek(0)
    assert plt.imread(file).std() > 0.02


def test_pictures_of_data(scenes, pairs, picture):
    drawn(scenes.plot())
    drawn(scenes[0].plot())
    drawn(libprune.datasets.pairs([picture])[0].plot())
    drawn(libprune.plot.depth(scenes[0].depth, image=scenes[0].image))
    drawn(libprune.plot.depth(1 / (1 + scenes[0].depth), output="relative"))
    drawn(libprune.plot.error(scenes[0].depth * 1.1, scenes[0].depth))


def test_near_is_warm():
    depth = np.full((20, 40), 40.0)
    depth[:, 20:] = 4.0
    figure = libprune.plot.depth(depth)
    image = figure.axes[0].images[0]
    colours = image.cmap(image.norm(image.get_array()))
    far, near = colours[0, 0], colours[0, 30]
    assert near[0] > near[2]  # red over blue
    assert far[2] > far[0]


def test_pictures_of_results(tiny, pairs):
    trimmed = libprune.trim(tiny, pairs, macs=0.85, rounds=1, tune=False, judges=2, views=0)
    drawn(trimmed.plot())
    plan = libprune.plan(tiny, pairs, keep=0.9, views=0, judges=2)
    drawn(plan.plot())
    quantized = libprune.quantize(tiny, pairs, views=1)
    drawn(quantized.plot())
    drawn(quantized.model.plot())
    comparison = libprune.compare(tiny, quantized.model, pairs, align="none")
    drawn(comparison.plot())
    drawn(comparison.pictures())
    drawn(comparison.before.plot())
    drawn(libprune.bench(tiny, quantized.model, seconds=0.05).plot())
    session = libprune.Session(tiny, profile=True)
    session(pairs[0].image)
    drawn(session.profile().plot())
    tuned = libprune.tune(tiny, pairs, steps=1, batch=1)
    drawn(tuned.plot())
