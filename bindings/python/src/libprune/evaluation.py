"""Accuracy: protocols, metrics with intervals, before against after."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

import numpy as np
from numpy.typing import NDArray

from . import _display, errors
from ._core import Handle, Owner, check, encode, ffi, lib, parse_json, pinned, remember, text_of
from ._options import Filled, documented
from .context import Context, in_callback
from .model import Model
from .samples import Samples, SamplesLike, _fail, as_samples
from .session import Session

__all__ = ["Comparison", "Evaluation", "compare", "evaluate", "metrics", "protocols", "report"]

KINDS = {"relative": 0, "disparity": 1, "metric": 2}


def protocols() -> dict[str, dict[str, Any]]:
    """All protocols: help, mask, crop, cap and the names of their metrics."""
    found = {}
    info = ffi.new("prune_protocol_info *")
    for i in range(lib.prune_protocols()):
        info.struct_size = ffi.sizeof("prune_protocol_info")
        check(lib.prune_protocol_describe(i, info))
        found[str(text_of(info.name))] = {
            "help": text_of(info.help),
            "mask": text_of(info.mask),
            "crop": text_of(info.crop),
            "cap": text_of(info.cap),
            "metrics": [
                str(text_of(lib.prune_protocol_metric_name(i, m))) for m in range(info.metrics)
            ],
        }
    return found


def _align(name: str) -> int:
    out = ffi.new("prune_align *")
    check(lib.prune_align_parse(out, ffi.new("char[]", encode(name))))
    return int(out[0])


class Evaluation(Owner):
    """Accuracy of one model on one data set.

    Attributes
    ----------
    mean : dict
        Metric to its mean over frames.
    ci95 : dict
        Metric to (low, high): 95 % interval, from resampling blocks of consecutive frames.
    images : list of dict
        Every frame's ``name`` and metrics.
    protocol, align : str
        How it was measured.
    """

    def __init__(self, handle: Handle, context: Context) -> None:
        self._handle = handle
        self._context = context
        out = ffi.new("char **")
        with pinned(self) as (pointer,):
            check(lib.prune_evaluation_json(pointer, out))
        self._json: dict[str, Any] = parse_json(out[0])

    @property
    def mean(self) -> dict[str, float]:
        means: dict[str, float] = self._json["mean"]
        return means

    @property
    def ci95(self) -> dict[str, tuple[float, float]]:
        return {name: tuple(v) if v else v for name, v in self._json["ci95"].items()}

    @property
    def images(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._json["images"]
        return rows

    @property
    def protocol(self) -> str:
        return str(self._json["protocol"])

    @property
    def align(self) -> str:
        return str(self._json["align"])

    def __getitem__(self, metric: str) -> float:
        return self.mean[metric]

    def __len__(self) -> int:
        return int(self._json["frames"])

    def to_dict(self) -> dict[str, Any]:
        """What ``prune eval --json`` writes."""
        return dict(self._json)

    def to_dataframe(self) -> Any:
        """One row per frame."""
        import pandas as pd

        return pd.DataFrame(self.images).set_index("name")

    def plot(self, metric: str = "abs_rel", **keywords: Any) -> Any:
        """A metric over the frames; returns the matplotlib figure."""
        from . import plot

        return plot.evaluation(self, metric, **keywords)

    def _head(self) -> str:
        j = self._json
        few = " (few frames)" if j.get("few_frames") else ""
        return (
            f"{j['protocol']}, align {j['align']}, mask {j['mask']}, crop {j['crop']}, "
            f"cap {j['cap']}: {j['frames']} frames{few}"
        )

    def __repr__(self) -> str:
        means = ", ".join(f"{k} {v:.4f}" for k, v in list(self.mean.items())[:3] if v is not None)
        return f"<libprune.Evaluation {self.protocol}, {len(self)} frames: {means}>"

    def _repr_html_(self) -> str:
        rows = []
        for name, value in self.mean.items():
            interval = self.ci95.get(name)
            between = f"{interval[0]:.4f} to {interval[1]:.4f}" if interval else ""
            rows.append([name, "-" if value is None else f"{value:.4f}", between])
        return _display.table(["metric", "mean", "95 % interval"], rows, self._head())


class _Predictor:
    """A Python function as the C library's predictor."""

    def __init__(self, function: Callable[[Any], Any], kind: str, scale: float, offset: float):
        self.function = function
        self.kind = kind
        self.scale, self.offset = scale, offset


