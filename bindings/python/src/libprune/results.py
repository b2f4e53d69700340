"""What the stages return: the new model, what happened, and how a notebook shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import _display
from .model import Model

__all__ = [
    "CompressResult",
    "QuantizeResult",
    "Sensitivity",
    "StageResult",
    "TrimResult",
    "TuneResult",
]


class StageResult:
    """What a stage did.

    Attributes
    ----------
    model : Model
        The new one.
    original : Model
        The one that the stage was given.
    report : dict
        What the C library reports.
    cancelled : bool
        Stopped by Ctrl-C or :meth:`Context.cancel`: ``model`` is the best so far.
    """

    _title = "stage"

    def __init__(
        self, model: Model, original: Model, report: dict[str, Any], cancelled: bool = False
    ) -> None:
        self.model, self.original = model, original
        self.report = report
        self.cancelled = cancelled

    def to_dict(self) -> dict[str, Any]:
        """The report, and the costs before and after."""
        return {
            "report": self.report,
            "cancelled": self.cancelled,
            "before": self.original.cost().to_dict(),
            "after": self.model.cost().to_dict(),
        }

    def _rows(self) -> list[dict[str, Any]]:
        return [self.report]

    def to_dataframe(self) -> Any:
        """The report as a table."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def plot(self, **keywords: Any) -> Any:
        """The report as a picture; returns the matplotlib figure."""
        from . import plot

        return plot.costs(self.original.cost(), self.model.cost(), **keywords)

    def _facts(self) -> list[list[str]]:
        return []

    def __repr__(self) -> str:
        stopped = ", cancelled" if self.cancelled else ""
        return f"<libprune.{type(self).__name__}{stopped}: {self.model!r}>"

    def _repr_html_(self) -> str:
        a, b = self.original.cost(), self.model.cost()
        rows = [
            ["M parameters", f"{a.parameters / 1e6:.3f}", f"{b.parameters / 1e6:.3f}"],
            ["GMACs", f"{a.macs / 1e9:.3f}", f"{b.macs / 1e9:.3f}"],
            ["MB of parameters", f"{a.bytes / 1e6:.2f}", f"{b.bytes / 1e6:.2f}"],
            ["layers in INT8", f"{a.int8_layers}", f"{b.int8_layers}"],
            *self._facts(),
        ]
        title = self._title + (", stopped early: the best so far" if self.cancelled else "")
        return _display.table(["", "before", "after"], rows, title)


class TrimResult(StageResult):
    """Of :func:`trim`. ``report["rounds"]`` has one entry per round."""

    _title = "trim"

    def _rows(self) -> list[dict[str, Any]]:
        return [{k: v for k, v in r.items() if k != "plan"} for r in self.report.get("rounds", [])]

    def _facts(self) -> list[list[str]]:
        return [["stopped by", "", str(self.report.get("stopped_by", "cancelled"))]]

    def plot(self, **keywords: Any) -> Any:
        """What stays of every channel space; returns the matplotlib figure."""
        from . import plot

        return plot.widths(self.original, self.model, **keywords)


class TuneResult(StageResult):
    """Of :func:`tune`. ``report`` has steps, losses and the judge's scores."""

    _title = "tune"

    def _facts(self) -> list[list[str]]:
        r = self.report
        return [
            [str(r["judged_by"]), f"{r['score_before']:.4f}", f"{r['score_after']:.4f}"],
            ["loss", f"{r['loss_first']:.4f}", f"{r['loss_last']:.4f}"],
            [f"{r['steps']} steps", "", "improved" if r["improved"] else "not better: kept as was"],
        ]


class Sensitivity:
    """How much every layer alone hurts in INT8, worst first.

    Attributes
    ----------
    layers : list of dict
        ``layer``, ``macs``, ``error`` (of the output), ``precision`` that the assignment chose.
    report : dict
        The whole record.
    """

    def __init__(self, report: dict[str, Any]) -> None:
        self.report = report

    @property
    def layers(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.report.get("ranking", [])
        return rows

    def to_dict(self) -> dict[str, Any]:
        return dict(self.report)

    def to_dataframe(self) -> Any:
        """One row per layer, worst first."""
        import pandas as pd

        return pd.DataFrame(self.layers)

    def plot(self, count: int = 20, **keywords: Any) -> Any:
        """The worst layers as bars, coloured by precision; returns the matplotlib figure."""
        from . import plot

        return plot.sensitivity(self, count, **keywords)

    def __repr__(self) -> str:
        worst = self.layers[0]["layer"] if self.layers else "nothing"
        return f"<libprune.Sensitivity: {len(self.layers)} layers, worst {worst}>"

    def _repr_html_(self) -> str:
        rows = []
        for x in self.layers[:20]:
            error = "-" if x["error"] is None else f"{x['error']:.5f}"
            rows.append([x["layer"], f"{x['macs'] / 1e6:.2f}", error, x["precision"]])
        header = ["layer", "M MACs", "error alone", "computes in"]
        return _display.table(header, rows, repr(self)[1:-1])


class QuantizeResult(StageResult):
    """Of :func:`quantize`. ``sensitivity`` ranks the layers."""

    _title = "quantize"

    @property
    def sensitivity(self) -> Sensitivity:
        return Sensitivity(self.report)

    def _rows(self) -> list[dict[str, Any]]:
        return self.sensitivity.layers

    def plot(self, count: int = 20, **keywords: Any) -> Any:
        """The most sensitive layers; returns the matplotlib figure."""
        return self.sensitivity.plot(count, **keywords)


class CompressResult(StageResult):
    """Of :func:`compress`.

    Attributes
    ----------
    table : str
        Before and after, stage by stage, for a terminal.
    path : Path
        The packed model.
    folder : Path
        With ``report.html``, ``report.json``, ``report.csv`` and pictures.
    """

    _title = "compress"

    def __init__(
        self,
        model: Model,
        original: Model,
        report: dict[str, Any],
        table: str,
        folder: Path,
    ) -> None:
        super().__init__(model, original, report)
        self.table = table
        self.folder = folder
        self.path = folder / "model.safetensors.zst"

    def _rows(self) -> list[dict[str, Any]]:
        stages = self.report.get("stages", [])
        return [{k: v for k, v in s.items() if not isinstance(v, (dict, list))} for s in stages]

    def __str__(self) -> str:
        return self.table

    def plot(self, **keywords: Any) -> Any:
        """Size, work and latency of every stage; returns the matplotlib figure."""
        from . import plot

        return plot.stages(self, **keywords)

    def _repr_html_(self) -> str:
        import html

        return (
            f"<pre>{html.escape(self.table)}</pre>"
            f"<p>Report with pictures: <code>{html.escape(str(self.folder / 'report.html'))}</code>"
            f"</p>"
        )
