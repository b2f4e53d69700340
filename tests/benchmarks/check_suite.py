#!/usr/bin/env python3
"""The benchmark suite (benchmarks/suite) on made-up engines and results: turns, failures, errors,
the cache, goals and the page."""
import argparse
import io
import os
import sys
import tempfile
import unittest
import unittest.mock
from array import array
from contextlib import redirect_stdout
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import bench  # noqa: E402
from suite import engines, goals, models, plan, report  # noqa: E402

# An engine of so many milliseconds per run; it dies at its `dies`th request.
FAKE = """
import json, sys, time
ms, dies = float(sys.argv[1]), int(sys.argv[2])
print("loading...")
print(json.dumps({"version": "fake 1", "peak_bytes": 1}), flush=True)
for i, line in enumerate(sys.stdin):
    if i + 1 == dies:
        sys.exit("RuntimeError: this fake has died")
    print(json.dumps({"times": [ms] * int(line.split()[1])}), flush=True)
"""


def fake(milliseconds, dies=0):
    return engines.Worker([sys.executable, "-c", FAKE, milliseconds, dies], 1)


class Turns(unittest.TestCase):
    def test_everybody_runs_as_often(self):
        workers = {"a": fake(2), "b": fake(200)}
        times, failed = engines.take_turns(workers, 0, 3, pause=0)
        for worker in workers.values():
            worker.close()
        self.assertEqual(failed, {})
        self.assertEqual(times["b"], [200.0] * 3)
        self.assertEqual(times["a"], [2.0] * 60)  # short ones in bursts of at most 20

    def test_one_that_dies_does_not_stop_the_others(self):
        workers = {"a": fake(200), "b": fake(200, dies=3)}
        times, failed = engines.take_turns(workers, 0, 4, pause=0)
        for worker in workers.values():
            worker.close()
        self.assertEqual(len(times["a"]), 4)
        self.assertIn("this fake has died", failed["b"])

    def test_one_that_does_not_start_says_why(self):
        with self.assertRaisesRegex(engines.Failure, "ValueError: no such mode"):
            engines.Worker([sys.executable, "-c", "raise ValueError('no such mode')"], 1)

    def test_threads_are_pinned_and_told(self):
        code = ("import os, json; print(json.dumps({'cpus': len(os.sched_getaffinity(0)), "
                "'omp': os.environ['OMP_NUM_THREADS']}))")
        worker = engines.Worker([sys.executable, "-c", code], 1)
        worker.close()
        self.assertEqual(worker.facts, {"cpus": 1, "omp": "1"})


class Errors(unittest.TestCase):
    def test_rms_is_over_the_references_deviation(self):
        reference = array("f", [0, 2, 0, 2])
        self.assertEqual(engines.rms(reference, reference), 0)
        self.assertAlmostEqual(engines.rms(array("f", [0.5, 2.5, 0.5, 2.5]), reference), 0.5)
        self.assertIsNone(engines.rms(array("f", [1, 1]), reference))
        self.assertIsNone(engines.rms(array("f", [float("nan")] * 4), reference))


def engine_row(name, threads, milliseconds, error=0.01):
    return {"engine": name, "threads": threads, "precision": engines.Engine(name, 1).precision(),
            "minimum_ms": milliseconds, "median_ms": 1.1 * milliseconds, "runs": 5, "rms": error,
            "peak_bytes": 120e6, "session_bytes": 70e6}


def group(kind, rows, model="s", size=(518, 518)):
    return {"group": f"{kind}/{model}", "kind": kind, "model": model, "size": list(size),
            "engines": rows}


