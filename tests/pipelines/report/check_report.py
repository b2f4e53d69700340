#!/usr/bin/env python3
"""prune compress, compare and report from outside: every report.json follows docs/report.schema.json,
and what prune compare says about made-up predictions is what numpy computes."""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import jsonschema
import numpy as np

PROGRAM = os.environ["PRUNE_TEST_PROGRAM"]
SCHEMA = json.loads((Path(os.environ["PRUNE_TEST_SOURCE"]) / "docs/report.schema.json").read_text())
FRAMES, HEIGHT, WIDTH = 6, 40, 60


def prune(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments), "--quiet", "--threads", "1"],
                          capture_output=True, text=True)
    assert done.returncode == 0, f"prune {' '.join(map(str, arguments))}: {done.stderr}"
    return done.stdout


def write_png(path, array):
    """Grey 16 bit or RGB 8 bit."""
    grey = array.ndim == 2
    rows = b"".join(b"\0" + row.astype(">u2" if grey else "u1").tobytes() for row in array)

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data
                + struct.pack(">I", zlib.crc32(kind + data)))

    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 16 if grey else 8,
                         0 if grey else 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make_data(folder, seed):
    """Pairs with steps in depth, and two folders of predictions. Two drives of three frames."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    data = []
    for name in ("image", "groundtruth_depth"):
        (folder / "pairs" / name).mkdir(parents=True)
    for name in ("a", "b"):
        (folder / name).mkdir()
    for i in range(FRAMES):
        truth = 3 + 60 * (1 - y / HEIGHT) ** 2 + np.where((x // 9 + i) % 3 == 0, 6.0, 0.0)
        stored = np.round(truth * 256)
        stored[random.random(stored.shape) < 0.2] = 0
        drive = f"2011_09_26_drive_000{i // 3}_sync"
        frame = f"{drive}_image_{i:010d}_image_02"
        write_png(folder / "pairs/image" / f"{frame}.png",
                  random.integers(0, 256, (HEIGHT, WIDTH, 3)))
        write_png(folder / "pairs/groundtruth_depth"
                  / f"{frame.replace('_sync_image_', '_sync_groundtruth_depth_')}.png", stored)
        maps = {}
        for name, noise in (("a", 0.05), ("b", 0.08)):
            maps[name] = (truth * np.exp(noise * random.standard_normal(truth.shape))
                          ).astype(np.float32)
            np.save(folder / name / f"{frame}.npy", maps[name])
        data.append((drive, stored / 256, maps))
    return data


def boundary_scores(prediction, truth):
    """Depth Pro's boundary precision, recall and F1 over neighbours that both have truth."""
    known = truth > 0
    both = [known[:, 1:] & known[:, :-1]] * 2 + [known[1:] & known[:-1]] * 2

    def relations(depth, threshold):
        with np.errstate(divide="ignore", invalid="ignore"):
            d = 1 / depth
            ratios = [d[:, 1:] / d[:, :-1], d[:, :-1] / d[:, 1:], d[1:] / d[:-1], d[:-1] / d[1:]]
        return [(r > threshold) & k for r, k in zip(ratios, both)]

    thresholds = np.linspace(1.05, 1.25, 10)
    scores = np.zeros(3)
    for threshold in thresholds:
        said, true = relations(prediction, threshold), relations(truth, threshold)
        p = np.mean([(s & t).sum() / max(s.sum(), 1) for s, t in zip(said, true)])
        r = np.mean([(s & t).sum() / max(t.sum(), 1) for s, t in zip(said, true)])
        f = 2 * p * r / (p + r) if p + r else 0
        scores += threshold / thresholds.sum() * np.array([p, r, f])
    return scores


def oracle(data, name):
    """abs_rel per frame, bins, boundaries and flicker of one folder, float64."""
    result = {"abs_rel": [], "edges": [], "flicker": []}
    truths, errors, squares = [], [], []
    previous = None
    for drive, truth, maps in data:
        prediction = np.clip(maps[name].astype(np.float64), 1e-3, 80).astype(np.float32)
        prediction = prediction.astype(np.float64)
        known = truth > 0
        g, p = truth[known], prediction[known]
        result["abs_rel"].append(np.mean(np.abs(p - g) / g))
        truths.append(g)
        errors.append(np.abs(p - g) / g)
        squares.append((p - g) ** 2)
        result["edges"].append(boundary_scores(prediction, truth))
        if previous and previous[0] == drive:
            change = np.log(prediction) - np.log(previous[1])
            result["flicker"].append(np.mean(np.abs(change - np.median(change))))
        previous = (drive, prediction)
    g, e, s = map(np.concatenate, (truths, errors, squares))
    result["bins"] = [(np.count_nonzero(k), e[k].mean(), np.sqrt(s[k].mean()))
                      for low, high in ((0, 5), (5, 10), (10, 20), (20, 40), (40, 80))
                      for k in [(g >= low) & (g < high)]]
    return result


