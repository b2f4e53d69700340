"""Pictures with matplotlib, imported when the first one is asked for.

Colour maps are those of the field: depth in ``Spectral_r`` over inverse depth (near is warm, as in
Depth Anything's figures), relative error in ``magma`` from dark (right) to bright (wrong), one
scale for all maps of a figure. Every function returns the figure and shows nothing by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .evaluation import Comparison, Evaluation
    from .measure import Timing
    from .model import Cost, Layers, Model
    from .results import CompressResult, Sensitivity
    from .samples import Sample, Samples
    from .session import Profile
    from .stages import Plan

DEPTH_MAP = "Spectral_r"
ERROR_MAP = "magma"
_BLUE, _ORANGE, _GREY = "#3b6fb6", "#d9822b", "#9a9a9a"


def _figure(rows: int, columns: int, width: float, height: float, **keywords: Any) -> Any:
    """A figure that is shown once: by the notebook that it is returned to."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        rows, columns, figsize=(width, height), squeeze=False, layout="constrained", **keywords
    )
    plt.close(figure)
    return figure, axes


def _plain(axis: Any, title: str = "") -> Any:
    axis.set_xticks([])
    axis.set_yticks([])
    for side in axis.spines.values():
        side.set_visible(False)
    if title:
        axis.set_title(title, fontsize=9)
    return axis


def _short(name: str) -> str:
    """The end of a frame's name, which is what tells frames apart."""
    return name if len(name) <= 30 else "..." + name[-28:]


def _tidy(axis: Any) -> Any:
    axis.spines[["top", "right"]].set_visible(False)
    return axis


def _nearness(values: NDArray[Any], output: str) -> NDArray[Any]:
    """Large is near, whatever the model's units; not a number where unknown."""
    near: NDArray[Any] = np.asarray(values, np.float32)
    if output == "metric":
        with np.errstate(divide="ignore"):
            near = np.where(near > 0, 1.0 / near, np.nan)
    return near


def _limits(*maps: NDArray[Any]) -> tuple[float, float]:
    known = np.concatenate([m[np.isfinite(m)].ravel() for m in maps])
    if known.size == 0:
        return 0.0, 1.0
    low, high = np.percentile(known, [2, 98])
    return float(low), float(max(high, low + 1e-6))


def _thicken(values: NDArray[Any]) -> NDArray[Any]:
    """Laser points are one pixel: where they are sparse, each also colours the unknown pixels
    around it, twice."""
    result: NDArray[Any] = values.copy()
    for _ in range(2):
        if np.isfinite(result).mean() > 0.5:
            break
        known = result.copy()
        for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            moved = np.roll(known, (dy, dx), (0, 1))
            np.copyto(result, moved, where=~np.isfinite(result))
    return result


def _draw_depth(axis: Any, near: NDArray[Any], limits: tuple[float, float]) -> Any:
    axis.set_facecolor("#202020")
    return axis.imshow(
        _thicken(near), cmap=DEPTH_MAP, vmin=limits[0], vmax=limits[1], interpolation="nearest"
    )


def _depth_bar(figure: Any, image: Any, axes: Any, output: str) -> None:
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.01)
    bar.outline.set_visible(False)
    if output != "metric":
        bar.set_label("near \u2192", fontsize=8)
        bar.set_ticks([])
        return
    low, high = image.get_clim()
    metres = [m for m in (2, 3, 5, 10, 20, 40, 80) if low <= 1 / m <= high]
    bar.set_ticks([1 / m for m in metres], labels=[f"{m} m" for m in metres])
    bar.ax.tick_params(labelsize=8, length=0)