def made_up(tiers=("portable", "avx2")):
    peers = [engine_row("ours-fp32", 1, 1000), engine_row("ours-int8", 1, 500),
             engine_row("openvino-fp32", 1, 1300, 1e-6), engine_row("openvino-int8", 1, 800),
             {"engine": "openvino-bf16", "threads": 1, "precision": "bf16", "error": "no | AMX"}]
    torch = [engine_row("ours-fp32", 1, 900), engine_row("ours-int8", 1, 500),
             engine_row("torch-fp32", 1, 1000, 1e-6)]
    ours = [engine_row(f"ours-{p}", t, ms) for p, t, ms in
            (("fp32", 1, 1000), ("fp32", 2, 520), ("int8", 1, 500), ("int8", 2, 300))]
    tier = [engine_row("ours-fp32-avx2", 1, 1000), engine_row("ours-int8-avx2", 1, 620)]
    kinds = [{"kernel": "igemm", "steps": 2, "seconds": 0.2, "share": 0.4, "gops": 100,
              "limit_seconds": 0.18, "limit_share": 0.9},
             {"kernel": "iconv", "steps": 1, "seconds": 0.3, "share": 0.6, "gops": 100,
              "limit_seconds": 0.12, "limit_share": 0.4}]
    kernel = {"what": "fc1", "m": 4, "n": 5, "k": 6, "limit_gops": 150}
    results = {
        "kernels/1t": {"threads": 1, "peaks": [
            {"isa": "avx2", "fp32_gops": 100, "int8_gops": 150, "bf16_gops": 0,
             "read": [{"bytes": 16384, "gb_per_second": 200}]}],
            "kernels": [{**kernel, "kernel": "avx2", "precision": "int8", "gops": 120},
                        {**kernel, "kernel": "avx2", "precision": "fp32", "gops": 90},
                        {**kernel, "kernel": "openblas", "precision": "fp32", "gops": 80,
                         "limit_gops": 0}]},
        "ours/s": group("ours", ours), "openvino/s": group("openvino", peers),
        "torch/s": group("torch", torch), "tier-avx2/s": group("tier-avx2", tier),
        "profile/s/int8/1t": {"threads": 1, "minimum_ms": 500, "kinds": kinds, "isa": tiers[-1]},
        "tuning/b1/2t": {"batch": 1, "threads": 2, "engines": {
            "ours": {"minimum_ms": 3000, "median_ms": 3100, "runs": 3},
            "torch": {"minimum_ms": 3300, "median_ms": 3410, "runs": 3}}},
        "tuning/b4/2t": {"batch": 4, "threads": 2, "engines": {
            "ours": {"minimum_ms": 12000, "median_ms": 12000, "runs": 3},
            "torch": {"error": "no | torch"}}},
        "load/s": {"model": "s", "threads": 2, "open_ms": 100, "first_ms": 400, "steady_ms": 300},
        "accuracy/bundled": {"fp32": {"abs_rel": 0.1, "frames": 4, "protocol": "eigen",
                                      "align": "none"},
                             "int8": {"abs_rel": 0.11, "frames": 4}, "bf16": {"error": "no"}}}
    return {"date": "2026-01-02", "command": "make bench-peers", "tiers": list(tiers),
            "machine": {"model name": "Made-up", "usable": 2, "processors": 2, "memory_gb": 8,
                        "instructions": ["avx2"]},
            "versions": {"commit": "0", "compiler": "gcc"},
            "models": {"s": "Network S", "bundled": "Bundled"}, "results": results}


class Goals(unittest.TestCase):
    def found(self, words, **where):
        rows = [g for g in goals.table(made_up(**where)) if g["goal"].startswith(words)]
        self.assertEqual(len(rows), 1, words)
        return rows[0]

    def test_the_best_peer_counts_against_ours_in_its_own_group(self):
        row = self.found("FP32 against the best")
        self.assertIn("1.11x", row["measured"])  # torch 1000 / 900, not OpenVINO 1300 / 1000
        self.assertEqual(row["why"], "missed: 97% of the goal; best peer: torch-fp32")

    def test_hardware_that_is_not_there(self):
        row = self.found("INT8 (AMX) against the best INT8")
        self.assertEqual(row["measured"], goals.LACKS)
        self.assertIn("1.60x", row["why"])  # with what is there
        row = self.found("INT8 (AMX) against the best INT8", tiers=("portable", "avx2", "amx"))
        self.assertIn("1.60x", row["measured"])
        self.assertIn("missed: 64%", row["why"])

    def test_floor_shares_threads_memory(self):
        row = self.found("INT8 (AMX): time", tiers=("amx",))
        self.assertIn("1.67x", row["measured"])  # 500 ms over 300 ms
        self.assertEqual(row["why"], "beyond the stretch goal")
        self.assertIn("GEMM 90%", self.found("INT8 steps")["measured"])
        row = self.found("two threads")
        self.assertIn("1.92x (FP32), 1.67x (INT8)", row["measured"])
        self.assertIn("missed: 93%", row["why"])
        row = self.found("peak memory")
        self.assertTrue(row["measured"] == "120 MB" and row["why"].startswith("met"))

    def test_avx2_against_openblas(self):
        row = self.found("INT8 forced to AVX2")
        self.assertIn("1.61x (ours), 1.50x to 1.50x (products, OpenBLAS)", row["measured"])
        self.assertIn("met", row["why"])

    def test_tuning_against_torch(self):
        row = self.found("a tuning step")
        self.assertEqual((row["measured"], row["why"]), ("1.10x (batch 1, 2t)", "met"))

    def test_nothing_measured_is_said(self):
        whole = {**made_up(), "results": {}}
        for row in goals.table(whole):
            self.assertIn(row["measured"], (goals.NOT, goals.LACKS))


