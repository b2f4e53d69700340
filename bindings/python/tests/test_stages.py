"""Trim, tune, quantize, compress: thin, so what is tested is what goes in and comes out."""

import json

import numpy as np
import pytest

import libprune


def test_trim(tiny, pairs):
    before = tiny.cost()
    result = libprune.trim(tiny, pairs, macs=0.85, rounds=1, tune=False, judges=2, views=0)
    assert tiny.cost() == before
    assert result.model.cost().macs <= 0.9 * before.macs
    assert result.report["stopped_by"] in ("target", "nothing left to cut")
    assert len(result.to_dataframe()) == len(result.report["rounds"])
    assert "stopped by" in result._repr_html_()
    assert result.to_dict()["after"]["macs"] == result.model.cost().macs
    assert not result.cancelled


def test_trim_with_a_floor(tiny, pairs):
    result = libprune.trim(
        tiny,
        pairs,
        pairs,
        macs=0.9,
        rounds=1,
        tune=False,
        judges=2,
        views=0,
        align="none",
        max_drop="abs_rel=1000",
    )
    assert "score" in result.report["rounds"][0]


def test_plan_and_apply(tiny, pairs):
    plan = libprune.plan(tiny, pairs, keep=0.9, cost="params", views=0, judges=2)
    assert plan.to_dict()["cost"] == "params"
    assert len(plan.to_dataframe()) == len(plan.to_dict()["spaces"])
    result = plan.apply()
    assert result.model.cost().parameters < tiny.cost().parameters
    assert plan.closed
    with pytest.raises(libprune.ClosedError):
        plan.apply()


def test_tune(tiny, pairs):
    result = libprune.tune(tiny, pairs, steps=4, batch=1, judge_every=2)
    assert result.report["steps"] == 4
    assert result.report["score_after"] <= result.report["score_before"]
    assert not result.cancelled
    assert "4 steps" in result._repr_html_()


def test_tune_judged_by_a_function(tiny, pairs):
    seen = []

    def worst_pixel(prediction, truth):
        seen.append(prediction.shape)
        return float(np.abs(prediction - truth)[truth > 0].max())

    result = libprune.tune(
        tiny, pairs[:3], validation=pairs[3:], metric=worst_pixel, steps=2, batch=1, judge_every=1
    )
    assert result.report["judged_by"] == "worst_pixel"
    assert set(seen) == {(56, 112)}

    def broken(prediction, truth):
        raise ValueError("no opinion")

    with pytest.raises(libprune.LibpruneError, match="no opinion"):
        libprune.tune(tiny, pairs[:3], validation=pairs[3:], metric=broken, steps=1)
    with pytest.raises(libprune.ArgumentError, match="needs validation pairs"):
        libprune.tune(tiny, pairs, metric=broken, steps=1)


def test_quantize_and_sensitivity(tiny, pairs):
    result = libprune.quantize(tiny, pairs, pairs, align="none", keep_float="scratch.*")
    assert tiny.cost().int8_layers == 0
    assert result.model.cost().int8_layers > 10
    ranking = libprune.sensitivity(tiny, pairs[:3], scan_images=1, views=1)
    frame = ranking.to_dataframe()
    assert {"layer", "error", "precision"} <= set(frame.columns)
    errors = [e for e in frame["error"] if e == e]
    assert errors == sorted(errors, reverse=True)
    assert "error alone" in ranking._repr_html_()


def test_bf16_needs_no_pictures(tiny):
    model = libprune.quantize(tiny, precision="bf16").model
    layers = {x.name: x.compute for x in model.layers}
    assert set(layers.values()) == {"fp32", "bf16"}
    assert tiny.cost().bytes > model.cost().bytes
    image = np.random.default_rng(1).integers(0, 256, (28, 42, 3), dtype=np.uint8)
    rounded = libprune.Session(tiny, precision="bf16")(image)
    plain = libprune.Session(tiny)(image)
    assert np.array_equal(libprune.Session(model)(image), rounded)
    assert not np.array_equal(plain, rounded)
    assert np.abs(plain - rounded).mean() < 0.02 * np.abs(plain).mean()
    with pytest.raises(libprune.ArgumentError, match="images"):
        libprune.quantize(tiny)
    with pytest.raises(libprune.ArgumentError, match="precision"):
        libprune.Session(tiny, precision="fp8")


def test_compress(tiny, pairs, tmp_path):
    stages = []
    result = libprune.compress(
        tiny,
        pairs[:4],
        test=pairs[4:],
        output=tmp_path / "out",
        macs=0.9,
        rounds=1,
        steps=2,
        batch=1,
        views=1,
        bench_seconds=0.1,
        align="none",
        pictures=1,
        progress=lambda stage, done, total: stages.append(stage),
    )
    assert result.path.exists()
    assert (result.folder / "report.html").exists()
    assert json.loads((result.folder / "report.json").read_text()) == result.report
    packed = libprune.load(result.path)
    assert packed.cost().int8_layers == result.model.cost().int8_layers > 0
    assert "abs_rel" in str(result)
    assert "report.html" in result._repr_html_()
    assert "tune" in stages
    assert tiny.cost().int8_layers == 0
    assert len(result.to_dataframe()) == len(result.report["stages"])