def depth(values: Any, *, output: str = "metric", image: Any = None, title: str = "") -> Any:
    """A depth map.

    Parameters
    ----------
    values : array, H x W
        Metres where ``output`` is ``"metric"`` (0: unknown), else larger is nearer.
    output : str
        ``"metric"``, ``"disparity"`` or ``"relative"``: ``model.output``.
    image : uint8 array, optional
        Shown beside it.
    title : str

    Returns
    -------
    matplotlib Figure
    """
    near = _nearness(values, output)
    height, width = near.shape
    columns = 1 if image is None else 2
    each = 10.0 / columns
    figure, axes = _figure(1, columns, 10.5, max(1.8, each * height / width + 0.3))
    if image is not None:
        _plain(axes[0, 0], "picture").imshow(image)
    axis = _plain(axes[0, -1], title or "depth")
    drawn = _draw_depth(axis, near, _limits(near))
    _depth_bar(figure, drawn, list(axes.flat), output)
    return figure


def error(prediction: Any, truth: Any, *, limit: float = 0.3, title: str = "") -> Any:
    """Relative error |prediction - truth| / truth of metric depth, where there is truth.

    Parameters
    ----------
    prediction, truth : arrays, H x W, metres
    limit : float
        Error at the bright end of the scale.

    Returns
    -------
    matplotlib Figure
    """
    relative = _relative(np.asarray(prediction), np.asarray(truth))
    height, width = relative.shape
    figure, axes = _figure(1, 1, 8, max(1.8, 7.5 * height / width + 0.3))
    axis = _plain(axes[0, 0], title or "relative error")
    _error_bar(figure, _draw_error(axis, relative, limit), axis)
    return figure


def _relative(prediction: NDArray[Any], truth: NDArray[Any]) -> NDArray[Any]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(truth > 0, np.abs(prediction - truth) / truth, np.nan)


def _draw_error(axis: Any, relative: NDArray[Any], limit: float) -> Any:
    axis.set_facecolor("#d8d8d8")  # no truth here: neither right nor wrong
    return axis.imshow(
        _thicken(relative), cmap=ERROR_MAP, vmin=0, vmax=limit, interpolation="nearest"
    )


def _error_bar(figure: Any, image: Any, axes: Any) -> None:
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.01, extend="max")
    bar.outline.set_visible(False)
    bar.ax.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f} %")
    bar.ax.tick_params(labelsize=8, length=0)


def sample(one: Sample, **_: Any) -> Any:
    """Picture and ground truth."""
    if one.depth is None:
        height, width = one.image.shape[:2]
        figure, axes = _figure(1, 1, 8, 8 * height / width + 0.3)
        _plain(axes[0, 0], one.name).imshow(one.image)
        return figure
    return depth(one.depth, image=one.image, title=_short(one.name))


def samples(data: Samples, count: int = 4, **_: Any) -> Any:
    """Some samples below each other, evenly spread."""
    total = len(data)
    chosen = sorted({round(i * (total - 1) / max(count - 1, 1)) for i in range(min(count, total))})
    loaded = [data[i] for i in chosen]
    labelled = any(s.depth is not None for s in loaded)
    height, width = loaded[0].image.shape[:2]
    columns = 2 if labelled else 1
    figure, axes = _figure(
        len(loaded), columns, 10.5, len(loaded) * (10.0 / columns * height / width + 0.25)
    )
    near = [None if s.depth is None else _nearness(s.depth, "metric") for s in loaded]
    limits = _limits(*[n for n in near if n is not None]) if labelled else (0.0, 1.0)
    drawn = None
    for i, one in enumerate(loaded):
        _plain(axes[i, 0], _short(one.name)).imshow(one.image)
        if labelled:
            axis = _plain(axes[i, 1], "ground truth" if i == 0 else "")
            values = near[i]
            if values is not None:
                drawn = _draw_depth(axis, values, limits)
    if drawn is not None:
        _depth_bar(figure, drawn, list(axes.flat), "metric")
    return figure