class Page(unittest.TestCase):
    def test_everything_is_on_it(self):
        text = report.markdown(made_up())
        for part in ("Made-up", "2026-01-02", "make bench-peers", "## Goals", "## Peers",
                     "openvino-int8", "1.60x (1.60x)", "failed: no / AMX", "120 (80 %)",
                     "### Where the time goes: Network S, INT8", "200", "+0.0100",
                     "| 1 | 2 | 3.00 (3.10) | 3.30 (3.41) | 1.10x (1.10x) |",
                     "| 4 | 2 | 12.00 (12.00) | failed: no / torch | - |"):
            self.assertIn(part, text)
        for block in text.split("\n\n"):
            rows = [line for line in block.strip().splitlines() if line.startswith("|")]
            self.assertEqual(len({row.count("|") for row in rows} or {0}), 1, block)

    def test_without_peers(self):
        whole = made_up()
        whole["results"] = {n: r for n, r in whole["results"].items() if n.startswith("ours")}
        self.assertNotIn("## Peers", report.markdown(whole))


class Keeping(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def test_other_programs_measure_again(self):
        cache = bench.Cache(self.folder.name, reuse=False)
        cache.put("ours/s/1t", ("build 1",), {"a": 1})
        self.assertEqual(cache.get("ours/s/1t", ("build 1",)), {"a": 1})
        self.assertIsNone(cache.get("ours/s/1t", ("build 2",)))
        again = bench.Cache(self.folder.name, reuse=True)
        self.assertEqual(again.get("ours/s/1t", ("build 2",)), {"a": 1})
        self.assertIsNone(again.get("ours/s", ("build 2",)))

    def test_pieces(self):
        """--one measures one thing; what failed to be measured is not kept."""
        done = []
        cache = bench.Cache(self.folder.name, reuse=False)
        args = argparse.Namespace(only=[], list=False, prepare=False, one=True, quick=False)
        real = bench.jobs
        bench.jobs = lambda *_: [(n, 1, lambda n=n: done.append(n) or {"n": n}, None)
                                 for n in ("first", "second")]
        try:
            with redirect_stdout(io.StringIO()):
                pieces = [bench.collect(args, None, None, None, cache) for _ in range(3)]
        finally:
            bench.jobs = real
        self.assertEqual(done, ["first", "second"])
        self.assertEqual(pieces, [None, None, {"first": {"n": "first"}, "second": {"n": "second"}}])

    def test_all_turns_are_good_enough_for_quick(self):
        cache = bench.Cache(self.folder.name, reuse=False)
        cache.put("there", ("build", False), {"turns": "all"})
        args = argparse.Namespace(only=[], list=False, prepare=False, one=False, quick=True)
        group = unittest.mock.Mock()
        real = bench.jobs
        bench.jobs = lambda *_: [(n, ("build", True), lambda: {"turns": "few"}, (group, None))
                                 for n in ("there", "missing")]
        try:
            with redirect_stdout(io.StringIO()):
                found = bench.collect(args, None, None, None, cache)
        finally:
            bench.jobs = real
        self.assertEqual(found, {"there": {"turns": "all"}, "missing": {"turns": "few"}})
        self.assertEqual(cache.get("missing", ("build", True)), {"turns": "few"})

    def test_a_model_is_made_once_and_whole(self):
        program = Path(os.environ.get("PRUNE_TEST_PROGRAM", ""))
        if not program.is_file():
            self.skipTest("PRUNE_TEST_PROGRAM is not set")
        models.PROGRAMS = program.parent
        store = models.Store(self.folder.name)
        small = ["--width", 32, "--blocks", 4, "--heads", 2, "--neck", "8,8,8,8", "--fusion", 8,
                 "--head", 4, "--input-height", 28, "--input-width", 42]
        model = models.Model("tiny", "Tiny", [(28, 42)], new=small)
        path = store.floats(model)
        stamp = path.stat().st_mtime_ns
        self.assertEqual(store.floats(model).stat().st_mtime_ns, stamp)
        self.assertFalse(list(Path(self.folder.name).glob("part-*")))
        with self.assertRaisesRegex(RuntimeError, "prune new: "):
            store.floats(models.Model("wrong", "Wrong", [], new=["--width", 33, "--heads", 2]))
        names = [g.name for g in plan.ours_groups(model, (28, 42), ["portable", "avx2"], True)]
        self.assertIn("bf16/tiny/28x42", names[-1])


if __name__ == "__main__":
    unittest.main()
