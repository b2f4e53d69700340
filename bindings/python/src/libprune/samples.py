"""Samples: pictures, with ground truth where there is some."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Union, overload

import numpy as np
from numpy.typing import NDArray

from . import errors
from ._core import Handle, Owner, check, encode, ffi, lib, pinned, remember, text_of, view
from .context import Context, default_context, in_callback

__all__ = ["Sample", "Samples", "SamplesLike", "as_samples"]


@dataclass(frozen=True)
class Sample:
    """One picture.

    Attributes
    ----------
    name : str
        Unique in its data set.
    group : str
        Drive or sequence; ``""`` when unknown.
    image : uint8 array, H x W x 3, RGB
    depth : float32 array, H' x W', metres, 0 where unknown; or None
        Ground truth.

    The arrays look at the library's memory and are read-only; copy them to change them.
    """

    name: str
    group: str
    image: NDArray[np.uint8]
    depth: NDArray[np.float32] | None = None

    def plot(self, **keywords: Any) -> Any:
        """Picture and ground truth side by side; returns the matplotlib figure."""
        from . import plot

        return plot.sample(self, **keywords)


class _Loaded:
    """A loaded sample, released when the last array that looks at it is gone."""

    def __init__(self, handle: Handle, index: int) -> None:
        self.struct = ffi.new("prune_sample *")
        self._handle = handle
        self._samples = handle.use("Samples")
        try:
            check(lib.prune_samples_load(self._samples, index, self.struct))
        except BaseException:
            handle.unuse()
            self._samples = None
            raise

    def __del__(self) -> None:
        if getattr(self, "_samples", None) is not None:
            lib.prune_samples_release(self._samples, self.struct)
            self._handle.unuse()

    def sample(self) -> Sample:
        s = self.struct
        image = view(s.rgb, (s.height, s.width, 3), "|u1", self)
        depth = None
        if s.depth != ffi.NULL:
            depth = view(s.depth, (s.depth_height, s.depth_width), "<f4", self)
        return Sample(str(text_of(s.name)), str(text_of(s.group)), image, depth)


class Samples(Owner, Sequence[Sample]):
    """A data set: a sequence of :class:`Sample`, loaded when they are asked for.

    Made by :mod:`libprune.datasets`. Slices and lists of indices give parts of it.
    """

    def __init__(self, handle: Handle, context: Context, title: str) -> None:
        self._handle = handle
        self._context = context
        self._title = title

    @property
    def context(self) -> Context:
        return self._context

    def __len__(self) -> int:
        with pinned(self) as (pointer,):
            return int(lib.prune_samples_count(pointer))

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int]) -> Samples: ...
    def __getitem__(self, index: Any) -> Sample | Samples:
        if isinstance(index, slice):
            return self._subset(range(len(self))[index])
        if isinstance(index, (list, tuple, np.ndarray, range)):
            return self._subset(range(len(self))[int(i)] for i in index)
        position = range(len(self))[index]  # IndexError, and negative indices
        return _Loaded(self._handle, position).sample()

    def __iter__(self) -> Iterator[Sample]:
        for i in range(len(self)):
            yield self[i]

    def _subset(self, indices: Any) -> Samples:
        chosen = list(indices)
        array = ffi.new("uint64_t[]", chosen or [0])
        out = ffi.new("prune_samples **")
        with pinned(self) as (pointer,):
            check(lib.prune_samples_subset(out, pointer, array, len(chosen)))
            return self._part(out[0], f"{len(chosen)} of {self._title}")

    def _part(self, pointer: Any, title: str) -> Samples:
        return Samples(
            Handle(pointer, lib.prune_samples_free, [self._handle]), self._context, title
        )

    def split(self, share: float = 0.2, seed: int = 0) -> tuple[Samples, Samples]:
        """Two parts that share no drive (where drives are known, else no frame).

        Parameters
        ----------
        share : float
            Fraction of the frames in the second part, about.
        seed : int
            The same seed gives the same parts.

        Returns
        -------
        kept, held : Samples
        """
        kept, held = ffi.new("prune_samples **"), ffi.new("prune_samples **")
        with pinned(self) as (pointer,):
            check(lib.prune_samples_split(kept, held, pointer, share, seed, ffi.NULL))
            return (
                self._part(kept[0], f"part of {self._title}"),
                self._part(held[0], f"held-back part of {self._title}"),
            )

    def _identify(self) -> list[tuple[str, str]]:
        name, group = ffi.new("const char **"), ffi.new("const char **")
        found = []
        with pinned(self) as (pointer,):
            for i in range(lib.prune_samples_count(pointer)):
                check(lib.prune_samples_identify(pointer, i, name, group))
                found.append((str(text_of(name[0])), text_of(group[0]) or ""))
        return found

    @property
    def names(self) -> list[str]:
        """Names of all samples, without loading them."""
        return [name for name, _ in self._identify()]

    @property
    def groups(self) -> list[str]:
        """Drive or sequence of every sample; ``""`` when unknown."""
        return [group for _, group in self._identify()]

    def to_dataframe(self) -> Any:
        """Names and groups as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self._identify(), columns=["name", "group"])

    def plot(self, count: int = 4, **keywords: Any) -> Any:
        """Some samples below each other, evenly spread; returns the matplotlib figure."""
        from . import plot

        return plot.samples(self, count, **keywords)

    def __repr__(self) -> str:
        if self.closed:
            return "<libprune.Samples, closed>"
        return f"<libprune.Samples: {len(self)} from {self._title}>"

    def _repr_html_(self) -> str:
        from ._display import thumbnails

        return thumbnails(self)


