"""The stages: cut, tune, quantize, and the whole loop. Each leaves the model it is given as it is
and returns a result with the new one."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Union

from . import _display, errors
from ._core import Handle, Owner, check, encode, ffi, lib, parse_json, pinned, take_text
from ._options import Filled, documented
from .context import Context, logger
from .evaluation import PythonMetric
from .model import Model
from .results import (
    CompressResult,
    QuantizeResult,
    Sensitivity,
    StageResult,
    TrimResult,
    TuneResult,
)
from .samples import SamplesLike, as_samples

__all__ = [
    "CompressResult",
    "Plan",
    "QuantizeResult",
    "Sensitivity",
    "StageResult",
    "TrimResult",
    "TuneResult",
    "compress",
    "plan",
    "quantize",
    "run",
    "sensitivity",
    "trim",
    "tune",
]

Metric = Union[str, Callable[[Any, Any], float]]


# --- who decides ---------------------------------------------------------------------------------


class _Judge(Owner):
    """Labelled pairs with a metric, or the original network itself."""

    def __init__(
        self,
        context: Context,
        pointers: tuple[Any, Any, Any],
        parents: list[Handle],
        protocol: str,
        metric: str,
        align: str,
    ) -> None:
        out = ffi.new("prune_judge **")
        context_pointer = context._handle.pointer
        names = [ffi.new("char[]", encode(x)) for x in (protocol, metric, align)]
        check(lib.prune_judge_create(out, context_pointer, *pointers, *names))
        self._handle = Handle(out[0], lib.prune_judge_free, parents, keep=names)


@contextlib.contextmanager
def _judging(
    context: Context,
    validation: Any,
    metric: Metric,
    protocol: str,
    align: str,
    higher_is_better: bool,
) -> Iterator[tuple[Any, Any]]:
    """(samples, metric) as the options of tuning and quantizing take them; NULLs without pairs."""
    if validation is None:
        if callable(metric):
            raise errors.ArgumentError("a metric of your own needs validation pairs to judge on")
        yield ffi.NULL, ffi.NULL
        return
    with pinned(validation) as (pointer,):
        if callable(metric):
            mine = PythonMetric(metric, higher_is_better)
            yield pointer, mine.struct
            return
        out = ffi.new("prune_metric **")
        check(
            lib.prune_protocol_metric(
                out, context._handle.pointer, encode(protocol), encode(metric), encode(align)
            )
        )
        try:
            yield pointer, out[0]
        finally:
            lib.prune_metric_free(out[0])


_JUDGE = """validation : Samples, folder or sequence of (image, depth), optional
        Labelled pairs that decide. Without them the original network's own output on pictures that
        are held back decides.
    protocol, metric, align : str
        Of the deciding metric, as for :func:`evaluate`."""


@documented("cut", skip=["keep", "cost"])
def plan(
    model: Model,
    images: SamplesLike,
    *,
    keep: float = 0.9,
    cost: str = "macs",
    progress: Any = None,
    **options: Any,
) -> Plan:
    """Decides what to cut, without cutting: one round of :func:`trim`.

    Parameters
    ----------
    model : Model
    images : Samples, folder or sequence of images
        To measure on; no labels needed.
    keep : float
        Fraction of the present cost that stays, 0 to 1.
    cost : str
        ``"macs"``, ``"params"`` or ``"bytes"``.
    progress : bool or function (stage, done, total), optional

    Returns
    -------
    Plan

    Raises
    ------
    OptionError, ArgumentError, CancelledError
    """
    samples = as_samples(images, model.context)
    filled = Filled(["cut"], {**options, "keep": keep, "cost": cost}, "plan")
    target = model.clone()
    out = ffi.new("prune_plan **")
    with model.context._working(target, samples, progress=progress) as work:
        check(lib.prune_plan_create(out, *work.pointers, filled["cut"]))
        handle = Handle(out[0], lib.prune_plan_free, [target._handle])
    return Plan(handle, target, model)


class Plan(Owner):
    """What to cut, and the refitted weights that make up for it. ``apply()`` carries it out."""

    def __init__(self, handle: Handle, target: Model, original: Model) -> None:
        self._handle = handle
        self._target, self._original = target, original
        out = ffi.new("char **")
        with pinned(self) as (pointer,):
            check(lib.prune_plan_json(pointer, out))
        self._json: dict[str, Any] = parse_json(out[0])

    def to_dict(self) -> dict[str, Any]:
        """Cost before and after, error at the output, and per space the units that stay."""
        return dict(self._json)

    def _rows(self) -> list[dict[str, Any]]:
        spaces = self._json.get("spaces", [])
        return [{k: v for k, v in s.items() if not isinstance(v, (list, dict))} for s in spaces]

    def to_dataframe(self) -> Any:
        """One row per channel space."""
        import pandas as pd

        return pd.DataFrame(self._rows())

    def apply(self) -> TrimResult:
        """Carries the plan out on a copy of the model that it was made for."""
        model = self._target
        with model.context._exclusive(), pinned(self, model) as (plan_pointer, pointer):
            copy = model.clone()
            check(lib.prune_model_cut(pointer, plan_pointer))
        self._target = copy
        self.close()
        return TrimResult(model, self._original, {"rounds": [], "stopped_by": "plan"})

    def plot(self, **keywords: Any) -> Any:
        """What stays of every channel space; returns the matplotlib figure."""
        from . import plot

        return plot.plan(self, **keywords)

    def __repr__(self) -> str:
        return f"<libprune.Plan: {len(self._json.get('spaces', []))} spaces>"

    def _repr_html_(self) -> str:
        rows = self._rows()
        header = list(rows[0]) if rows else []
        return _display.table(header, [list(r.values()) for r in rows], "plan")


@documented("trim", "cut", "tune", skip=["keep", "cost"])
def trim(
    model: Model,
    images: SamplesLike,
    validation: SamplesLike | None = None,
    *,
    original: Model | None = None,
    protocol: str = "eigen",
    metric: str = "abs_rel",
    align: str = "default",
    progress: Any = None,
    **options: Any,
) -> TrimResult:
    """Cuts heads, neurons and channels in rounds, refits what reads them, tunes, and judges.

    Parameters
    ----------
    model : Model
        Left as it is.
    images : Samples, folder or sequence of images
        To measure and tune on; no labels needed.
    validation : Samples, folder or sequence of (image, depth), optional
        Labelled pairs that decide. Without them, where there is a floor (``max_drop``), the
        original network's own output on pictures that are held back decides.
    original : Model, optional
        The network whose output is to be kept; default: ``model``.
    protocol, metric, align : str
        Of the deciding metric, as for :func:`evaluate`.
    progress : bool or function (stage, done, total), optional

    Returns
    -------
    TrimResult
        After Ctrl-C with the last round that was finished, and ``cancelled``.

    Raises
    ------
    OptionError, ArgumentError
        For unknown options, and without any target.
    CancelledError
        If it was stopped before the first round was finished.
    """
    context = model.context
    samples = as_samples(images, context)
    filled = Filled(["trim", "cut", "tune"], options, "trim")
    target, reference = model.clone(), (original or model).clone(context)
    wants_judge = validation is not None or filled["trim"].max_drop != ffi.NULL
    pairs = as_samples(validation, context) if validation is not None else None
    owners = [target, reference, samples] + ([pairs] if pairs is not None else [])
    out = ffi.new("char **")
    with context._working(*owners, progress=progress, partial=True) as work:
        pointer, reference_pointer, images_pointer = work.pointers[:3]
        judge_pointer = ffi.NULL
        judge = None
        if wants_judge:
            validation_pointer = work.pointers[3] if pairs is not None else ffi.NULL
            judge = _Judge(
                context,
                (reference_pointer, images_pointer, validation_pointer),
                [o._handle for o in owners[1:]],
                protocol,
                metric,
                align,
            )
            judge_pointer = judge._handle.pointer
            images_pointer = lib.prune_judge_images(judge_pointer)
        status = lib.prune_model_trim(
            context._handle.pointer,
            pointer,
            reference_pointer,
            images_pointer,
            judge_pointer,
            filled["trim"],
            filled["cut"],
            filled["tune"],
            out,
        )
        if judge is not None:
            judge.close()
        if status != lib.PRUNE_E_CANCELLED or target.cost() == model.cost():
            check(status)
    if status == lib.PRUNE_E_CANCELLED:
        logger.warning("trim was stopped: the model is that of the last finished round")
        return TrimResult(target, model, {"rounds": []}, cancelled=True)
    return TrimResult(target, model, parse_json(out[0]), cancelled=work.interrupted)


@documented("tune")
def tune(
    model: Model,
    images: SamplesLike,
    teacher: Model | None = None,
    validation: SamplesLike | None = None,
    *,
    protocol: str = "eigen",
    metric: Metric = "abs_rel",
    align: str = "default",
    higher_is_better: bool = False,
    progress: Any = None,
    **options: Any,
) -> TuneResult:
    """Trains with small steps, on ground truth, on another network's output, or on both.

    Parameters
    ----------
    model : Model
        Left as it is.
    images : Samples, folder or sequence
        To learn from; ground truth is needed without a teacher.
    teacher : Model, optional
        The network whose output is to be kept.
    validation : Samples, folder or sequence of (image, depth), optional
        Labelled pairs that decide whether the result is better; default: pictures held back.
    protocol, metric, align : str
        Of the deciding metric, as for :func:`evaluate`. ``metric`` may also be a function
        ``(prediction, truth) -> float``, whose mean over the pairs decides.
    higher_is_better : bool
        For a metric of one's own.
    progress : bool or function (stage, done, total), optional

    Returns
    -------
    TuneResult
        Its model is better than the one given, or the same. After Ctrl-C the best so far, and
        ``cancelled``.

    Raises
    ------
    OptionError, ArgumentError
    """
    context = model.context
    samples = as_samples(images, context)
    pairs = as_samples(validation, context) if validation is not None else None
    filled = Filled(["tune"], options, "tune")
    target = model.clone()
    reference = teacher.clone(context) if teacher is not None else None
    report = ffi.new("prune_tune_report *")
    report.struct_size = ffi.sizeof("prune_tune_report")
    owners: list[Owner] = [target, samples] + ([reference] if reference is not None else [])
    with (
        context._working(*owners, progress=progress, partial=True) as work,
        _judging(context, pairs, metric, protocol, align, higher_is_better) as (judge, scorer),
    ):
        filled["tune"].judge, filled["tune"].metric = judge, scorer
        filled["tune"].report = report
        teacher_pointer = work.pointers[2] if reference is not None else ffi.NULL
        check(
            lib.prune_model_tune(
                work.pointers[0], teacher_pointer, work.pointers[1], filled["tune"]
            )
        )
        facts = {
            "steps": int(report.steps),
            "seconds": float(report.seconds),
            "loss_first": float(report.loss_first),
            "loss_last": float(report.loss_last),
            "judged_by": _text(report.judged_by),
            "score_before": float(report.score_before),
            "score_after": float(report.score_after),
            "improved": bool(report.improved),
        }
    cancelled = work.interrupted or (bool(report.cancelled) and bool(context._state.cancel))
    if cancelled:
        logger.warning("tune was stopped: the model is the best so far")
    return TuneResult(target, model, facts, cancelled)


def _text(pointer: Any) -> str:
    return "" if pointer == ffi.NULL else str(ffi.string(pointer).decode())


@documented("quant")
def quantize(
    model: Model,
    images: SamplesLike | None = None,
    validation: SamplesLike | None = None,
    *,
    protocol: str = "eigen",
    metric: Metric = "abs_rel",
    align: str = "default",
    higher_is_better: bool = False,
    progress: Any = None,
    **options: Any,
) -> QuantizeResult:
    """Computes in INT8, with floats where a scan shows that it is needed; or in BF16.

    Parameters
    ----------
    model : Model
        Left as it is. Its weights stay floats in the result too, so that it can be tuned; saving
        bakes the integers.
    images : Samples, folder or sequence of images, optional
        To calibrate on; no labels needed. ``precision="bf16"`` does without.
    validation : Samples, folder or sequence of (image, depth), optional
        Labelled pairs that decide which layers stay floats; default: the original's own output.
    protocol, metric, align : str
        Of the deciding metric, as for :func:`evaluate`. ``metric`` may also be a function
        ``(prediction, truth) -> float``.
    higher_is_better : bool
        For a metric of one's own.
    progress : bool or function (stage, done, total), optional

    Returns
    -------
    QuantizeResult

    Raises
    ------
    OptionError, ArgumentError
    CancelledError
        If it was stopped: there is no half-quantized model.
    """
    context = model.context
    given = [as_samples(images, context)] if images is not None else []
    pairs = as_samples(validation, context) if validation is not None else None
    filled = Filled(["quant"], options, "quantize")
    target = model.clone()
    out = ffi.new("char **")
    with (
        context._working(target, *given, progress=progress) as work,
        _judging(context, pairs, metric, protocol, align, higher_is_better) as (judge, scorer),
    ):
        filled["quant"].judge, filled["quant"].metric = judge, scorer
        pointers = [*work.pointers, ffi.NULL][:2]
        check(lib.prune_model_quantize(*pointers, filled["quant"]))
        check(lib.prune_quant_report(work.pointers[0], out))
    return QuantizeResult(target, model, parse_json(out[0]))


@documented("quant", skip=["scan"])
def sensitivity(
    model: Model,
    images: SamplesLike,
    validation: SamplesLike | None = None,
    **options: Any,
) -> Sensitivity:
    """Which layers hurt in INT8: quantizes every layer alone and measures.

    Parameters
    ----------
    model : Model
        Left as it is.
    images, validation
        As for :func:`quantize`.

    Returns
    -------
    Sensitivity

    Raises
    ------
    OptionError, ArgumentError, CancelledError
    """
    return quantize(model, images, validation, scan=True, **options).sensitivity


@documented("compress", "trim", "cut", "tune", "quant", "save", skip=["keep", "cost", "output"])
def compress(
    model: Model,
    images: SamplesLike | None = None,
    validation: SamplesLike | None = None,
    test: SamplesLike | None = None,
    *,
    data: SamplesLike | None = None,
    output: str | os.PathLike[str],
    resume: bool = False,
    progress: Any = None,
    **options: Any,
) -> CompressResult:
    """The whole loop: trim, tune, quantize, pack, and the difference it makes.

    Parameters
    ----------
    model : Model
        Left as it is.
    images : Samples, folder or sequence of images
        To tune and calibrate on; no labels needed.
    validation : Samples, folder or sequence of (image, depth), optional
        Labelled pairs that decide; default: the original network's own output.
    test : Samples, folder or sequence of (image, depth), optional
        Labelled pairs that are only reported.
    data : Samples, folder or sequence of (image, depth), optional
        One labelled set instead of these three, split by drive (or frame): 60 % to tune on, 20 %
        decide, 20 % are reported.
    output : path
        Folder for model, report and pictures. It is a run directory: what is finished is in it,
        whole, and stays there after Ctrl-C, a full disk or a kill.
    resume : bool
        Go on with the run that is in the folder; it ends with the same files as one that nothing
        interrupted.
    progress : bool or function (stage, done, total), optional

    Returns
    -------
    CompressResult

    Raises
    ------
    OptionError, ArgumentError, FileError
    CancelledError
        If it was stopped: the same call with ``resume=True`` goes on.
    """
    context = model.context
    if data is not None:
        if images is not None or validation is not None or test is not None:
            raise errors.ArgumentError("data replaces images, validation and test")
        seed = int(options.get("seed") or 0)
        rest, held = as_samples(data, context).split(0.2, seed)
        kept, decides = rest.split(0.25, seed + 1)
        images, validation, test = kept, decides, held
    if images is None:
        raise errors.ArgumentError("images are needed: pictures to tune and calibrate on, or data")
    filled = Filled(["compress", "trim", "cut", "tune", "quant", "save"], options, "compress")
    folder = Path(output)
    roles = [("images", images), ("validation", validation), ("test", test)]
    given = [(role, as_samples(s, context)) for role, s in roles if s is not None]
    target = model.clone()
    main = filled["compress"]
    text = ffi.new("char **")
    owners: list[Owner] = [target, *(s for _, s in given)]
    with context._working(*owners, progress=progress) as work:
        for (role, _), pointer in zip(given, work.pointers[1:]):
            setattr(main, role, pointer)
        main.resume = resume
        main.output = filled.keep(folder)
        main.command = filled.keep(_command(options, output))
        for stage in ("trim", "cut", "tune", "quant", "save"):
            setattr(main, f"{stage}_options", filled[stage])
        check(lib.prune_compress(context._handle.pointer, work.pointers[0], main, text))
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return CompressResult(target, model, report, take_text(text[0]), folder)


def _command(options: dict[str, Any], output: Any) -> str:
    words = "".join(f", {k}={v!r}" for k, v in options.items())
    return f"libprune.compress(model, images, output={os.fspath(output)!r}{words})"


def run(
    recipe: str | os.PathLike[str],
    model: Model | None = None,
    images: SamplesLike | None = None,
    validation: SamplesLike | None = None,
    test: SamplesLike | None = None,
    *,
    output: str | os.PathLike[str],
    resume: bool = False,
    context: Context | None = None,
    progress: Any = None,
) -> CompressResult:
    """Runs a recipe: the whole loop as a YAML file says it (``docs/recipes.md``).

    Parameters
    ----------
    recipe : path, or the text of one
        A text has line breaks.
    model : Model, optional
        Default: the one that the recipe names.
    images, validation, test : Samples, folders or sequences, optional
        Instead of the recipe's paths; with ``images`` all three are the caller's.
    output : path
        The run directory.
    resume : bool
        Go on with the run that is in the folder.
    context : Context, optional
    progress : bool or function (stage, done, total), optional

    Returns
    -------
    CompressResult

    Raises
    ------
    FormatError
        Naming file, line and key, with the nearest word that exists.
    FileError, ArgumentError, CancelledError
    """
    from .context import default_context
    from .model import load

    chosen = model.context if model is not None else (context or default_context())
    text = os.fspath(recipe)
    out, table = ffi.new("prune_recipe **"), ffi.new("char **")
    with pinned(chosen) as (pointer,):
        if "\n" in text:
            data = text.encode()
            check(lib.prune_recipe_parse(out, pointer, b"recipe", data, len(data)))
        else:
            check(lib.prune_recipe_load(out, pointer, encode(text)))
        handle = Handle(out[0], lib.prune_recipe_free, [chosen._handle])
    check(lib.prune_recipe_set(handle.pointer, b"output", encode(output)))
    original = model or load(str(_text(lib.prune_recipe_model(handle.pointer))), context=chosen)
    inputs = ffi.new("prune_run_inputs *")
    inputs.struct_size = ffi.sizeof("prune_run_inputs")
    options = ffi.new("prune_run_options *")
    lib.prune_run_options_init(options)
    options.resume = resume
    roles = [("images", images), ("validation", validation), ("test", test)]
    given = [(role, as_samples(s, chosen)) for role, s in roles if s is not None]
    target = original.clone(chosen)
    owners: list[Owner] = [target, *(s for _, s in given)]
    with chosen._working(*owners, progress=progress) as work:
        inputs.model = work.pointers[0]
        for (role, _), samples_pointer in zip(given, work.pointers[1:]):
            setattr(inputs, role, samples_pointer)
        check(lib.prune_recipe_run(chosen._handle.pointer, handle.pointer, inputs, options, table))
    folder = Path(output)
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return CompressResult(target, original, report, take_text(table[0]), folder)
