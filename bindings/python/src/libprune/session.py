"""Sessions: a model compiled for this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import errors
from ._core import Handle, Owner, check, ffi, lib, pinned, text_of
from .context import Context

if TYPE_CHECKING:
    from .model import Model

__all__ = ["Profile", "Session"]


class Profile:
    """Time of every step of the latest run."""

    def __init__(self, steps: list[dict[str, Any]], memory: int) -> None:
        self.steps = steps
        self.memory = memory

    @property
    def seconds(self) -> float:
        """Of all steps together."""
        return float(sum(step["seconds"] for step in self.steps))

    def to_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "seconds": self.seconds, "memory": self.memory}

    def to_dataframe(self) -> Any:
        """One row per step: name, kernel, seconds, macs."""
        import pandas as pd

        return pd.DataFrame(self.steps)

    def plot(self, count: int = 15, **keywords: Any) -> Any:
        """The slowest steps as bars; returns the matplotlib figure."""
        from . import plot

        return plot.profile(self, count, **keywords)

    def __repr__(self) -> str:
        return f"<libprune.Profile: {len(self.steps)} steps, {1e3 * self.seconds:.2f} ms>"

    def _repr_html_(self) -> str:
        from ._display import table

        slowest = sorted(self.steps, key=lambda s: -s["seconds"])[:20]
        rows = [
            [s["name"], s["kernel"], f"{1e3 * s['seconds']:.3f}", f"{s['macs'] / 1e6:.2f}"]
            for s in slowest
        ]
        return table(["step", "kernel", "ms", "M MACs"], rows, f"{1e3 * self.seconds:.2f} ms")


class Session(Owner):
    """A model, ready to run.

    A session packs the weights once, plans its memory once per input size and allocates nothing
    while it runs. It has a context of its own, so that sessions in several threads run at the same
    time. The model may be changed or closed afterwards.

    Parameters
    ----------
    model : Model
    height, width : int
        Network input; 0: the model's own rule, per picture.
    batch : int
        Images per run of float input.
    profile : bool
        Keep the time of every step (:meth:`profile`).
    precision : "recorded", "fp32" or "bf16"
        Of what does not compute in INT8: as the model says, FP32, or products of BF16 operands.
    threads : int
        0: as many as the process may run on.
    context : Context, optional
        Share this one instead.

    Raises
    ------
    ShapeError, ArgumentError, UnsupportedError
        If the network cannot run at this size.
    """

    def __init__(
        self,
        model: Model,
        *,
        height: int = 0,
        width: int = 0,
        batch: int = 1,
        profile: bool = False,
        precision: str = "recorded",
        threads: int = 0,
        context: Context | None = None,
    ) -> None:
        self._context = context or Context(threads)
        self._batch = batch
        self._profiling = profile
        options = ffi.new("prune_session_options *")
        lib.prune_session_options_init(options)
        options.height, options.width, options.batch = height, width, batch
        options.profile = profile
        check(
            lib.prune_options_set(
                lib.prune_session_option_table(), options, b"precision", precision.encode()
            )
        )
        copy, out = ffi.new("prune_model **"), ffi.new("prune_session **")
        with pinned(self._context, model) as (context_pointer, model_pointer):
            check(lib.prune_model_clone_to(copy, context_pointer, model_pointer))
            with self._context._exclusive():
                try:
                    check(lib.prune_session_create(out, copy[0], options))
                finally:
                    lib.prune_model_free(copy[0])
            # The weights are shared with the model, and belong to its context.
            parents = [self._context._handle, *model._contexts]
            self._handle = Handle(out[0], lib.prune_session_free, parents)

    @property
    def context(self) -> Context:
        return self._context

    @property
    def memory(self) -> int:
        """Bytes of the plan: working memory and packed weights."""
        with pinned(self) as (pointer,):
            return int(lib.prune_session_memory(pointer))

    def network_size(self, height: int, width: int) -> tuple[int, int]:
        """(height, width) of the network's input for a picture of this size."""
        h, w = ffi.new("int32_t *"), ffi.new("int32_t *")
        with pinned(self) as (pointer,):
            check(lib.prune_session_network_size(pointer, height, width, h, w))
        return int(h[0]), int(w[0])

    def __call__(self, images: Any, *, network_size: bool = False) -> NDArray[np.float32]:
        """Depth of pictures.

        Parameters
        ----------
        images : array
            * H x W x 3 uint8, RGB: a picture. Rows may have gaps, and the reversed view
              ``bgr[..., ::-1]`` of a BGR picture is taken as it is: neither is copied.
            * N x H x W x 3 uint8, or a list of pictures of one size.
            * N x 3 x H x W float32: network input, prepared by :meth:`prepare` (or by a PyTorch
              pipeline that normalises as ``model.graph["meta"]["preprocess"]`` says). Not copied
              where the memory is N x H x W x 3, as ``prepare`` gives it.
        network_size : bool
            Pictures: leave the result at the network's resolution.

        Returns
        -------
        float32 array
            H x W for one picture, else N x H x W, in the model's own units (``model.output``):
            metres for metric models, larger is nearer for the others. At the picture's size, or
            that of the network's input for float input.

        Raises
        ------
        ShapeError
            For arrays of any other shape or type.
        ClosedError
            After :meth:`close`.
        """
        if isinstance(images, (list, tuple)):
            return np.stack([self(image, network_size=network_size) for image in images])
        array = np.asarray(images)
        if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3:
            return self._picture(array, network_size)
        if array.dtype == np.uint8 and array.ndim == 4 and array.shape[3] == 3:
            results = [self._picture(image, network_size) for image in array]
            return np.stack(results) if results else np.empty(array.shape[:3], np.float32)
        if array.dtype == np.float32 and array.ndim == 4 and array.shape[1] == 3:
            return self._tensor(array)
        raise errors.ShapeError(
            f"a picture is H x W x 3 (or N x H x W x 3) uint8, network input N x 3 x H x W "
            f"float32; got {' x '.join(map(str, array.shape))} {array.dtype}"
        )

    def _picture(self, image: NDArray[np.uint8], network_size: bool) -> NDArray[np.float32]:
        pixels, kept = _pixels(image)
        shape = image.shape[:2]
        if network_size:
            shape = self.network_size(*shape)
        values = np.empty(shape, np.float32)
        run = lib.prune_session_predict_network if network_size else lib.prune_session_predict
        with self._context._exclusive(), pinned(self) as (pointer,):
            check(run(pointer, pixels, ffi.cast("float *", values.ctypes.data)))
        del kept
        return values

    def _tensor(self, array: NDArray[np.float32]) -> NDArray[np.float32]:
        count, _, height, width = array.shape
        last = np.ascontiguousarray(array.transpose(0, 2, 3, 1))  # a copy only where it must be
        values = np.empty((count, height, width), np.float32)
        with self._context._exclusive(), pinned(self) as (pointer,):
            for first in range(0, count, self._batch):
                part = last[first : first + self._batch]
                result = values[first : first + self._batch]
                if len(part) < self._batch:  # the last run is filled up
                    part = np.concatenate([part, np.repeat(part[-1:], self._batch - len(part), 0)])
                    result = np.empty((self._batch, height, width), np.float32)
                check(
                    lib.prune_session_run(
                        pointer,
                        ffi.cast("const float *", part.ctypes.data),
                        height,
                        width,
                        ffi.cast("float *", result.ctypes.data),
                    )
                )
                values[first : first + self._batch] = result[: count - first]
        return values

    def prepare(self, image: Any) -> NDArray[np.float32]:
        """What the network is given for a picture: resized and normalised.

        Parameters
        ----------
        image : uint8 array, H x W x 3, RGB

        Returns
        -------
        float32 array, 1 x 3 x h x w
            A view of channels-last memory, which :meth:`__call__` takes without a copy.
        """
        array = np.asarray(image)
        pixels, kept = _pixels(array)
        height, width = self.network_size(*array.shape[:2])
        values = np.empty((1, height, width, 3), np.float32)
        with self._context._exclusive(), pinned(self) as (pointer,):
            check(
                lib.prune_session_prepare(pointer, pixels, ffi.cast("float *", values.ctypes.data))
            )
        del kept
        channels_first: NDArray[np.float32] = values.transpose(0, 3, 1, 2)
        return channels_first

    def profile(self) -> Profile:
        """Time of every step of the latest run; the session must be made with ``profile=True``."""
        if not self._profiling:
            raise errors.ArgumentError("this session keeps no times: make it with profile=True")
        step = ffi.new("prune_session_step *")
        step.struct_size = ffi.sizeof("prune_session_step")
        steps = []
        with self._context._exclusive(), pinned(self) as (pointer,):
            for i in range(lib.prune_session_steps(pointer)):
                check(lib.prune_session_step_info(pointer, i, step))
                steps.append(
                    {
                        "name": str(text_of(step.name)),
                        "kernel": str(text_of(step.kernel)),
                        "seconds": float(step.seconds),
                        "macs": int(step.macs),
                    }
                )
            return Profile(steps, int(lib.prune_session_memory(pointer)))

    def __repr__(self) -> str:
        if self.closed:
            return "<libprune.Session, closed>"
        return f"<libprune.Session: {self._context!r}, {self.memory / 1e6:.1f} MB>"


def _pixels(image: NDArray[np.uint8]) -> tuple[Any, Any]:
    """The picture as the C library takes it, and what must stay alive meanwhile."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise errors.ShapeError(
            f"a picture is H x W x 3 uint8, got {' x '.join(map(str, image.shape))} {image.dtype}"
        )
    if image.shape[0] == 0 or image.shape[1] == 0:
        raise errors.ShapeError(f"a picture of {image.shape[1]} x {image.shape[0]} has no depth")
    rows, columns, channels = image.strides
    backwards = columns == 3 and channels == -1
    straight = columns == 3 and channels == 1
    if not (straight or backwards) or rows < 3 * image.shape[1]:
        image = np.ascontiguousarray(image)
        rows, backwards = image.strides[0], False
    pixels = ffi.new("prune_pixels *")
    pixels.data = ffi.cast("const uint8_t *", image.ctypes.data - (2 if backwards else 0))
    pixels.height, pixels.width = image.shape[:2]
    pixels.stride = rows
    pixels.order = lib.PRUNE_BGR if backwards else lib.PRUNE_RGB
    return pixels, image