@ffi.def_extern(name="prunepy_predict", error=8)  # type: ignore[untyped-decorator]
def _predict(user: Any, sample: Any, values: Any, prediction: Any) -> int:
    with in_callback():
        try:
            me: _Predictor = ffi.from_handle(user)
            shape = (sample.height, sample.width)
            pixels = np.frombuffer(ffi.buffer(sample.rgb, 3 * shape[0] * shape[1]), np.uint8)
            result = np.asarray(me.function(pixels.reshape(*shape, 3).copy()), np.float32)
            if result.shape != shape:
                raise errors.ShapeError(
                    f"{text_of(sample.name)}: the prediction is {result.shape}, the picture {shape}"
                )
            target = np.frombuffer(ffi.buffer(values, 4 * shape[0] * shape[1]), np.float32)
            target.reshape(shape)[...] = result
            prediction.output_kind = KINDS[me.kind]
            prediction.disparity_scale, prediction.disparity_offset = me.scale, me.offset
        except BaseException as error:
            return _fail(error)
        return 0


def _create(context: Context, pointer: Any, protocol: str, align: str, seed: int) -> Handle:
    options = ffi.new("prune_evaluation_options *")
    lib.prune_evaluation_options_init(options)
    name = ffi.new("char[]", encode(protocol))
    options.protocol, options.align, options.seed = name, _align(align), seed
    out = ffi.new("prune_evaluation **")
    check(lib.prune_evaluation_create(out, pointer, options))
    return Handle(out[0], lib.prune_evaluation_free, [context._handle], keep=name)


def _kind(output: str | None, needed: bool) -> str:
    if output is None and not needed:
        return "metric"
    if output not in KINDS:
        raise errors.ArgumentError(
            f"output={output!r}: say what the predictions are: {', '.join(map(repr, KINDS))}"
        )
    return output


def evaluate(
    predictor: Model | Session | Callable[[Any], Any] | str | os.PathLike[str],
    data: SamplesLike,
    *,
    protocol: str = "eigen",
    align: str = "default",
    output: str | None = None,
    seed: int = 0,
    progress: Any = None,
) -> Evaluation:
    """Judges predictions against ground truth.

    Parameters
    ----------
    predictor : Model, Session, function or folder
        A function takes an H x W x 3 uint8 picture and returns H x W numbers. A folder holds
        ``NAME.png`` (16 bit, metres = value / 256), ``NAME.npy`` or ``NAME.f32``.
    data : Samples, folder or sequence of (image, depth)
        Every sample needs ground truth.
    protocol : str
        ``eigen``, ``eigen-benchmark``, ``kitti-devkit``, ``affine``: see :func:`protocols`.
    align : str
        ``none``, ``median``, ``affine``; ``default`` is what suits the model's output.
    output : str, optional
        What a function or a folder of ``.npy`` gives: ``"metric"`` (metres), ``"disparity"`` or
        ``"relative"`` inverse depth.
    seed : int
        Of the intervals' resampling.
    progress : bool or function (stage, done, total), optional
        Default: a tqdm bar in notebooks and terminals, where tqdm is installed.

    Returns
    -------
    Evaluation

    Raises
    ------
    ArgumentError
        For frames without ground truth or with none that is valid, and for alignments that a
        model's output does not allow.
    ShapeError
    """
    samples = as_samples(data)
    if isinstance(predictor, Session):
        context: Context = predictor.context
    else:
        context = predictor.context if isinstance(predictor, Model) else samples.context
    owners = [predictor] if isinstance(predictor, (Model, Session)) else []
    with context._working(samples, context, *owners, progress=progress) as work:
        sample_pointer, context_pointer = work.pointers[:2]
        handle = _create(context, context_pointer, protocol, align, seed)
        evaluation = handle.pointer
        if isinstance(predictor, Model):
            status = lib.prune_evaluation_run_model(
                evaluation, sample_pointer, work.pointers[2], ffi.NULL
            )
        elif isinstance(predictor, Session):
            status = lib.prune_evaluation_run_session(evaluation, sample_pointer, work.pointers[2])
        elif isinstance(predictor, (str, os.PathLike)):
            kind = -1 if output is None else KINDS[_kind(output, True)]
            status = lib.prune_evaluation_run_folder(
                evaluation, sample_pointer, encode(predictor), kind
            )
        elif callable(predictor):
            me = ffi.new_handle(_Predictor(predictor, _kind(output, True), 1.0, 0.0))
            status = lib.prune_evaluation_run(evaluation, sample_pointer, lib.prunepy_predict, me)
        else:
            raise errors.ArgumentError(f"{type(predictor).__name__} predicts no depth")
        check(status)
    return Evaluation(handle, context)


