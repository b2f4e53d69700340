"""Latency and memory on this machine."""

from __future__ import annotations

from typing import Any

from . import _display
from ._core import check, ffi, lib, parse_json, pinned
from ._options import Filled, documented
from .model import Model

__all__ = ["Timing", "bench", "peak_memory"]


class Timing:
    """Latency of models that took turns.

    Attributes
    ----------
    models : list of dict
        Per model: ``minimum``, ``median`` with interval, ``p95``, ``mean`` (milliseconds per
        picture), ``throughput`` (pictures per second), ``session_bytes``, threads, instruction
        set, input size.
    ratios : list of dict
        Per model after the first: how many times as long it takes as the first, paired turn by
        turn, with interval (``low``, ``high``).
    """

    def __init__(
        self, names: list[str], models: list[dict[str, Any]], ratios: list[dict[str, Any]]
    ) -> None:
        self.names, self.models, self.ratios = names, models, ratios

    def to_dict(self) -> dict[str, Any]:
        return {"names": self.names, "models": self.models, "ratios": self.ratios}

    def to_dataframe(self) -> Any:
        """One row per model."""
        import pandas as pd

        flat = [
            {k: v for k, v in m.items() if not isinstance(v, (dict, list))} for m in self.models
        ]
        return pd.DataFrame(flat, index=self.names)

    def plot(self, **keywords: Any) -> Any:
        """Median latency as bars, with intervals; returns the matplotlib figure."""
        from . import plot

        return plot.timing(self, **keywords)

    def __repr__(self) -> str:
        parts = [f"{n} {m['median']:.2f} ms" for n, m in zip(self.names, self.models)]
        return f"<libprune.Timing: {', '.join(parts)}>"

    def _repr_html_(self) -> str:
        rows = []
        for i, (name, m) in enumerate(zip(self.names, self.models)):
            speed = ""
            if i:
                r = self.ratios[i - 1]
                speed = f"{1 / r['ratio']:.2f}x [{1 / r['high']:.2f}, {1 / r['low']:.2f}]"
            rows.append(
                [
                    name,
                    f"{m['minimum']:.2f}",
                    f"{m['median']:.2f}",
                    f"{m['p95']:.2f}",
                    f"{m['throughput']:.1f}",
                    f"{m['session_bytes'] / 1e6:.1f}",
                    speed,
                ]
            )
        header = ["model", "min ms", "median ms", "p95 ms", "pictures/s", "MB", "faster than first"]
        first = self.models[0]
        title = f"{first['threads']} threads, {first['isa']}, one picture at a time"
        return _display.table(header, rows, title)


@documented("timing")
def bench(
    *models: Model,
    names: list[str] | None = None,
    progress: Any = None,
    height: int = 0,
    width: int = 0,
    **options: Any,
) -> Timing:
    """Measures the latency of one or several models, which take turns.

    Parameters
    ----------
    *models : Model
    names : list of str, optional
    height, width : int
        Network input; 0: each model's own.
    progress : bool or function (stage, done, total), optional

    Returns
    -------
    Timing

    Raises
    ------
    OptionError, CancelledError
    """
    if not models:
        raise TypeError("bench() needs a model")
    context = models[0].context
    filled = Filled(["timing"], options, "bench")
    filled["timing"].height, filled["timing"].width = height, width
    count = len(models)
    copies = [model.clone(context) for model in models]
    out, text = ffi.new("prune_timing **"), ffi.new("char **")
    ratio = ffi.new("prune_ratio *")
    ratio.struct_size = ffi.sizeof("prune_ratio")
    with context._working(*copies, progress=progress) as work, pinned(context) as (pointer,):
        array = ffi.new("prune_model *[]", list(work.pointers))
        check(lib.prune_timing_run(out, pointer, array, count, filled["timing"]))
        try:
            rows, ratios = [], []
            for i in range(count):
                check(lib.prune_timing_json(out[0], i, text))
                rows.append(parse_json(text[0]))
                if i:
                    check(lib.prune_timing_ratio(out[0], i, 0, ratio))
                    ratios.append(
                        {
                            "ratio": float(ratio.ratio),
                            "low": float(ratio.low),
                            "high": float(ratio.high),
                            "turns": int(ratio.turns),
                        }
                    )
        finally:
            lib.prune_timing_free(out[0])
    labels = names or [f"model {i + 1}" for i in range(count)]
    return Timing(labels, rows, ratios)


def peak_memory() -> int:
    """Largest resident memory of this process so far, bytes."""
    return int(lib.prune_peak_memory())