def close(got, expected, what, tolerance=1e-6):
    assert abs(got - expected) <= tolerance * max(1, abs(expected)), f"{what}: {got}, {expected}"


def check_against_oracle(report, data):
    means = {}
    for stage, name, side in ((0, "a", "before"), (1, "b", "after")):
        expected = oracle(data, name)
        means[name] = np.array(expected["abs_rel"])
        close(report["stages"][stage]["accuracy"]["abs_rel"]["mean"], means[name].mean(), "abs_rel")
        found = report["analysis"][side]
        for row, (pixels, abs_rel, rmse) in zip(found["distance"], expected["bins"]):
            assert row["pixels"] == pixels, (row, pixels)
            close(row["abs_rel"], abs_rel, "abs_rel by distance")
            close(row["rmse"], rmse, "rmse by distance")
        for k, key in enumerate(("precision", "recall", "f1")):
            close(found["edges"][key], np.mean([e[k] for e in expected["edges"]]), key)
        assert found["flicker"]["pairs"] == len(expected["flicker"]) == 4
        close(found["flicker"]["mean"], np.mean(expected["flicker"]), "flicker")
    change = report["stages"][1]["accuracy"]["abs_rel"]
    close(change["change"], (means["b"] - means["a"]).mean(), "change")
    assert change["change_ci95"][0] < change["change"] < change["change_ci95"][1]


def check_page(path):
    page = path.read_text()
    assert "<script" not in page and not re.search(r"(src|href)=(?![\"']?data:)", page), path
    assert not re.search(r"\bnan\b", re.sub(r"base64,[^\"]*", "", page)), f"{path}: a number is missing"
    return page


def read(folder):
    report = json.loads((folder / "report.json").read_text())
    jsonschema.validate(report, SCHEMA, cls=jsonschema.Draft202012Validator)
    check_page(folder / "report.html")
    return report


def compare_predictions(root):
    data = make_data(root, 1)
    prune("compare", root / "a", root / "b", "--units", "metric", "--data", root / "pairs",
          "--protocol", "eigen-benchmark", "-o", root / "both")
    report = read(root / "both")
    check_against_oracle(report, data)
    page = (root / "both/report.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 6 * len(report["pictures"]) > 0


def compress_and_render(root):
    prune("new", "--width", "24", "--blocks", "4", "--heads", "2", "--neck", "8,8,8,8", "--fusion", "8",
          "--head", "4", "--input-height", "42", "--input-width", "70", "--license", "MIT",
          "-o", root / "tiny.safetensors")
    prune("compress", root / "tiny.safetensors", "--images", root / "pairs/image", "--test",
          root / "pairs", "--align", "median", "--macs", "0.8", "--rounds", "1", "--steps", "1",
          "--bench-seconds", "0.1", "-o", root / "run")
    report = read(root / "run")
    assert report["license"] == "MIT" and "MIT" in (root / "run/report.html").read_text()
    assert report["network"]["after"]["layers"] and len(report["stages"]) > 2
    first = {n: (root / "run" / n).read_bytes() for n in ("report.html", "report.csv")}
    for name in first:
        (root / "run" / name).unlink()
    prune("report", root / "run")
    for name, content in first.items():
        assert (root / "run" / name).read_bytes() == content, f"{name} came out differently"
    prune("report", root / "run", root / "both", "-o", root / "side.html")
    assert "run</b>" in check_page(root / "side.html")


def schema_can_say_no():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for broken in ({}, {"version": "1", "isa": "x", "threads": 1, "seed": 0, "stages": []},
                   {"version": "1", "isa": "x", "threads": 1, "seed": 0, "stages": [{"name": 3}]}):
        try:
            jsonschema.validate(broken, SCHEMA, cls=jsonschema.Draft202012Validator)
        except jsonschema.ValidationError:
            continue
        raise AssertionError(f"the schema accepts {broken}")


def main():
    schema_can_say_no()
    with tempfile.TemporaryDirectory() as folder:
        compare_predictions(Path(folder))
        compress_and_render(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
