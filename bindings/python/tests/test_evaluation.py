"""Accuracy: against independent arithmetic, and through every kind of predictor."""

import numpy as np
import pytest

import libprune


def eigen(prediction, truth):
    """The eigen protocol in NumPy: mask, Garg crop, cap, abs_rel and delta1."""
    height, width = truth.shape
    mask = (truth > 1e-3) & (truth < 80)
    crop = np.zeros_like(mask)
    y0, y1 = int(0.40810811 * height), int(0.99189189 * height)
    x0, x1 = int(0.03594771 * width), int(0.96405229 * width)
    crop[y0:y1, x0:x1] = True
    p, t = np.clip(prediction[mask & crop], 1e-3, 80), truth[mask & crop]
    ratio = np.maximum(p / t, t / p)
    return np.mean(np.abs(p - t) / t), np.mean(ratio < 1.25)


def test_metrics_on_arrays(scenes):
    truth = np.stack([s.depth for s in scenes])
    noise = np.random.default_rng(0).uniform(0.7, 1.4, truth.shape).astype(np.float32)
    prediction = truth * noise + 1
    both = libprune.metrics(prediction, truth, align="none")
    wanted = np.array([eigen(p, t) for p, t in zip(prediction.astype(float), truth.astype(float))])
    assert both["abs_rel"] == pytest.approx(wanted[:, 0].mean(), rel=1e-5)
    assert both["d1"] == pytest.approx(wanted[:, 1].mean(), rel=1e-3)
    one = libprune.metrics(prediction[0], truth[0], align="none")
    assert one["abs_rel"] == pytest.approx(wanted[0, 0], rel=1e-5)


def test_disparity_is_aligned(scenes):
    truth = scenes[0].depth
    with np.errstate(divide="ignore"):
        disparity = np.where(truth > 0, 1 / truth, 0)
    scaled = libprune.metrics(7 * disparity, truth, output="disparity")
    assert scaled["abs_rel"] == pytest.approx(0, abs=1e-4)
    shifted = libprune.metrics(
        7 * disparity + 3, truth, output="relative", protocol="affine", align="affine"
    )
    assert shifted["abs_rel"] == pytest.approx(0, abs=1e-3)


def test_wrong_arrays(scenes):
    truth = scenes[0].depth
    with pytest.raises(libprune.ShapeError, match="must both be"):
        libprune.metrics(truth[:-1], truth)
    with pytest.raises(libprune.ArgumentError, match="say what"):
        libprune.metrics(truth, truth, output="feet")
    with pytest.raises(libprune.LibpruneError):
        libprune.metrics(truth, np.zeros_like(truth))
    with pytest.raises(libprune.ArgumentError, match="eigen"):
        libprune.metrics(truth, truth, protocol="eigne")


def test_model_session_and_function_agree(tiny, pairs):
    by_model = libprune.evaluate(tiny, pairs, align="none")
    with libprune.Session(tiny) as session:
        by_session = libprune.evaluate(session, pairs, align="none")
        by_function = libprune.evaluate(session, pairs, align="none")
        by_call = libprune.evaluate(lambda x: session(x), pairs, align="none", output="metric")
    assert by_model.mean == by_session.mean == by_function.mean == by_call.mean
    assert len(by_model) == 6
    assert by_model.images[0]["name"] == pairs.names[0]
    low, high = by_model.ci95["abs_rel"]
    assert low <= by_model["abs_rel"] <= high
    assert by_model.to_dict()["few_frames"] is True


def test_a_folder_of_predictions(tiny, pairs, tmp_path):
    for sample in pairs:
        np.save(tmp_path / f"{sample.name}.npy", tiny(sample.image))
    files = libprune.evaluate(tmp_path, pairs, align="none", output="metric")
    assert files.mean == libprune.evaluate(tiny, pairs, align="none").mean


def test_functions_that_fail(pairs):
    with pytest.raises(libprune.ArgumentError, match="say what the predictions are"):
        libprune.evaluate(lambda x: x, pairs)
    with pytest.raises(libprune.ShapeError, match=r"the prediction is \(2, 2\)"):
        libprune.evaluate(lambda x: np.zeros((2, 2)), pairs, output="metric")
    with pytest.raises(libprune.LibpruneError, match="ZeroDivisionError") as caught:
        libprune.evaluate(lambda x: 1 / 0, pairs, output="metric")
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    with pytest.raises(libprune.ArgumentError, match="predicts no depth"):
        libprune.evaluate(3, pairs)


def test_pictures_without_truth(tiny, picture):
    with pytest.raises(libprune.ArgumentError, match="ground truth"):
        libprune.evaluate(tiny, [picture])


def test_comparison(tiny, pairs):
    worse = tiny.clone()
    state = worse.state_dict()
    last = [name for name in state if name.endswith("bias")][-1]
    worse.load_state_dict({last: state[last] + 0.5}, strict=False)
    result = libprune.compare(tiny, worse, pairs, align="none")
    frames = result.before.to_dataframe()["abs_rel"], result.after.to_dataframe()["abs_rel"]
    difference, low, high = result.difference["abs_rel"]
    assert difference == pytest.approx((frames[1] - frames[0]).mean())
    assert low <= difference <= high
    frame = result.to_dataframe()
    assert frame.loc["abs_rel", "difference"] == pytest.approx(difference)
    assert "GMACs" in result._repr_html_()
    assert result.to_dict()["cost"][0]["macs"] == tiny.cost().macs
    same = libprune.compare(result.before, result.before, pairs)
    assert same.difference["abs_rel"] == (0, 0, 0)


def test_protocols():
    known = libprune.protocols()
    assert {"eigen", "eigen-benchmark", "kitti-devkit", "affine"} <= set(known)
    assert "abs_rel" in known["eigen"]["metrics"]


def test_display(tiny, pairs):
    evaluation = libprune.evaluate(tiny, pairs, align="none")
    html = evaluation._repr_html_()
    assert "few frames" in html
    assert "abs_rel" in html
    assert list(evaluation.to_dataframe().index) == pairs.names
