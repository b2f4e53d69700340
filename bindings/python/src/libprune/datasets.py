"""Data sets: KITTI and NYUv2 layouts, plain folders, rendered scenes, and anything of one's own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from . import samples as _samples
from ._core import check, encode, lib, pinned
from ._options import Filled, documented
from .context import Context, default_context
from .samples import Sample, Samples

__all__ = ["Sample", "Samples", "folder", "kitti", "pairs", "synth", "write_synth"]


@documented("dataset")
def kitti(
    path: str | os.PathLike[str], *, context: Context | None = None, **options: Any
) -> Samples:
    """KITTI depth, or any folder of pictures with ground truth in one of its layouts.

    Parameters
    ----------
    path : path
        A depth selection (``image/``, ``groundtruth_depth/``), a devkit tree (``train/``, ``val/``;
        give ``images`` for the raw drives), or a folder that looks like one of these.
    context : Context, optional
        Default: the shared one.

    Returns
    -------
    Samples
        Depth in metres, 0 where the laser said nothing.

    Raises
    ------
    FileError, ArgumentError
        Naming the frame whose picture or ground truth is missing.
    OptionError
        For an unknown keyword.
    """
    filled = Filled(["dataset"], options, "kitti")
    return _samples.open_samples(
        lib.prune_dataset_open, context, path, os.fspath(path), filled["dataset"]
    )


def folder(
    path: str | os.PathLike[str], *, context: Context | None = None, **options: Any
) -> Samples:
    """All PNG and JPEG files of a folder; with ground truth where ``groundtruth_depth/`` is.

    Parameters
    ----------
    path : path
        Pictures, sorted by name; or ``image/`` and ``groundtruth_depth/``, which are opened as by
        :func:`kitti`, whose options are taken too.
    context : Context, optional

    Returns
    -------
    Samples

    Raises
    ------
    FileError
        If the folder does not exist.
    """
    if options or os.path.isdir(os.path.join(path, "groundtruth_depth")):
        return kitti(path, context=context, **options)
    return _samples.open_samples(lib.prune_samples_open, context, path, os.fspath(path))


@documented("synth")
def synth(*, context: Context | None = None, **options: Any) -> Samples:
    """Street scenes with exact depth, rendered on demand.

    Another seed is another set of worlds, so that scenes to tune on, to decide on and to report on
    differ by their seeds.

    Returns
    -------
    Samples
        Depth in metres along the optical axis, 0 in the sky and beyond 80 m.

    Raises
    ------
    OptionError
        For an unknown keyword or a value out of range.
    """
    filled = Filled(["synth"], options, "synth")
    seed, frames = filled["synth"].seed, filled["synth"].frames
    return _samples.open_samples(
        lib.prune_synth_samples,
        context,
        None,
        f"synth(seed={seed}, frames={frames})",
        filled["synth"],
    )


@documented("synth")
def write_synth(
    path: str | os.PathLike[str],
    *,
    context: Context | None = None,
    progress: Any = None,
    **options: Any,
) -> None:
    """Writes rendered scenes in KITTI's layout: ``image/`` and ``groundtruth_depth/``.

    Parameters
    ----------
    path : path
        Folder to make.
    """
    chosen = context or default_context()
    filled = Filled(["synth"], options, "synth")
    with chosen._working(progress=progress), pinned(chosen) as (pointer,):
        check(lib.prune_synth_write(pointer, encode(path), filled["synth"]))


def pairs(
    sequence: Any,
    *,
    names: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    context: Context | None = None,
) -> Samples:
    """A data set of one's own.

    Parameters
    ----------
    sequence : sequence
        Anything with a length and items: images (H x W x 3 uint8, RGB), pairs ``(image, depth)``
        with depth H' x W' in metres and 0 where unknown, dicts with these keys, or
        :class:`Sample`. Items are asked for when needed, from the library's threads, and may be
        asked for again: a lazy sequence must give the same each time.
    names : sequence of str, optional
        Default: numbers.
    groups : sequence of str, optional
        Drive or sequence of each sample: splits keep them together, intervals respect them.
    context : Context, optional

    Returns
    -------
    Samples

    Raises
    ------
    ShapeError
        When an item is used whose arrays have other shapes.
    """
    return _samples.from_sequence(sequence, names=names, groups=groups, context=context)