def metrics(
    prediction: Any,
    truth: Any,
    *,
    output: str = "metric",
    protocol: str = "eigen",
    align: str = "default",
    context: Context | None = None,
) -> dict[str, float]:
    """Metrics of one prediction, or the means over several.

    Parameters
    ----------
    prediction : array, H x W or N x H x W
    truth : array of the same shape
        Metres, 0 where unknown.
    output : str
        What the prediction is: ``"metric"`` (metres), ``"disparity"`` or ``"relative"`` (larger is
        nearer).
    protocol, align : str
        As for :func:`evaluate`.

    Returns
    -------
    dict
        Metric to value: ``abs_rel``, ``rmse`` (metres), ``delta1`` ... as the protocol has them.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ArgumentError
        If no pixel of the ground truth is valid under the protocol's mask.
    """
    from .context import default_context

    p = np.ascontiguousarray(prediction, np.float32)
    t = np.ascontiguousarray(truth, np.float32)
    if p.shape != t.shape or p.ndim not in (2, 3):
        raise errors.ShapeError(
            f"prediction {p.shape} and truth {t.shape} must both be H x W, or N x H x W"
        )
    if p.ndim == 2:
        p, t = p[None], t[None]
    kind = KINDS[_kind(output, True)]
    chosen = context or default_context()
    with chosen._exclusive(), pinned(chosen) as (pointer,):
        handle = _create(chosen, pointer, protocol, align, 0)
        for i, (values, depth) in enumerate(zip(p, t)):
            _add(handle.pointer, i, values, depth, kind)
    evaluation = Evaluation(handle, chosen)
    return {k: float("nan") if v is None else float(v) for k, v in evaluation.mean.items()}


def _add(evaluation: Any, index: int, values: Any, depth: Any, kind: int) -> None:
    name, group = ffi.new("char[]", str(index).encode()), ffi.new("char[]", b"")
    sample = ffi.new("prune_sample *")
    sample.name, sample.group = name, group
    sample.height, sample.width = depth.shape
    sample.depth_height, sample.depth_width = depth.shape
    sample.depth = ffi.cast("const float *", depth.ctypes.data)
    given = ffi.new("prune_prediction *")
    given.height, given.width = values.shape
    given.values = ffi.cast("const float *", values.ctypes.data)
    given.output_kind, given.disparity_scale = kind, 1.0
    check(lib.prune_evaluation_add(evaluation, given, sample))