def layers(all_layers: Layers, **_: Any) -> Any:
    """MACs along the network, coloured by what computes them."""
    busy = [x for x in all_layers if x.macs > 0]
    figure, axes = _figure(1, 1, 10, 2.8)
    axis = _tidy(axes[0, 0])
    colours = [_ORANGE if x.compute == "int8" else _BLUE for x in busy]
    axis.bar(range(len(busy)), [x.macs / 1e6 for x in busy], color=colours, width=0.85)
    axis.set_ylabel("million MACs")
    axis.set_xlim(-1, len(busy))
    step = max(1, len(busy) // 12)
    ticks = range(0, len(busy), step)
    axis.set_xticks(ticks, [busy[i].name for i in ticks], rotation=35, ha="right", fontsize=7)
    _legend(axis, {"FP32": _BLUE, "INT8": _ORANGE}, {c for c in colours})
    return figure


def _legend(axis: Any, names: dict[str, str], used: set[str]) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=name) for name, colour in names.items() if colour in used]
    axis.legend(handles=handles, frameon=False, fontsize=8)


def costs(before: Cost, after: Cost, **_: Any) -> Any:
    """Parameters, MACs and bytes that stay."""
    names = ["parameters", "MACs", "bytes"]
    kept = [
        after.parameters / max(before.parameters, 1),
        after.macs / max(before.macs, 1),
        after.bytes / max(before.bytes, 1),
    ]
    figure, axes = _figure(1, 1, 6, 1.8)
    axis = _tidy(axes[0, 0])
    axis.barh(names, [1, 1, 1], color="#e6e6e6")
    axis.barh(names, kept, color=_BLUE)
    for i, share in enumerate(kept):
        axis.text(share + 0.01, i, f"{100 * share:.0f} %", va="center", fontsize=9)
    axis.set_xlim(0, max(1.08, max(kept) + 0.1))
    axis.invert_yaxis()
    axis.set_xticks([])
    axis.spines["bottom"].set_visible(False)
    return figure


def _spaces(model: Model) -> dict[str, tuple[str, int]]:
    spaces = model.inspect()["spaces"]
    return {s["name"]: (s["kind"], s["units"]) for s in spaces if not s.get("locked")}


def widths(before: Model, after: Model, **_: Any) -> Any:
    """Units of every channel space, before and after."""
    old, new = _spaces(before), _spaces(after)
    return _widths(
        [(kind, name, units, new.get(name, (kind, 0))[1]) for name, (kind, units) in old.items()]
    )


