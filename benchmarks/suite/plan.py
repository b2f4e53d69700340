"""What is measured: groups of engines that take turns in one run, on one network at one size."""
import json
import subprocess
import time
from statistics import median

from . import models
from .engines import (PEER_PYTHON, PEERS, Engine, Failure, Worker, peer_folder, prepare_peer,
                      processors, read, rms, start, take_turns)

PROGRAMS = models.PROGRAMS

# What a peer's engine needs to be made first.
NEEDS = {"onnxruntime-fp32": ["fp32.onnx"], "openvino-fp32": ["fp32.onnx"],
         "openvino-bf16": ["fp32.onnx"],
         "onnxruntime-int8-dynamic": ["fp32.onnx", "int8-dynamic.onnx"],
         "onnxruntime-int8-static": ["fp32.onnx", "int8-static.onnx"],
         "openvino-int8": ["fp32.onnx", "int8.xml"],
         "openvino-int8-bf16": ["fp32.onnx", "int8.xml"]}


class Group:
    """Engines that take turns. `turns` is the least number of them."""

    def __init__(self, kind, model, size, engines, seconds, turns):
        self.kind, self.model, self.size, self.engines = kind, model, size, engines
        self.seconds, self.turns = seconds, turns
        threads = sorted({engine.threads for engine in engines})
        self.name = "/".join([kind, model.name, f"{size[0]}x{size[1]}",
                              "+".join(f"{t}t" for t in threads)])

    def peers(self):
        return sorted({e.name.split("-")[0] for e in self.engines if not e.ours} & {
            "torch", "onnxruntime", "openvino"})


def ours_groups(model, size, tiers, quick):
    """Without peers: precisions and threads against each other; each tier by itself."""
    heavy = model.name == "b"
    names = ["ours-fp32", "ours-int8"] + (["ours-bf16"] if "amx" in tiers else [])
    counts = [1, 2] if len(processors()) > 1 else [1]
    seconds, turns = (6, 3) if quick or heavy else (12, 5)
    yield Group("ours", model, size, [Engine(n, t) for n in names for t in counts], seconds, turns)
    if model.name == "s" and size == model.sizes[0]:
        for isa in tiers:
            if isa == "portable":
                continue  # plain C: minutes, and nobody deploys it where there is better
            yield Group(f"tier-{isa}", model, size,
                        [Engine(f"ours-fp32-{isa}", 1), Engine(f"ours-int8-{isa}", 1)], seconds, 3)
    if "amx" not in tiers and model.name != "b" and size == model.sizes[0]:
        yield Group("bf16", model, size, [Engine("ours-bf16", counts[-1])], 0, 2)


def peer_groups(model, size, tiers, quick):
    fast_bf16 = "amx" in tiers
    ours = ["ours-fp32", "ours-int8"] + (["ours-bf16"] if fast_bf16 else [])
    seconds, turns = (6, 3) if quick or model.name == "b" else (12, 5)
    sets = {"torch": ["torch-fp32", "torch-compile-fp32"],
            "onnxruntime": ["onnxruntime-fp32", "onnxruntime-int8-dynamic",
                            "onnxruntime-int8-static"],
            "openvino": ["openvino-fp32", "openvino-bf16", "openvino-int8", "openvino-int8-bf16"]}
    bf16 = ["torch-bf16", "torch-compile-bf16"]
    for threads in (1, 2) if len(processors()) > 1 else (1,):
        for peer, names in sets.items():
            yield Group(peer, model, size, [Engine(n, threads) for n in ours + names], seconds,
                        turns)
        # Where BF16 is not in the hardware, torch computes it all the same, slowly.
        if fast_bf16:
            yield Group("torch-bf16", model, size, [Engine(n, threads) for n in ours + bf16],
                        seconds, turns)
        elif model.name == "s" and size == model.sizes[0] and threads == 2:
            yield Group("torch-bf16", model, size,
                        [Engine(n, threads) for n in ["ours-fp32"] + bf16], 0, 2)


def tiers():
    """The instruction sets of this machine, by asking for each."""
    found = []
    for isa in ("portable", "avx2", "avxvnni", "avx512", "avx512vnni", "amx"):
        done = subprocess.run([PROGRAMS / "prune", "inspect", "bundled", "--isa", isa],
                              capture_output=True, check=False)
        if done.returncode == 0:
            found.append(isa)
    return found