class Comparison:
    """Two models on the same frames.

    Attributes
    ----------
    before, after : Evaluation
    difference : dict
        Metric to (after - before, low, high): paired over the frames, with its 95 % interval.
    models : tuple of Model, or None
    """

    def __init__(
        self,
        before: Evaluation,
        after: Evaluation,
        difference: Mapping[str, tuple[float, float, float]],
        models: tuple[Model, Model] | None,
        samples: Samples,
    ) -> None:
        self.before, self.after = before, after
        self.difference = dict(difference)
        self.models = models
        self.samples = samples

    def to_dict(self) -> dict[str, Any]:
        result: dict[str, Any] = {
            "before": self.before.to_dict(),
            "after": self.after.to_dict(),
            "difference": {k: list(v) for k, v in self.difference.items()},
        }
        if self.models:
            result["cost"] = [m.cost().to_dict() for m in self.models]
        return result

    def to_dataframe(self) -> Any:
        """One row per metric: before, after, difference, low, high."""
        import pandas as pd

        rows = [
            [name, self.before.mean[name], self.after.mean[name], *d]
            for name, d in self.difference.items()
        ]
        columns = ["metric", "before", "after", "difference", "low", "high"]
        return pd.DataFrame(rows, columns=columns).set_index("metric")

    def plot(self, metric: str = "abs_rel", **keywords: Any) -> Any:
        """Frame by frame, before against after; returns the matplotlib figure."""
        from . import plot

        return plot.comparison(self, metric, **keywords)

    def pictures(self, count: int = 3, metric: str = "abs_rel", **keywords: Any) -> Any:
        """Best, median and worst frames: picture, truth, before, after, error maps."""
        from . import plot

        return plot.comparison_pictures(self, count, metric, **keywords)

    def __repr__(self) -> str:
        name = next(iter(self.difference))
        d = self.difference[name]
        return (
            f"<libprune.Comparison: {name} {self.before.mean[name]:.4f} to "
            f"{self.after.mean[name]:.4f} ({d[0]:+.4f} [{d[1]:+.4f}, {d[2]:+.4f}])>"
        )

    def _repr_html_(self) -> str:
        rows = []
        if self.models:
            costs = [m.cost() for m in self.models]
            for label, key, unit in (
                ("M parameters", "parameters", 1e6),
                ("GMACs", "macs", 1e9),
                ("MB of parameters", "bytes", 1e6),
            ):
                a, b = (getattr(c, key) for c in costs)
                rows.append(
                    [label, f"{a / unit:.3f}", f"{b / unit:.3f}", f"{100 * b / a:.1f} %", ""]
                )
        for name, (d, low, high) in self.difference.items():
            a, b = self.before.mean[name], self.after.mean[name]
            rows.append([name, f"{a:.4f}", f"{b:.4f}", f"{d:+.4f}", f"{low:+.4f} to {high:+.4f}"])
        header = ["", "before", "after", "difference", "95 % interval"]
        return _display.table(header, rows, self.before._head())


def compare(
    before: Model | Evaluation,
    after: Model | Evaluation,
    data: SamplesLike,
    *,
    protocol: str = "eigen",
    align: str = "default",
    seed: int = 0,
    progress: Any = None,
) -> Comparison:
    """Before against after on the same frames, with paired intervals.

    Parameters
    ----------
    before, after : Model, or an Evaluation that is there already
    data : Samples, folder or sequence of (image, depth)
    protocol, align, seed, progress
        As for :func:`evaluate`.

    Returns
    -------
    Comparison
    """
    samples = as_samples(data)
    pair = []
    for each in (before, after):
        if isinstance(each, Evaluation):
            pair.append(each)
        else:
            pair.append(
                evaluate(
                    each, samples, protocol=protocol, align=align, seed=seed, progress=progress
                )
            )
    difference = {}
    d, low, high = (ffi.new("double *") for _ in range(3))
    with pinned(*pair) as (a, b):
        for name in pair[0].mean:
            check(lib.prune_evaluation_difference(a, b, encode(name), d, low, high))
            difference[name] = (float(d[0]), float(low[0]), float(high[0]))
    both = isinstance(before, Model) and isinstance(after, Model)
    models = (before, after) if both else None
    return Comparison(pair[0], pair[1], difference, models, samples)  # type: ignore[arg-type]


def _contestant(context: Context, given: Any, name: str, units: int, keep: list[Any]) -> Any:
    struct = ffi.new("prune_contestant *")
    struct.struct_size = ffi.sizeof("prune_contestant")
    struct.name = ffi.new("char[]", encode(name))
    keep.append(struct.name)
    struct.units = units
    if isinstance(given, Model):
        copy = given.clone(context)
        keep.append(copy)
        struct.model = copy._handle.pointer
    else:
        struct.predictions = ffi.new("char[]", encode(given))
        keep.append(struct.predictions)
    return struct