def test_compress_splits_one_set(tiny, pairs, tmp_path):
    with pytest.raises(libprune.ArgumentError, match="data replaces"):
        libprune.compress(tiny, pairs, data=pairs, output=tmp_path)
    with pytest.raises(libprune.ArgumentError, match="images are needed"):
        libprune.compress(tiny, output=tmp_path)


def test_a_run_goes_on(tiny, pairs, tmp_path):
    options = {
        "macs": 0.9,
        "rounds": 1,
        "steps": 2,
        "batch": 1,
        "views": 1,
        "bench_seconds": 0.1,
        "align": "none",
        "pictures": 0,
        "output": tmp_path / "out",
    }
    context = libprune.Context(threads=2)
    model = tiny.clone(context)

    def stop_at_quantize(stage, done, total):
        if stage != "tune" and "tune" in seen:
            context.cancel()
        seen.add(stage)

    seen = set()
    with pytest.raises(libprune.CancelledError):
        libprune.compress(model, pairs[:4], test=pairs[4:], progress=stop_at_quantize, **options)
    with pytest.raises(libprune.ArgumentError, match="resume"):
        libprune.compress(model, pairs[:4], test=pairs[4:], **options)
    result = libprune.compress(model, pairs[:4], test=pairs[4:], resume=True, **options)
    options["output"] = tmp_path / "whole"
    whole = libprune.compress(model, pairs[:4], test=pairs[4:], **options)
    assert result.path.read_bytes() == whole.path.read_bytes()


def test_a_recipe(tiny, pairs, tmp_path):
    recipe = """
        stages:
        - trim: {macs: 0.9, rounds: 1, tune: false, judges: 2}
        - quantize: {views: 1, scan: false}
        bench-seconds: 0.1
        pictures: 0
        align: none
    """
    text = "\n".join(line[8:] for line in recipe.splitlines())
    result = libprune.run(text, tiny, pairs[:4], test=pairs[4:], output=tmp_path / "out")
    assert [s["kind"] for s in result.report["stages"]] == ["before", "trim", "quantize"]
    assert result.model.cost().int8_layers > 0
    tiny.save(tmp_path / "tiny.safetensors")
    libprune.datasets.write_synth(tmp_path / "scenes", frames=4, width=56, height=28)
    (tmp_path / "r.yaml").write_text("model: tiny.safetensors\nimages: scenes/image\n" + text)
    again = libprune.run(tmp_path / "r.yaml", output=tmp_path / "again")
    assert again.path.exists()
    with pytest.raises(libprune.FormatError, match=r"recipe:\d+.*did you mean|recipe:\d+"):
        libprune.run("stages:\n- trimm\n", tiny, pairs, output=tmp_path / "no")


def test_report_and_verify(tiny, pairs, tmp_path):
    page = libprune.report(
        tiny, tiny.clone(), pairs, output=tmp_path / "r", bench_seconds=0.1, align="none"
    )
    assert "<html" in page.read_text()[:500]
    path = tiny.save(tmp_path / "m.safetensors.zst")
    verdict = libprune.verify(path)
    assert verdict["ok"]
    assert verdict["model"]["parameters"] == tiny.cost().parameters
    path.write_bytes(path.read_bytes()[:-100])
    assert not libprune.verify(path)["ok"]


def test_bench(tiny, pairs):
    other = libprune.quantize(tiny, pairs[:2], views=1, scan=False).model
    timing = libprune.bench(tiny, other, names=["fp32", "int8"], seconds=0.1)
    assert timing.models[0]["minimum"] <= timing.models[0]["median"] <= timing.models[0]["p95"]
    assert timing.ratios[0]["low"] <= timing.ratios[0]["ratio"] <= timing.ratios[0]["high"]
    assert list(timing.to_dataframe().index) == ["fp32", "int8"]
    assert "int8" in timing._repr_html_()
    assert libprune.peak_memory() > 10e6
    with pytest.raises(TypeError, match="needs a model"):
        libprune.bench()


def test_unknown_options_name_the_nearest(tiny, pairs, tmp_path):
    calls = [
        (lambda: libprune.trim(tiny, pairs, mac=0.5), "did you mean macs"),
        (lambda: libprune.trim(tiny, pairs, learningrate=1), "did you mean learning-rate"),
        (lambda: libprune.tune(tiny, pairs, step=1), "did you mean steps"),
        (lambda: libprune.quantize(tiny, pairs, observe="mse"), "did you mean observer"),
        (lambda: libprune.compress(tiny, pairs, output=tmp_path, round=1), "did you mean rounds"),
        (lambda: tiny.save(tmp_path / "x.safetensors", levels=3), "did you mean level"),
    ]
    for call, words in calls:
        with pytest.raises(libprune.OptionError, match=words) as caught:
            call()
        assert isinstance(caught.value, TypeError)
    with pytest.raises(libprune.OptionError, match="outside"):
        libprune.trim(tiny, pairs, macs=1.5)
    with pytest.raises(libprune.OptionError, match="is not one of"):
        libprune.quantize(tiny, pairs, observer="median")


def test_models_of_other_contexts_mix(tiny, pairs):
    teacher = libprune.load("bundled", context=libprune.Context(threads=1))
    student = tiny.clone(libprune.Context(threads=1))
    teacher.close()
    with pytest.raises(libprune.ClosedError):
        libprune.tune(student, pairs, teacher, steps=1)
    result = libprune.tune(student, pairs, tiny, steps=1, batch=1)
    assert result.model.context is student.context
