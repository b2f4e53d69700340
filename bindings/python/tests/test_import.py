"""What importing costs, and what the package offers."""

import subprocess
import sys

import libprune


def test_import_is_quick_and_brings_no_heavy_packages():
    code = (
        "import time; t = time.process_time(); import libprune; t = time.process_time() - t;"
        "import sys; print(t, *[m for m in ('matplotlib', 'pandas', 'torch', 'tqdm', 'IPython')"
        " if m in sys.modules])"
    )
    best = []
    for _ in range(3):
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        assert out.returncode == 0, out.stderr
        seconds, *heavy = out.stdout.split()
        assert heavy == []
        best.append(float(seconds))
    # Processor time, so that a busy machine does not fail the test; it is the wall time of a
    # quiet one.
    assert min(best) < 0.3


def test_everything_promised_is_there():
    for name in libprune.__all__:
        if name not in ("plot", "torch"):
            assert getattr(libprune, name) is not None
    assert libprune.__version__.count(".") == 2


def test_every_public_function_says_what_it_takes_and_raises():
    functions = [
        libprune.load,
        libprune.trim,
        libprune.tune,
        libprune.quantize,
        libprune.compress,
        libprune.evaluate,
        libprune.metrics,
        libprune.bench,
        libprune.plan,
        libprune.datasets.kitti,
        libprune.datasets.synth,
        libprune.datasets.pairs,
        libprune.Session.__call__,
        libprune.Model.save,
        libprune.Model.load_state_dict,
    ]
    for function in functions:
        text = function.__doc__
        assert "Parameters\n" in text, function
        assert "Raises\n" in text, function


def test_docstrings_list_the_options_of_the_c_library():
    for option in libprune.options("tune"):
        assert f"{option.keyword} :" in libprune.tune.__doc__
        assert option.help in libprune.tune.__doc__
    rates = [o for o in libprune.options("tune") if o.name == "learning-rate"]
    assert rates[0].type == "float"
    assert rates[0].maximum > rates[0].minimum