#: What functions take as pictures: a data set, a folder, or any sequence of images or of
#: (image, depth) pairs.
SamplesLike = Union[Samples, str, "Any"]


class _PythonSource:
    """A Python sequence as a sample source. Arrays live until the library releases them."""

    def __init__(self, sequence: Any, names: Sequence[str] | None, groups: Sequence[str] | None):
        self.sequence = sequence
        self.count = len(sequence)
        for what, given in (("names", names), ("groups", groups)):
            if given is not None and len(given) != self.count:
                raise errors.ArgumentError(f"{what}: {len(given)} of them for {self.count} samples")
        width = len(str(max(self.count - 1, 0)))
        texts = names if names is not None else [f"{i:0{width}d}" for i in range(self.count)]
        self._names = [ffi.new("char[]", str(n).encode()) for n in texts]
        self._groups = [ffi.new("char[]", str(g).encode()) for g in (groups or [""] * self.count)]
        self._alive: dict[int, list[Any]] = {}
        self._lock = threading.Lock()

    def identify(self, index: int, name: Any, group: Any) -> None:
        name[0] = self._names[index]
        group[0] = self._groups[index]

    def load(self, index: int, sample: Any) -> None:
        item = self.sequence[index]
        image, depth = _unpack(item)
        pixels = np.ascontiguousarray(image)
        if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
            raise errors.ShapeError(
                f"sample {index}: the image must be H x W x 3 uint8, "
                f"got {pixels.shape} {pixels.dtype}"
            )
        kept = [pixels]
        sample.name, sample.group = self._names[index], self._groups[index]
        sample.height, sample.width = pixels.shape[:2]
        sample.rgb = ffi.cast("const uint8_t *", pixels.ctypes.data)
        if depth is not None:
            metres = np.ascontiguousarray(depth, dtype=np.float32)
            if metres.ndim != 2:
                raise errors.ShapeError(
                    f"sample {index}: depth must be H x W in metres, got {metres.shape}"
                )
            kept.append(metres)
            sample.depth_height, sample.depth_width = metres.shape
            sample.depth = ffi.cast("const float *", metres.ctypes.data)
        with self._lock:
            self._alive.setdefault(pixels.ctypes.data, []).append(kept)

    def release(self, sample: Any) -> None:
        key = int(ffi.cast("uintptr_t", sample.rgb))
        with self._lock:
            held = self._alive.get(key)
            if held:
                held.pop()
            if not held:
                self._alive.pop(key, None)


