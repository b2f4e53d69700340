"""Ctrl-C and Context.cancel(): stopped cleanly, with the best model so far."""

import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest

import libprune


def test_ctrl_c_leaves_the_best_model_so_far(tiny, pairs, picture):
    handler = signal.getsignal(signal.SIGINT)
    started = threading.Event()

    def progress(stage, done, total):
        if stage == "tune" and done == 2 and not started.is_set():
            started.set()
            os.kill(os.getpid(), signal.SIGINT)

    result = libprune.tune(tiny, pairs, steps=100000, batch=1, judge_every=1, progress=progress)
    assert started.is_set()
    assert result.cancelled
    assert result.report["steps"] < 100
    assert result.model(picture).shape == (40, 60)
    assert signal.getsignal(signal.SIGINT) is handler


def test_ctrl_c_where_there_is_no_result(tiny, pairs):
    def progress(stage, done, total):
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises((libprune.CancelledError, KeyboardInterrupt)):
        libprune.evaluate(tiny, pairs, align="none", progress=progress)
    # And the next call is not affected.
    assert len(libprune.evaluate(tiny, pairs, align="none")) == 6


def test_trim_keeps_finished_rounds(tiny, pairs):
    rounds = []

    def progress(stage, done, total):
        rounds.append(stage)

    context = libprune.Context(threads=1)
    model = tiny.clone(context)

    class Handler(logging.Handler):
        """Cancels when the first round is done."""

        def emit(self, record):
            if record.getMessage().startswith("round 1"):
                context.cancel()

    logger = logging.getLogger("libprune")
    handler = Handler(level=logging.INFO)
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        result = libprune.trim(
            model, pairs, macs=0.6, rounds=4, tune=False, views=0, judges=2, progress=progress
        )
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert result.cancelled
    kept = result.model.cost().macs / tiny.cost().macs
    assert 0.7 < kept < 1


def test_cancel_from_another_thread(tiny, pairs):
    context = libprune.Context(threads=1)
    model = tiny.clone(context)
    outcome = []

    def work():
        outcome.append(libprune.tune(model, pairs, steps=100000, batch=1, judge_every=50000))

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        time.sleep(0.05)
        context.cancel()
    assert outcome[0].cancelled


def test_a_script_ends_on_ctrl_c():
    """In a fresh interpreter, with Python's own handler: no hang, no crash, an exception."""
    code = """
        import os, signal, threading, libprune
        scenes = libprune.datasets.synth(frames=500, width=112, height=56)
        model = libprune.load("bundled")
        threading.Timer(1, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        try:
            libprune.evaluate(model, scenes)
        except (libprune.CancelledError, KeyboardInterrupt) as error:
            print("stopped:", type(error).__name__)
    """
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("stopped:")


def test_a_callback_cannot_wait_for_itself(tiny, pairs, tmp_path):
    """A data set that uses the context which is working on it, from the library's threads, would
    wait for ever: it gets an error that says what to do, or its answer on the calling thread."""
    model = tiny.clone(libprune.Context(threads=2))

    class Greedy:
        def __len__(self):
            return 6

        def __getitem__(self, index):
            model.save(tmp_path / f"{index}.safetensors")
            return pairs[index]

    try:
        libprune.quantize(model, Greedy(), views=1, scan=False)
    except libprune.LibpruneError as error:
        outcome = str(error)
    else:
        outcome = "worked: the library asked on the calling thread"
    assert "Context of its own" in outcome or outcome.startswith("worked")
