"""Models: load, look at, change, save."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _display, errors
from ._core import Handle, Owner, check, encode, ffi, lib, parse_json, pinned, text_of
from ._options import Filled, documented
from .context import Context, default_context
from .session import Session

__all__ = ["Cost", "Layer", "Layers", "Model", "load", "new", "verify"]

_OUTPUTS = ("relative", "disparity", "metric")


@dataclass(frozen=True)
class Cost:
    """What a model costs at one input size."""

    height: int
    width: int
    layers: int
    int8_layers: int
    parameters: int
    macs: int
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Layer:
    """One node of a model: its operator, output shape (channels last), cost and precision."""

    name: str
    op: str
    shape: str
    parameters: int
    macs: int
    compute: str
    storage: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Layers(list[Layer]):
    """The layers of a model, in the order in which they run."""

    def to_dataframe(self) -> Any:
        """One row per layer."""
        import pandas as pd

        return pd.DataFrame([layer.to_dict() for layer in self])

    def plot(self, **keywords: Any) -> Any:
        """MACs along the network, by precision; returns the matplotlib figure."""
        from . import plot

        return plot.layers(self, **keywords)

    def _repr_html_(self) -> str:
        rows = [
            [x.name, x.op, x.shape, f"{x.parameters:,}", f"{x.macs / 1e6:.2f}", x.compute]
            for x in self
        ]
        header = ["layer", "operator", "shape", "parameters", "M MACs", "computes in"]
        return _display.table(header, rows, f"{len(self)} layers")


class Model(Owner):
    """A depth network.

    Made by :func:`load`, :func:`new` and by the stages (:func:`trim`, :func:`tune`,
    :func:`quantize`), which leave the model they are given as it is. Copies share what they have
    in common.
    """

    def __init__(self, handle: Handle, context: Context, contexts: list[Handle]) -> None:
        self._handle = handle
        self._context = context
        self._contexts = contexts  # whose memory the tensors are
        self._session: Session | None = None

    @classmethod
    def _wrap(cls, pointer: Any, context: Context, contexts: list[Handle] | None = None) -> Model:
        owners = contexts if contexts is not None else [context._handle]
        return cls(Handle(pointer, lib.prune_model_free, owners), context, owners)

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
        super().close()

    @property
    def context(self) -> Context:
        return self._context

    # --- looking ---------------------------------------------------------------------------

    def _describe(self, height: int = 0, width: int = 0) -> Any:
        info = ffi.new("prune_model_info *")
        info.struct_size = ffi.sizeof("prune_model_info")
        with pinned(self) as (pointer,):
            check(lib.prune_model_describe(pointer, height, width, info))
        return info

    def cost(self, height: int = 0, width: int = 0) -> Cost:
        """Multiply-accumulates, parameters and stored bytes.

        Parameters
        ----------
        height, width : int
            Network input; 0: the model's own.

        Raises
        ------
        ShapeError
            If the network cannot run at this size.
        """
        i = self._describe(height, width)
        return Cost(
            int(i.input_height),
            int(i.input_width),
            int(i.layers),
            int(i.int8_layers),
            int(i.parameters),
            int(i.macs),
            int(i.bytes),
        )

    def inspect(self, height: int = 0, width: int = 0) -> dict[str, Any]:
        """Everything that ``prune inspect`` shows, as a dictionary."""
        out = ffi.new("char **")
        with pinned(self) as (pointer,):
            check(lib.prune_model_inspect(pointer, height, width, out))
        result: dict[str, Any] = parse_json(out[0])
        return result

    to_dict = inspect

    @property
    def graph(self) -> dict[str, Any]:
        """Structure, preprocessing, output kind, history: ``docs/format.md``, section 4."""
        out = ffi.new("char **")
        with pinned(self) as (pointer,):
            check(lib.prune_model_graph(pointer, out))
        result: dict[str, Any] = parse_json(out[0])
        return result

    @property
    def layers(self) -> Layers:
        """All nodes with shapes and costs at the model's own input size."""
        names = Layer.__dataclass_fields__
        return Layers(
            Layer(**{k: v for k, v in row.items() if k in names})
            for row in self.inspect()["layers"]
        )

    @property
    def history(self) -> list[dict[str, Any]]:
        """What was done to the model, oldest first."""
        steps: list[dict[str, Any]] = self.graph["history"]
        return steps

    @property
    def architecture(self) -> str:
        with pinned(self):
            return str(text_of(self._describe().architecture))

    @property
    def output(self) -> str:
        """``"metric"``: metres; ``"disparity"`` and ``"relative"``: larger is nearer."""
        return _OUTPUTS[int(self._describe().output_kind)]

    @property
    def license(self) -> str | None:
        """Licence of the weights, where the model says one."""
        text: str | None = self.graph["meta"].get("license")
        return text

    def to_dataframe(self) -> Any:
        """One row per layer: name, op, shape, parameters, macs, compute, storage."""
        return self.layers.to_dataframe()

    def plot(self, **keywords: Any) -> Any:
        """Where the work is: MACs along the network; returns the matplotlib figure."""
        return self.layers.plot(**keywords)

    def __repr__(self) -> str:
        if self.closed:
            return "<libprune.Model, closed>"
        c = self.cost()
        return (
            f"<libprune.Model {self.architecture}: {c.parameters / 1e6:.3f} M parameters, "
            f"{c.macs / 1e9:.3f} GMACs at {c.height}x{c.width}, "
            f"{c.int8_layers} of {c.layers} layers INT8, {self.output}>"
        )

    def _repr_html_(self) -> str:
        if self.closed:
            return "<i>closed model</i>"
        d = self.inspect()
        origin = d["origin"]
        kept = [
            f"{100 * d[k] / origin[o]:.1f} %" if origin[o] else "-"
            for k, o in (("parameters", "parameters"), ("macs", "macs"), ("bytes", "bytes"))
        ]
        rows = [
            ["parameters", f"{d['parameters']:,}", kept[0]],
            ["multiply-accumulates", f"{d['macs'] / 1e9:.3f} G", kept[1]],
            ["bytes of parameters", f"{d['bytes'] / 1e6:.2f} MB", kept[2]],
            ["layers in INT8", f"{d['int8_layers']} of {d['weighted_layers']}", ""],
            ["input, height x width", " x ".join(map(str, d["size"])), ""],
            ["output", d["output"], ""],
            ["licence of the weights", d.get("license") or "not stated", ""],
            ["history", " > ".join(s["step"] for s in d["history"]) or "-", ""],
        ]
        return _display.table(["", "now", "of the original"], rows, str(d["architecture"]))

    # --- running ---------------------------------------------------------------------------

    def session(self, **keywords: Any) -> Session:
        """A :class:`Session` of this model; takes its arguments."""
        return Session(self, **keywords)

    def __call__(self, images: Any, **keywords: Any) -> NDArray[np.float32]:
        """Depth of pictures, as :meth:`Session.__call__`, with a session that is made once."""
        if self._session is None or self._session.closed:
            self._session = Session(self)
        with pinned(self):
            return self._session(images, **keywords)

    # --- copying and saving ----------------------------------------------------------------

    def clone(self, context: Context | None = None) -> Model:
        """A copy, in another context where one is given; memory is shared until one changes."""
        out = ffi.new("prune_model **")
        target = context or self._context
        with pinned(self, target) as (pointer, context_pointer):
            check(lib.prune_model_clone_to(out, context_pointer, pointer))
            known = [h for h in self._contexts if h is not target._handle]
            return Model._wrap(out[0], target, [target._handle, *known])

    @documented("save")
    def save(self, path: str | os.PathLike[str], **options: Any) -> Path:
        """Writes the model: packed (``.safetensors.zst``) or as plain ``.safetensors``.

        Parameters
        ----------
        path : path
            Written to a temporary file and renamed when complete.

        Returns
        -------
        Path

        Raises
        ------
        FileError
            If the file cannot be written.
        OptionError
        """
        filled = Filled(["save"], options, "save")
        with self._context._exclusive(), pinned(self) as (pointer,):
            check(lib.prune_model_save(pointer, encode(path), filled["save"]))
        return Path(path)

    # --- weights, for other frameworks -----------------------------------------------------

    def _parameters(self, pointer: Any) -> list[dict[str, Any]]:
        info = ffi.new("prune_parameter *")
        found = []
        for i in range(lib.prune_model_parameters(pointer)):
            info.struct_size = ffi.sizeof("prune_parameter")
            check(lib.prune_model_parameter_info(pointer, i, info))
            found.append(
                {
                    "index": i,
                    "name": str(text_of(info.name)),
                    "op": str(text_of(info.operator_name)),
                    "slot": str(text_of(info.slot)),
                    "shape": tuple(int(info.shape[a]) for a in range(info.rank)),
                    "count": int(info.count),
                }
            )
        return found

    def state_dict(self) -> dict[str, NDArray[np.float32]]:
        """All weights by name, in PyTorch's layouts.

        Returns
        -------
        dict of float32 arrays
            Convolutions O x I x kh x kw, transposed ones I x O x kh x kw, linear layers O x I.
            Layers whose integers are baked (loaded from a packed file) give the floats that these
            stand for. :meth:`load_state_dict` takes them back.
        """
        state = {}
        with pinned(self) as (pointer,):
            for p in self._parameters(pointer):
                values = np.empty(p["shape"], np.float32)
                data = ffi.cast("float *", values.ctypes.data)
                check(lib.prune_model_parameter_read(pointer, p["index"], data, p["count"]))
                state[p["name"]] = np.ascontiguousarray(values.transpose(_to_torch(p)))
        return state

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Takes weights in the layouts of :meth:`state_dict`, for example tuned in PyTorch.

        Parameters
        ----------
        state : mapping of arrays or tensors
            As :meth:`state_dict` or ``libprune.torch.to_module(model).state_dict()`` gives it.
        strict : bool
            Every parameter must be there, and nothing else.

        Raises
        ------
        ArgumentError
            For missing or unknown names, or values that are not finite.
        ShapeError
            For another shape. In all cases the model is unchanged.
        """
        with self._context._exclusive(), pinned(self) as (pointer,):
            known = {p["name"]: p for p in self._parameters(pointer)}
            missing, unknown = known.keys() - state.keys(), state.keys() - known.keys()
            if strict and (missing or unknown):
                names = ", ".join(sorted(missing | unknown)[:5])
                raise errors.ArgumentError(
                    f"the state has {len(missing)} names too few and {len(unknown)} too many: "
                    f"{names}"
                )
            chosen = [(known[name], _array(state[name])) for name in known if name in state]
            arrays = []
            changes = ffi.new("prune_parameter_values[]", max(len(chosen), 1))
            for i, (p, given) in enumerate(chosen):
                order = _to_torch(p)
                wanted = tuple(p["shape"][a] for a in order)
                if given.shape != wanted:
                    raise errors.ShapeError(
                        f"parameter '{p['name']}': expected {wanted}, got {given.shape}"
                    )
                values = np.ascontiguousarray(given.transpose(np.argsort(order)), np.float32)
                arrays.append(values)
                changes[i].index, changes[i].count = p["index"], p["count"]
                changes[i].values = ffi.cast("const float *", values.ctypes.data)
            check(lib.prune_model_parameters_write(pointer, changes, len(chosen)))
        if self._session is not None:
            self._session.close()

    @classmethod
    @documented("load")
    def from_torch_state_dict(
        cls, state: Mapping[str, Any], *, context: Context | None = None, **options: Any
    ) -> Model:
        """A model from the state dict of an original network, without a file.

        Parameters
        ----------
        state : mapping of tensors or arrays
            Of Depth Anything V2 in the original or the Hugging Face naming, wrapped or bare.
            PyTorch is not needed for arrays.

        Raises
        ------
        UnsupportedError, ModelFormatError
            As :func:`load`.
        """
        import tempfile

        from ._safetensors import write

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "state_dict.safetensors")
            write(path, {name: _array(value) for name, value in state.items()})
            return load(path, context=context, **options)


def _to_torch(parameter: dict[str, Any]) -> tuple[int, ...]:
    """The axes of a parameter in PyTorch's order."""
    rank = len(parameter["shape"])
    if rank == 4 and parameter["slot"] == "weight":
        return (3, 2, 0, 1) if parameter["op"] == "conv_transpose" else (0, 3, 1, 2)
    return tuple(range(rank))