def _unpack(item: Any) -> tuple[Any, Any]:
    """(image, depth or None) of what a sequence holds."""
    if isinstance(item, Sample):
        return item.image, item.depth
    if isinstance(item, dict):
        return item["image"], item.get("depth")
    if isinstance(item, (tuple, list)):
        return item[0], item[1] if len(item) > 1 else None
    return np.asarray(item), None


def _fail(error: BaseException) -> int:
    """Hands a Python exception to the C library as a status with a message."""
    status = lib.PRUNE_E_ARGUMENT
    if isinstance(error, MemoryError):
        status = lib.PRUNE_E_MEMORY
    elif isinstance(error, errors.ShapeError):
        status = lib.PRUNE_E_SHAPE
    elif isinstance(error, OSError):
        status = lib.PRUNE_E_IO
    message = ffi.new("char[]", remember(error).encode("utf-8", "replace"))
    return int(lib.prune_error_set(status, b"%s", message))


@ffi.def_extern(name="prunepy_load", error=8)  # type: ignore[untyped-decorator]
def _load(user: Any, index: int, sample: Any) -> int:
    with in_callback():
        try:
            ffi.from_handle(user).load(index, sample)
        except BaseException as error:
            return _fail(error)
        return 0


@ffi.def_extern(name="prunepy_release")  # type: ignore[untyped-decorator]
def _release(user: Any, sample: Any) -> None:
    with in_callback():
        ffi.from_handle(user).release(sample)


@ffi.def_extern(name="prunepy_identify", error=8)  # type: ignore[untyped-decorator]
def _identify(user: Any, index: int, name: Any, group: Any) -> int:
    with in_callback():
        try:
            ffi.from_handle(user).identify(index, name, group)
        except BaseException as error:
            return _fail(error)
        return 0


def from_sequence(
    sequence: Any,
    *,
    names: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    context: Context | None = None,
) -> Samples:
    """See :func:`libprune.datasets.pairs`."""
    chosen = context or default_context()
    source = _PythonSource(sequence, names, groups)
    me = ffi.new_handle(source)
    struct = ffi.new("prune_sample_source *")
    struct.struct_size = ffi.sizeof("prune_sample_source")
    struct.user = me
    struct.count = source.count
    struct.load = lib.prunepy_load
    struct.release = lib.prunepy_release
    struct.identify = lib.prunepy_identify
    out = ffi.new("prune_samples **")
    with pinned(chosen) as (pointer,):
        check(lib.prune_samples_create(out, pointer, struct))
        handle = Handle(out[0], lib.prune_samples_free, [chosen._handle], keep=(me, source))
    return Samples(handle, chosen, type(sequence).__name__)


def as_samples(given: SamplesLike, context: Context | None = None) -> Samples:
    """A data set from what a user gives: see :data:`SamplesLike`."""
    import os

    if isinstance(given, Samples):
        return given
    if isinstance(given, (str, os.PathLike)):
        from . import datasets

        return datasets.folder(given, context=context)
    if isinstance(given, np.ndarray) and given.ndim == 3:
        return from_sequence([given], context=context)
    if hasattr(given, "__len__") and hasattr(given, "__getitem__"):
        return from_sequence(given, context=context)
    raise errors.ArgumentError(
        f"{type(given).__name__} is no data set: give libprune.datasets..., a folder, or a "
        "sequence of images or of (image, depth) pairs"
    )


def open_samples(call: Any, context: Context | None, path: Any, title: str, *extra: Any) -> Samples:
    """Calls one of the C openers (out, context, path, ...)."""
    chosen = context or default_context()
    out = ffi.new("prune_samples **")
    with chosen._exclusive(), pinned(chosen) as (pointer,):
        arguments = [ffi.new("char[]", encode(path))] if path is not None else []
        check(call(out, pointer, *arguments, *extra))
        return Samples(Handle(out[0], lib.prune_samples_free, [chosen._handle]), chosen, title)
