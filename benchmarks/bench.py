#!/usr/bin/env python3
"""Measures this library, alone (make bench) and against its peers (make bench-peers).

    benchmarks/bench.py [--peers] [--rt-monodepth FOLDER] [--only TEXT]... [--quick]

Whatever was measured with the same programs, models and packages is taken from the work folder, so
that a run that was interrupted goes on, and a long one can be done in pieces (--one). Writes
benchmarks/results.json and benchmarks/results.md. README.md beside this file says what is measured.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from suite import models, plan, report  # noqa: E402
from suite.engines import PEER_PYTHON  # noqa: E402

HERE = Path(__file__).resolve().parent


def machine():
    """The processor's own words, without the host's name."""
    facts = {"processors": os.cpu_count(), "usable": len(os.sched_getaffinity(0))}
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "cpu family", "model", "cache size", "flags"):
                facts.setdefault(key.strip(), value.strip())
    wanted = ("avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512_vnni",
              "avx512_bf16", "amx_tile", "amx_int8", "amx_bf16")
    flags = facts.pop("flags", "").split()
    facts["instructions"] = [word for word in wanted if word in flags]
    with open("/proc/meminfo", encoding="ascii") as file:
        facts["memory_gb"] = round(int(file.readline().split()[1]) * 1024e-9, 1)
    return facts


def versions(peers):
    def line(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip().splitlines()[0] if done.stdout.strip() else "unknown"

    found = {"commit": line("git", "-C", str(models.ROOT), "describe", "--always", "--dirty"),
             "compiler": line("gcc", "--version"), "system": " ".join([os.uname().sysname, *os.uname().release.split(".")[:1]])}
    if peers:
        text = subprocess.run([PEER_PYTHON, "-c", "import importlib.metadata as m, json; print("
                               "json.dumps({n: m.version(n) for n in ('torch', 'onnx', "
                               "'onnxruntime', 'openvino', 'nncf')}))"],
                              capture_output=True, text=True, check=True).stdout
        found.update(json.loads(text))
    return found


class Cache:
    """A JSON file per measurement, named by what it was measured with."""

    def __init__(self, folder, reuse):
        self.folder, self.reuse = Path(folder), reuse
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, name, key):
        words = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
        return self.folder / f"{name.replace('/', '_')}-{words}.json"

    def get(self, name, key):
        path = self.path(name, key)
        if not path.exists() and self.reuse:
            old = sorted(self.folder.glob(f"{name.replace('/', '_')}-" + "?" * 16 + ".json"),
                         key=lambda p: p.stat().st_mtime)
            path = old[-1] if old else path
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def put(self, name, key, value):
        part = self.folder / "part.json"
        part.write_text(json.dumps(value), encoding="utf-8")
        part.rename(self.path(name, key))


def jobs(args, store, catalogue, tiers):
    """(name, what it depends on, function, group or None), in the order in which they are done."""
    suite = plan.Suite(store, catalogue, None)
    # The library is in every program; ccache and linkers are deterministic, so is its digest.
    ours = models.digest(models.PROGRAMS / "bench_worker")
    peers = versions(True) if args.peers else {}
    peer_files = [models.digest(HERE / "peers" / f) for f in ("module.py", "worker.py")]
    for threads in (1, 2):
        yield (f"kernels/{threads}t", ours, lambda t=threads: plan.kernels(t), None)
    trains = (models.digest(models.PROGRAMS / "bench_tuning"), peers.get("torch"),
              models.digest(HERE / "peers/tuning.py"))
    for batch, threads in ((1, 1), (1, 2), (4, 2)):  # 4 is what `prune tune` takes
        yield (f"tuning/b{batch}/{threads}t", trains,
               lambda b=batch, t=threads: plan.tuning(b, t, args.peers), None)
    for model in catalogue:
        for size in model.sizes:
            for group in plan.ours_groups(model, size, tiers, args.quick):
                yield (group.name, (ours, args.quick), lambda g=group: suite.measure(g),
                       (suite, group))
            if model.name in ("s", "bundled") and size == model.sizes[0]:
                for threads in (1, 2):
                    for word, path in (("int8", store.integers), ("fp32", store.floats)):
                        yield (f"profile/{model.name}/{word}/{threads}t", ours,
                               lambda m=model, p=path, s=size, t=threads: plan.profile(p(m), s, t),
                               None)
                yield (f"load/{model.name}", ours,
                       lambda m=model, s=size: plan.load(store, m, s), None)
            if model.name == "bundled":
                yield ("accuracy/bundled", ours, lambda m=model: plan.accuracy(store, m), None)
            for group in plan.peer_groups(model, size, tiers, args.quick) if args.peers else ():
                names = {p: peers[p] for p in group.peers()}
                yield (group.name, (ours, names, peer_files, args.quick),
                       lambda g=group: suite.measure(g), (suite, group))


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", action="store_true", help="torch, ONNX Runtime, OpenVINO too")
    parser.add_argument("--rt-monodepth", default=os.environ.get("PRUNE_RT_MONODEPTH"),
                        help="folder of RT-MonoDepth-S's checkpoint (default $PRUNE_RT_MONODEPTH)")
    parser.add_argument("--only", action="append", default=[],
                        help="measure only what has this in its name; may be repeated")
    parser.add_argument("--quick", action="store_true",
                        help="fewer turns, where no full measurement is there")
    parser.add_argument("--prepare", action="store_true", help="make the models, measure nothing")
    parser.add_argument("--one", action="store_true",
                        help="measure the first thing that is missing, then end with status 3, or "
                        "0 when nothing was missing")
    parser.add_argument("--reuse", action="store_true",
                        help="take what other builds of the library measured, too")
    parser.add_argument("--list", action="store_true", help="show what is there and what is missing")
    parser.add_argument("--work", default=str(models.ROOT / "build/bench"), help="work folder")
    parser.add_argument("--results", default=str(HERE), help="folder of results.json and .md")
    return parser.parse_args()


def collect(args, store, catalogue, tiers, cache):
    """{name: result}; measures what is missing. None after one measurement of --one."""
    results = {}
    for name, key, measure, group in jobs(args, store, catalogue, tiers):
        value = cache.get(name, key)
        if args.quick and group:  # what was measured with all turns is good enough
            value = cache.get(name, (*key[:-1], False)) or value
        wanted = not args.only or any(word in name for word in args.only)
        if args.list:
            print(f"{'there' if value else 'missing' if wanted else 'left out':8} {name}")
            continue
        if value is None and wanted:
            if group and (args.prepare or not group[0].prepared(group[1])):
                print(f"preparing {name}", flush=True)
                group[0].prepare(group[1])
            if args.prepare:
                continue
            print(f"measuring {name}", end="", flush=True)
            begin = time.monotonic()
            value = measure()
            cache.put(name, key, value)
            print(f" ({time.monotonic() - begin:.0f} s)", flush=True)
            if args.one:
                return None
        if value is not None:
            results[name] = value
    return results


def main():
    args = parse()
    catalogue = models.catalogue(args.rt_monodepth)
    if not args.rt_monodepth:
        print("SKIP: RT-MonoDepth-S; --rt-monodepth FOLDER (or $PRUNE_RT_MONODEPTH) names its "
              "checkpoint", file=sys.stderr)
    store = models.Store(args.work, args.reuse)
    tiers = plan.tiers()
    results = collect(args, store, catalogue, tiers, Cache(store.folder / "cache", args.reuse))
    if results is None:
        return 3
    if args.list or args.prepare:
        return 0
    command = "make bench-peers" if args.peers else "make bench"
    whole = {"date": time.strftime("%Y-%m-%d", time.gmtime()), "command": command,
             "machine": machine(), "tiers": tiers, "versions": versions(args.peers),
             "models": {m.name: m.title for m in catalogue}, "results": results}
    folder = Path(args.results)
    (folder / "results.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
    (folder / "results.md").write_text(report.markdown(whole), encoding="utf-8")
    print(f"{folder}/results.json and results.md written: {len(results)} measurements")
    return 0


if __name__ == "__main__":
    sys.exit(main())