def _array(value: Any) -> NDArray[Any]:
    """A tensor or array as a NumPy array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if not value.dtype.is_floating_point:
            return np.asarray(value.numpy())
        return np.asarray(value.float().numpy())
    return np.asarray(value)


def _bundled() -> Path:
    return Path(__file__).parent / "models" / "bundled.safetensors.zst"


@documented("load")
def load(path: str | os.PathLike[str], *, context: Context | None = None, **options: Any) -> Model:
    """Opens a model.

    Parameters
    ----------
    path : path
        A packed file (``.safetensors.zst``), a ``.safetensors`` file, a Hugging Face folder, an
        original ``.pth``, an RT-MonoDepth folder, or ``"bundled"``: the small model that comes with
        the package. Nothing in a file is ever executed.
    context : Context, optional
        Default: the shared one.

    Returns
    -------
    Model

    Raises
    ------
    FileError
        If the file cannot be read.
    ModelFormatError
        If its content is malformed; names the tensor.
    UnsupportedError
        If it holds no network that the library knows.
    OptionError
    """
    chosen = context or default_context()
    name = os.fspath(path)
    actual = str(_bundled()) if name == "bundled" and not os.path.exists(name) else name
    filled = Filled(["load"], options, "load")
    out = ffi.new("prune_model **")
    with chosen._exclusive(), pinned(chosen) as (pointer,):
        status = lib.prune_model_load(out, pointer, encode(actual), filled["load"])
        check(status, errors.ModelFormatError)
        return Model._wrap(out[0], chosen)


@documented("new")
def new(*, context: Context | None = None, **options: Any) -> Model:
    """A network with random weights, to be trained with :func:`tune`.

    Returns
    -------
    Model

    Raises
    ------
    OptionError, ArgumentError
    """
    chosen = context or default_context()
    filled = Filled(["new"], options, "new")
    out = ffi.new("prune_model **")
    with chosen._exclusive(), pinned(chosen) as (pointer,):
        check(lib.prune_model_new(out, pointer, filled["new"]))
        return Model._wrap(out[0], chosen)


@documented("load")
def verify(
    path: str | os.PathLike[str], *, context: Context | None = None, **options: Any
) -> dict[str, Any]:
    """Says what a file is and checks all of it, like ``prune verify``.

    Parameters
    ----------
    path : path
        A model or checkpoint, a picture, a depth map.

    Returns
    -------
    dict
        ``ok``, ``kind``, ``problem`` where it is not ok, ``checks``, ``warnings`` and what the file
        holds.

    Raises
    ------
    FileError
        If the file cannot be read; a bad file is no exception but a verdict.
    OptionError
    """
    chosen = context or default_context()
    filled = Filled(["load"], options, "verify")
    out = ffi.new("char **")
    with chosen._exclusive(), pinned(chosen) as (pointer,):
        check(lib.prune_file_verify(out, pointer, encode(path), filled["load"]))
    verdict: dict[str, Any] = parse_json(out[0])
    return verdict
