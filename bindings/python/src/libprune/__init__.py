"""Makes monocular depth networks small and fast without losing their accuracy, and shows it.

>>> import libprune
>>> model = libprune.load("bundled")
>>> scenes = libprune.datasets.synth(frames=16, seed=1)
>>> result = libprune.compress(model, scenes, output="small", macs=0.6)
>>> depth = result.model(scenes[0].image)

See ``docs/python.md``. Nothing here computes: every function calls the C library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import datasets
from ._core import ffi as _ffi
from ._core import lib as _lib
from ._options import Option, options
from .context import Context, default_context
from .errors import (
    ArgumentError,
    BusyError,
    CancelledError,
    ClosedError,
    FileError,
    FormatError,
    InternalError,
    LibpruneError,
    ModelFormatError,
    OptionError,
    OutOfMemoryError,
    ShapeError,
    UnsupportedError,
)
from .evaluation import Comparison, Evaluation, compare, evaluate, metrics, protocols, report
from .measure import Timing, bench, peak_memory
from .model import Cost, Layer, Layers, Model, load, new, verify
from .samples import Sample, Samples
from .session import Profile, Session
from .stages import (
    CompressResult,
    Plan,
    QuantizeResult,
    Sensitivity,
    StageResult,
    TrimResult,
    TuneResult,
    compress,
    plan,
    quantize,
    run,
    sensitivity,
    trim,
    tune,
)

if TYPE_CHECKING:
    from . import plot, torch

__version__: str = _ffi.string(_lib.prune_version()).decode()

__all__ = [
    "ArgumentError",
    "BusyError",
    "CancelledError",
    "ClosedError",
    "Comparison",
    "CompressResult",
    "Context",
    "Cost",
    "Evaluation",
    "FileError",
    "FormatError",
    "InternalError",
    "Layer",
    "Layers",
    "LibpruneError",
    "Model",
    "ModelFormatError",
    "Option",
    "OptionError",
    "OutOfMemoryError",
    "Plan",
    "Profile",
    "QuantizeResult",
    "Sample",
    "Samples",
    "Sensitivity",
    "Session",
    "ShapeError",
    "StageResult",
    "Timing",
    "TrimResult",
    "TuneResult",
    "UnsupportedError",
    "bench",
    "compare",
    "compress",
    "datasets",
    "default_context",
    "evaluate",
    "load",
    "metrics",
    "new",
    "options",
    "peak_memory",
    "plan",
    "plot",
    "protocols",
    "quantize",
    "report",
    "run",
    "sensitivity",
    "torch",
    "trim",
    "tune",
    "verify",
]


def __getattr__(name: str) -> Any:
    """``libprune.plot`` and ``libprune.torch`` need packages that not everybody has."""
    if name in ("plot", "torch"):
        import importlib

        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module 'libprune' has no attribute '{name}'")