def _widths(spaces: list[tuple[str, str, int, int]]) -> Any:
    """Bars per space, a row of them per kind; the residual stream last and only where it is cut."""
    kinds: dict[str, list[tuple[str, int, int]]] = {}
    for kind, name, units, kept in spaces:
        kinds.setdefault(kind, []).append((name, units, kept))
    known = [k for k in ("head", "qk", "neuron", "channel", "residual") if k in kinds]
    chosen = [
        k for k in known if k not in ("qk", "residual") or any(b != a for _, b, a in kinds[k])
    ] or known
    figure, axes = _figure(max(len(chosen), 1), 1, 9, 0.6 + 1.6 * max(len(chosen), 1))
    titles = {
        "head": "heads",
        "qk": "q/k widths",
        "neuron": "neurons",
        "channel": "channels",
        "residual": "stream",
    }
    for axis, kind in zip(axes[:, 0], chosen):
        rows = kinds[kind]
        places = range(len(rows))
        axis.bar(places, [r[1] for r in rows], color="#dddddd", width=0.8, label="before")
        axis.bar(places, [r[2] for r in rows], color=_BLUE, width=0.8, label="after")
        _tidy(axis).set_ylabel(titles[kind], fontsize=9)
        axis.set_xlim(-0.7, len(rows) - 0.3)
        step = max(1, len(rows) // 12)
        ticks = list(places)[::step]
        axis.set_xticks(ticks, [rows[i][0] for i in ticks], fontsize=7, rotation=20, ha="right")
    if chosen:
        axes[0, 0].legend(frameon=False, fontsize=8, ncols=2, loc="lower right")
    return figure


def plan(one: Plan, **_: Any) -> Any:
    """What a plan leaves of every channel space."""
    rows = one.to_dict()["spaces"]
    return _widths([(r["kind"], r["name"], r["units"], r["kept"]) for r in rows])


def sensitivity(one: Sensitivity, count: int = 20, **_: Any) -> Any:
    """The layers that hurt most in INT8."""
    rows = [x for x in one.layers if x["error"] is not None][:count]
    figure, axes = _figure(1, 1, 8, 0.8 + 0.24 * max(len(rows), 1))
    axis = _tidy(axes[0, 0])
    colours = [_ORANGE if x["precision"] == "int8" else _BLUE for x in rows]
    axis.barh([x["layer"] for x in rows], [x["error"] for x in rows], color=colours)
    axis.invert_yaxis()
    axis.tick_params(axis="y", labelsize=8, length=0)
    axis.set_xlabel("error of the output with this layer alone in INT8", fontsize=9)
    _legend(axis, {"stays FP32": _BLUE, "INT8": _ORANGE}, set(colours))
    return figure


def profile(one: Profile, count: int = 15, **_: Any) -> Any:
    """The slowest steps of a session's latest run."""
    rows = sorted(one.steps, key=lambda s: -s["seconds"])[:count]
    figure, axes = _figure(1, 1, 8, 0.7 + 0.24 * max(len(rows), 1))
    axis = _tidy(axes[0, 0])
    names = [s["name"] if len(s["name"]) < 48 else s["name"][:45] + "..." for s in rows]
    axis.barh(range(len(rows)), [1e3 * s["seconds"] for s in rows], color=_BLUE)
    axis.set_yticks(range(len(rows)), [f"{n}  ({s['kernel']})" for n, s in zip(names, rows)])
    axis.tick_params(axis="y", labelsize=7, length=0)
    axis.invert_yaxis()
    axis.set_xlabel(f"ms of {1e3 * one.seconds:.2f} ms in all", fontsize=9)
    return figure


def timing(one: Timing, **_: Any) -> Any:
    """Median latency with its interval."""
    figure, axes = _figure(1, 1, 7, 0.8 + 0.35 * len(one.names))
    axis = _tidy(axes[0, 0])
    medians = [m["median"] for m in one.models]
    axis.barh(one.names, medians, color=[_GREY] + [_BLUE] * (len(medians) - 1))
    for i, m in enumerate(one.models):
        axis.text(m["median"], i, f"  {m['median']:.2f} ms", va="center", fontsize=9)
    axis.set_xlim(0, 1.2 * max(medians))
    axis.invert_yaxis()
    axis.set_xlabel("median ms per picture", fontsize=9)
    return figure


def evaluation(one: Evaluation, metric: str = "abs_rel", **_: Any) -> Any:
    """A metric over the frames, sorted, with its mean."""
    values = sorted(row[metric] for row in one.images if row.get(metric) is not None)
    figure, axes = _figure(1, 1, 8, 2.6)
    axis = _tidy(axes[0, 0])
    axis.bar(range(len(values)), values, color=_BLUE, width=0.85)
    mean = one.mean[metric]
    axis.axhline(mean, color=_ORANGE, linewidth=1.2)
    axis.text(0, mean, f" mean {mean:.4f}", va="bottom", fontsize=8, color=_ORANGE)
    axis.set_ylabel(metric)
    axis.set_xlabel(f"{len(values)} frames, best to worst", fontsize=9)
    axis.set_xticks([])
    return figure


def comparison(one: Comparison, metric: str = "abs_rel", **_: Any) -> Any:
    """Frame by frame: after against before, and the distribution of the difference."""
    before = {row["name"]: row[metric] for row in one.before.images}
    pairs = np.array(
        [(before[r["name"]], r[metric]) for r in one.after.images if r["name"] in before], float
    )
    figure, axes = _figure(1, 2, 9, 3.4)
    axis = _tidy(axes[0, 0])
    top = float(pairs.max()) * 1.05
    axis.plot([0, top], [0, top], color=_GREY, linewidth=1)
    axis.scatter(pairs[:, 0], pairs[:, 1], s=18, color=_BLUE, alpha=0.8, linewidths=0)
    axis.set_xlim(0, top)
    axis.set_ylim(0, top)
    axis.set_aspect("equal")
    axis.set_xlabel(f"{metric} before")
    axis.set_ylabel(f"{metric} after")
    axis.set_title("one point per frame; below the line is better", fontsize=9)
    axis = _tidy(axes[0, 1])
    change = pairs[:, 1] - pairs[:, 0]
    axis.hist(change, bins=min(20, max(5, len(change) // 2)), color=_BLUE)
    axis.axvline(0, color=_GREY, linewidth=1)
    mean, low, high = one.difference[metric]
    axis.axvspan(low, high, color=_ORANGE, alpha=0.25, linewidth=0)
    axis.axvline(mean, color=_ORANGE)
    axis.set_title(f"difference {mean:+.4f} [{low:+.4f}, {high:+.4f}]", fontsize=9)
    axis.set_xlabel("after - before")
    axis.set_ylabel("frames")
    return figure


def comparison_pictures(
    one: Comparison, count: int = 3, metric: str = "abs_rel", limit: float = 0.3, **_: Any
) -> Any:
    """Best, median and worst frames (by the model after): picture, truth, both depths, errors."""
    if one.models is None:
        raise ValueError("pictures need models, not evaluations alone: compare(model, model, data)")
    ranked = sorted(one.after.images, key=lambda r: r[metric])
    picks = sorted({round(i * (len(ranked) - 1) / max(count - 1, 1)) for i in range(count)})
    index = {name: i for i, name in enumerate(one.samples.names)}
    output = one.models[0].output
    rows = []
    for i in picks:
        frame = one.samples[index[ranked[i]["name"]]]
        rows.append((ranked[i], frame, [model(frame.image) for model in one.models]))
    metric_output = output == "metric"
    columns = 3 if metric_output else 2
    height, width = rows[0][1].image.shape[:2]
    tall = 10.5 / columns * height / width + 0.2
    figure, axes = _figure(2 * len(rows), columns, 11, 2 * len(rows) * tall)
    near = [[_nearness(v, output) for v in both] for _, _, both in rows]
    limits = _limits(*[n for both in near for n in both])
    drawn = wrong = None
    for r, (row, frame, both) in enumerate(rows):
        top, bottom = axes[2 * r], axes[2 * r + 1]
        _plain(top[0], f"{_short(row['name'])}: {row[metric]:.3f}").imshow(frame.image)
        drawn = _draw_depth(_plain(top[1], "before" if r == 0 else ""), near[r][0], limits)
        truth = None if frame.depth is None else _nearness(frame.depth, "metric")
        _plain(bottom[0], "ground truth" if r == 0 else "")
        if truth is not None:
            _draw_depth(bottom[0], truth, limits if metric_output else _limits(truth))
        _draw_depth(_plain(bottom[1], "after" if r == 0 else ""), near[r][1], limits)
        if metric_output and frame.depth is not None:
            for axis, values, title in zip(
                (top[2], bottom[2]), both, ("error before", "error after")
            ):
                relative = _relative(values, frame.depth)
                wrong = _draw_error(_plain(axis, title if r == 0 else ""), relative, limit)
    _depth_bar(figure, drawn, list(axes[:, :2].flat), output)
    if wrong is not None:
        _error_bar(figure, wrong, list(axes[:, 2].flat))
    return figure


def stages(one: CompressResult, **_: Any) -> Any:
    """Every stage of the loop: work, stored bytes and accuracy."""
    return costs(one.original.cost(), one.model.cost())
