"""Engines: ours and the peers', each a process that opens a model and runs when it is told to.

A process of its own keeps two thread pools, two allocators and two OpenMP runtimes from meeting,
gives every engine the environment that suits it, and shows its memory. Between turns it waits for
a line, so that it costs the others nothing.
"""
import json
import os
import subprocess
import threading
import time
from array import array
from math import sqrt

from .models import PROGRAMS, ROOT

PEERS = ROOT / "benchmarks/peers/worker.py"
PEER_PYTHON = ROOT / "build/venv-peers/bin/python3"

# No page is given back to the system between runs: faults cost torch up to half of its time.
ALLOCATOR = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 36),
             "MALLOC_TOP_PAD_": str(64 << 20)}


def processors():
    return sorted(os.sched_getaffinity(0))


class Engine:
    """name: ours-PRECISION[-ISA], interpreter-fp32, or a peer's row in peers/worker.py."""

    def __init__(self, name, threads):
        self.name, self.threads = name, threads
        self.ours = name.split("-")[0] in ("ours", "interpreter")
        self.label = f"{name}@{threads}"

    def precision(self):
        for word in ("int8", "bf16"):
            if word in self.name:
                return word
        return "fp32"


class Failure(Exception):
    pass


class Worker:
    """A running engine. `facts` is what it said about itself."""

    def __init__(self, command, threads, environment=None, timeout=400):
        env = dict(os.environ, OMP_NUM_THREADS=str(threads), OPENBLAS_NUM_THREADS=str(threads),
                   MKL_NUM_THREADS=str(threads), **ALLOCATOR, **(environment or {}))
        mine = processors()[:threads]
        self.process = subprocess.Popen(
            list(map(str, command)), env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, preexec_fn=lambda: os.sched_setaffinity(0, mine))
        self.errors = []
        self.reader = threading.Thread(target=self._read_errors, daemon=True)
        self.reader.start()
        self.facts = self._answer(timeout)

    def _read_errors(self):
        for line in self.process.stderr:
            self.errors = (self.errors + [line.strip()])[-50:]

    def _answer(self, timeout):
        timer = threading.Timer(timeout, self.process.kill)
        timer.start()
        try:
            for line in self.process.stdout:
                if line.startswith("{"):
                    return json.loads(line)
        finally:
            timer.cancel()
        self.process.wait()
        self.reader.join(5)
        words = [line for line in self.errors if "Error" in line or "error" in line]
        last = (words or self.errors or [f"ended with status {self.process.returncode}"])[-1]
        raise Failure(last if self.process.returncode != -9
                      else f"no answer within {timeout} s, or killed")

    def run(self, count=1, timeout=300):
        """Milliseconds of each run."""
        try:
            self.process.stdin.write(f"run {count}\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it died: _answer says why
        return self._answer(timeout)["times"]

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.reader.join(5)
        self.process.stdout.close()
        self.process.stderr.close()


def start(store, engine, model, size):
    """A worker for an engine on a model at a size; its output is then in store.outputs."""
    side = f"{size[0]}x{size[1]}"
    picture = store.picture(model, size)
    output = store.outputs(f"{model.name}-{side}-{engine.label}")
    if engine.ours:
        words = engine.name.split("-")
        precision = words[0] if words[0] == "interpreter" else words[1]
        isa = words[2] if len(words) > 2 else "-"
        file = store.integers(model) if precision == "int8" else store.floats(model)
        command = [PROGRAMS / "bench_worker", file, side, engine.threads, isa,
                   "recorded" if precision == "int8" else precision, picture, output]
        return Worker(command, engine.threads), output
    environment = {"TORCHINDUCTOR_CACHE_DIR": str(store.folder / "inductor"),
                   "TOKENIZERS_PARALLELISM": "false"}
    command = [PEER_PYTHON, PEERS, engine.name, store.floats(model), peer_folder(store, model, size),
               *size, engine.threads, picture, output]
    return Worker(command, engine.threads, environment), output


def peer_folder(store, model, size):
    return store.folder / "peers" / f"{model.name}-{size[0]}x{size[1]}-{model.pictures}"


def prepare_peer(store, what, model, size):
    """A file that a peer needs, made by peers/prepare.py; raises Failure with its error."""
    folder = peer_folder(store, model, size)
    if (folder / what).exists():
        return
    command = [PEER_PYTHON, PEERS.parent / "prepare.py", what, store.floats(model), folder, *size,
               store.calibration(model, size)]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise Failure(f"{what}: {lines[-1]}")


def read(path):
    values = array("f")
    values.frombytes(path.read_bytes())
    return values


def rms(values, reference):
    """Root mean square of the difference over the reference's standard deviation."""
    count = len(reference)
    mean = sum(reference) / count
    spread = sum((v - mean) ** 2 for v in reference)
    error = sum((a - b) ** 2 for a, b in zip(values, reference))
    if len(values) != count or not error == error or spread == 0:
        return None
    return sqrt(error / spread)


def take_turns(workers, seconds, turns, pause=0.03):
    """Milliseconds of every worker's runs. Each turn every worker runs, every other turn in reverse
    order; short runs come in bursts of about 0.15 s. Ends after `seconds`, not before `turns`."""
    times = {label: [] for label in workers}
    failed = {}
    bursts = {}
    for label, worker in list(workers.items()):
        try:
            bursts[label] = max(1, min(20, round(150 / worker.run()[0])))  # warm-up, too
        except Failure as failure:
            failed[label] = str(failure)
    begin, turn = time.monotonic(), 0
    while turn < turns or time.monotonic() - begin < seconds:
        order = [label for label in workers if label not in failed]
        for label in order if turn % 2 == 0 else reversed(order):
            time.sleep(pause)  # threads that still look for work go to sleep
            try:
                times[label] += workers[label].run(bursts[label])
            except Failure as failure:
                failed[label] = str(failure)
        turn += 1
    return times, failed