class Suite:
    """Measures groups, and remembers what was measured with what."""

    def __init__(self, store, catalogue, cache):
        self.store, self.catalogue, self.cache = store, catalogue, cache
        self.references = {}

    # --- preparation, which nobody times ---

    def reference(self, model, size):
        """What the FP32 interpreter says of the first picture."""
        name = f"{model.name}-{size[0]}x{size[1]}-interpreter"
        if name not in self.references:
            path = self.store.outputs(name)
            if not path.exists():
                worker, output = start(self.store, Engine("interpreter-fp32", len(processors())), model,
                                       size)
                worker.close()
                output.rename(path)
            self.references[name] = read(path)
        return self.references[name]

    def prepare(self, group):
        """Everything that the engines of a group open. What a peer cannot make is remembered."""
        self.store.floats(group.model)
        if any("int8" in engine.name for engine in group.engines):
            self.store.integers(group.model)
        self.store.picture(group.model, group.size)
        self.reference(group.model, group.size)
        for engine in group.engines:
            if "compile" in engine.name:
                self.compile(engine, group)
            for what in NEEDS.get(engine.name, []):
                try:
                    prepare_peer(self.store, what, group.model, group.size)
                except Failure as failure:
                    folder = peer_folder(self.store, group.model, group.size)
                    folder.mkdir(parents=True, exist_ok=True)
                    (folder / f"{what}.error").write_text(str(failure), encoding="utf-8")
                    break

    def compile(self, engine, group):
        """Fills torch's cache of compiled code, so that no compiler runs among the timings."""
        mark = self.compiled(engine, group)
        if mark.exists():
            return
        mark.parent.mkdir(parents=True, exist_ok=True)
        try:
            start(self.store, engine, group.model, group.size)[0].close()
            mark.touch()
        except Failure:
            mark.touch()  # measuring will say why

    def compiled(self, engine, group):
        return peer_folder(self.store, group.model, group.size) / f"{engine.label}.compiled"

    def prepared(self, group):
        """Whether `prepare` has nothing left to do."""
        folder = peer_folder(self.store, group.model, group.size)
        if any("compile" in engine.name and not self.compiled(engine, group).exists()
               for engine in group.engines):
            return False
        return all((folder / what).exists() or (folder / f"{what}.error").exists()
                   for engine in group.engines for what in NEEDS.get(engine.name, []))

    def broken(self, engine, model, size):
        for what in NEEDS.get(engine.name, []):
            error = peer_folder(self.store, model, size) / f"{what}.error"
            if error.exists():
                return error.read_text(encoding="utf-8")
        return None

    # --- measuring ---

    def measure(self, group):
        """{"engines": [{"engine", "threads", "minimum_ms", "median_ms", "runs", "rms", ...}]}"""
        workers, outputs, failed, began = {}, {}, {}, time.time()
        try:
            for engine in group.engines:
                error = self.broken(engine, group.model, group.size)
                try:
                    if error:
                        raise Failure(error)
                    workers[engine.label], outputs[engine.label] = start(
                        self.store, engine, group.model, group.size)
                except Failure as failure:
                    failed[engine.label] = str(failure)
            times, died = take_turns(workers, group.seconds, group.turns)
            failed.update(died)
        finally:
            for worker in workers.values():
                worker.close()
        rows = [self.row(engine, group, workers.get(engine.label), outputs.get(engine.label),
                         times.get(engine.label), failed.get(engine.label))
                for engine in group.engines]
        return {"group": group.name, "kind": group.kind, "model": group.model.name,
                "size": list(group.size), "date": time.strftime("%Y-%m-%d", time.gmtime()),
                "took_seconds": round(time.time() - began, 1), "engines": rows}

    def row(self, engine, group, worker, output, times, error):
        row = {"engine": engine.name, "threads": engine.threads, "precision": engine.precision()}
        if error or not times:
            return {**row, "error": error or "it did not run"}
        values = read(output)
        return {**row, **worker.facts, "threads": engine.threads, "minimum_ms": min(times),
                "median_ms": median(times), "runs": len(times),
                "rms": rms(values, self.reference(group.model, group.size))}


# --- what is not a group of engines ---

def kernels(threads):
    done = subprocess.run([PROGRAMS / "bench_kernels", str(threads), "json"], capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)


def profile(path, size, threads, isa=None):
    """prune bench --profile: peaks and the totals of every kernel."""
    arguments = ["bench", path, "--size", f"{size[0]}x{size[1]}", "--threads", threads, "--seconds",
                 1, "--energy", "estimate", "--json", "-"]
    result = json.loads(models.prune(*arguments, *(["--isa", isa] if isa else [])))
    one = result["models"][0]
    return {"threads": threads, "isa": result["isa"], "peaks": result["peaks"],
            "median_ms": one["latency_ms"]["median"], "minimum_ms": one["latency_ms"]["minimum"],
            "kinds": one["kinds"]}


def load(store, model, size, starts=5):
    """Opening the packed INT8 model in a fresh process, five times: to the session, and to the first
    depth map. Files are in the page cache."""
    rows = []
    for _ in range(starts):
        worker, _ = start(store, Engine("ours-int8", len(processors())), model, size)
        steady = min(worker.run(5))
        rows.append({"open_ms": worker.facts["open_ms"], "first_ms": worker.facts["first_ms"],
                     "steady_ms": steady})
        worker.close()
    best = min(rows, key=lambda row: row["open_ms"] + row["first_ms"])
    return {**best, "starts": starts, "threads": len(processors()), "model": model.name}


def tuning(batch, threads, peers, turns=3):
    """A step of `prune tune` on S at 518x518 with a teacher; beside torch's where there are peers."""
    size = "518x518"
    commands = {"ours": [PROGRAMS / "bench_tuning", size, batch, threads, 1, "serve"]}
    if peers:
        commands["torch"] = [PEER_PYTHON, PEERS.parent / "tuning.py", size, batch, threads]
    workers, failed, times = {}, {}, {}
    try:
        for name, command in commands.items():
            try:
                workers[name] = Worker(command, threads)
            except Failure as failure:
                failed[name] = str(failure)
        times, died = take_turns(workers, 0, turns)
        failed.update(died)
    finally:
        for worker in workers.values():
            worker.close()
    return {"batch": batch, "threads": threads, "engines": {
        name: {"error": failed[name]} if name in failed else
        {"minimum_ms": min(times[name]), "median_ms": median(times[name]), "runs": len(times[name])}
        for name in commands}}


def accuracy(store, model):
    """abs_rel on scenes that nothing was trained or calibrated on."""
    scenes = store.scenes("196x644", models.TEST, 40)
    result = {}
    for precision, path, extra in (("fp32", store.floats(model), []),
                                   ("int8", store.integers(model), []),
                                   ("bf16", store.floats(model), ["--precision", "bf16"])):
        try:
            found = json.loads(models.prune("eval", path, scenes, *extra, "--json", "-"))
            result[precision] = {"protocol": found["protocol"], "align": found["align"],
                                 "frames": found["frames"], "abs_rel": found["mean"]["abs_rel"]}
        except (RuntimeError, ValueError) as error:
            result[precision] = {"error": str(error)}
    return result