@documented("compare", skip=["output"])
def report(
    before: Model | str | os.PathLike[str],
    after: Model | str | os.PathLike[str],
    data: SamplesLike,
    *,
    output: str | os.PathLike[str],
    names: tuple[str, str] = ("before", "after"),
    units: str | None = None,
    progress: Any = None,
    **options: Any,
) -> Path:
    """Writes the page of a comparison: ``report.html`` with pictures, ``report.json`` and CSV.

    Parameters
    ----------
    before, after : Model, or a folder of predictions
    data : Samples, folder or sequence of (image, depth)
    output : path
        Folder to write into.
    names : tuple of str
        For headings.
    units : str, optional
        What ``.npy`` and ``.f32`` predictions are: ``"metric"``, ``"disparity"``, ``"relative"``.
    progress : bool or function (stage, done, total), optional

    Returns
    -------
    Path
        Of ``report.html``.

    Raises
    ------
    OptionError, ArgumentError, FileError, CancelledError
    """
    samples = as_samples(data)
    context = samples.context
    filled = Filled(["compare"], options, "report")
    keep: list[Any] = []
    kind = -1 if units is None else KINDS[_kind(units, True)]
    pair = [_contestant(context, g, n, kind, keep) for g, n in zip((before, after), names)]
    settings = filled["compare"]
    settings.output = filled.keep(output)
    with context._working(samples, context, progress=progress) as work:
        settings.samples, pointer = work.pointers
        check(lib.prune_compare(pointer, pair[0], pair[1], settings, ffi.NULL))
    return Path(output) / "report.html"


class PythonMetric:
    """A Python function ``(prediction, truth) -> number`` as a metric of the C library: the mean
    over the samples."""

    def __init__(self, function: Callable[[Any, Any], float], higher_is_better: bool) -> None:
        self.function = function
        self.values: list[float] = []
        self._me = ffi.new_handle(self)
        self._name = ffi.new("char[]", encode(getattr(function, "__name__", "metric")))
        self.struct = ffi.new("prune_metric *")
        self.struct.struct_size = ffi.sizeof("prune_metric")
        self.struct.user = self._me
        self.struct.name = self._name
        self.struct.higher_is_better = higher_is_better
        self.struct.reset = lib.prunepy_metric_reset
        self.struct.add = lib.prunepy_metric_add
        self.struct.value = lib.prunepy_metric_value


@ffi.def_extern(name="prunepy_metric_reset")  # type: ignore[untyped-decorator]
def _metric_reset(user: Any) -> None:
    ffi.from_handle(user).values.clear()


@ffi.def_extern(name="prunepy_metric_add", error=8)  # type: ignore[untyped-decorator]
def _metric_add(user: Any, prediction: Any, sample: Any) -> int:
    with in_callback():
        try:
            me: PythonMetric = ffi.from_handle(user)
            shape = (prediction.height, prediction.width)
            count = shape[0] * shape[1]
            values = np.frombuffer(ffi.buffer(prediction.values, 4 * count), np.float32)
            if sample.depth == ffi.NULL:
                raise errors.ArgumentError(f"{text_of(sample.name)} has no ground truth")
            dshape = (sample.depth_height, sample.depth_width)
            depth = np.frombuffer(ffi.buffer(sample.depth, 4 * dshape[0] * dshape[1]), np.float32)
            me.values.append(
                float(me.function(values.reshape(shape).copy(), depth.reshape(dshape).copy()))
            )
        except BaseException as error:
            return _fail(error)
        return 0


@ffi.def_extern(name="prunepy_metric_value", error=8)  # type: ignore[untyped-decorator]
def _metric_value(user: Any, value: Any) -> int:
    me: PythonMetric = ffi.from_handle(user)
    if not me.values:
        message = ffi.new("char[]", remember(errors.ArgumentError("no sample was judged")).encode())
        return int(lib.prune_error_set(lib.PRUNE_E_ARGUMENT, b"%s", message))
    value[0] = float(np.mean(me.values))
    return 0


Matrix = NDArray[np.float32]
