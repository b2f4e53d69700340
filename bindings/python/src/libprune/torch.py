"""PyTorch: a model as an ``nn.Module`` with the same graph, to be tuned on a GPU, for example.

>>> module = libprune.torch.to_module(model).cuda()
>>> ...                                             # train as usual
>>> model.load_state_dict(module.state_dict())

Needs PyTorch 2.0 or later. The module computes in floating point, also where the model computes in
INT8; quantize after tuning.
"""

from __future__ import annotations

from typing import Any, Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from . import errors
from .model import Model

__all__ = ["GraphModule", "to_module"]

_NEUTRAL: dict[str, Any] = {
    "stride": [1, 1],
    "pad": [0, 0, 0, 0],
    "pad_mode": "zeros",
    "groups": 1,
    "heads": 1,
    "qk_width": 0,
    "v_width": 0,
    "norm_width": 0,
    "resize_mode": "nearest",
    "factor": 1,
    "grid": [0, 0],
    "prefix": 0,
    "position_rule": "offset",
    "scale": 1.0,
    "offset": 0.0,
    "epsilon": 1e-6,
    "alpha": 1.0,
}

Values = list[Tensor]
Parameters = dict[str, Tensor]
Attributes = dict[str, Any]


def _channels_last(x: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    """Applies a function of the last axis to tokens (N, T, C) or to a map (N, C, H, W)."""
    if x.dim() != 4:
        return function(x)
    return function(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _conv(x: Values, p: Parameters, a: Attributes) -> Tensor:
    top, left, bottom, right = a["pad"]
    mode = "reflect" if a["pad_mode"] == "reflect" else "constant"
    padded = F.pad(x[0], (left, right, top, bottom), mode) if any(a["pad"]) else x[0]
    return F.conv2d(padded, p["weight"], p.get("bias"), a["stride"], groups=a["groups"])


def _conv_transpose(x: Values, p: Parameters, a: Attributes) -> Tensor:
    return F.conv_transpose2d(x[0], p["weight"], p.get("bias"), a["stride"])


def _linear(x: Values, p: Parameters, a: Attributes) -> Tensor:
    return _channels_last(x[0], lambda y: F.linear(y, p["weight"], p.get("bias")))


def _layer_norm(x: Values, p: Parameters, a: Attributes) -> Tensor:
    def normalise(y: Tensor) -> Tensor:
        channels = y.shape[-1]
        width = a["norm_width"] or channels  # channels that were cut count as zeros
        mean = y.sum(-1, keepdim=True) / width
        squares = ((y - mean) ** 2).sum(-1, keepdim=True) + (width - channels) * mean**2
        return (y - mean) * torch.rsqrt(squares / width + a["epsilon"]) * p["weight"] + p["bias"]

    return _channels_last(x[0], normalise)


def _scale(x: Values, p: Parameters, a: Attributes) -> Tensor:
    return _channels_last(x[0], lambda y: y * p["weight"])


def _positions(table: Tensor, a: Attributes, rows: int, columns: int) -> Tensor:
    """The position table for this grid, bicubically sampled where it is another one."""
    grid_rows, grid_columns = a["grid"]
    same = (rows, columns) == (grid_rows, grid_columns)
    if same and (rows == columns or a["position_rule"] == "size"):
        return table
    old = table.reshape(1, grid_rows, grid_columns, -1).permute(0, 3, 1, 2)
    if a["position_rule"] == "size":
        new = F.interpolate(old, size=(rows, columns), mode="bicubic", align_corners=False)
    else:
        factors = ((rows + 0.1) / grid_rows, (columns + 0.1) / grid_columns)
        new = F.interpolate(old, scale_factor=factors, mode="bicubic", align_corners=False)
    return new.permute(0, 2, 3, 1).reshape(rows * columns, -1)


def _token_embed(x: Values, p: Parameters, a: Attributes) -> Tensor:
    count, _, rows, columns = x[0].shape
    first = a["prefix"]
    tokens = x[0].flatten(2).transpose(1, 2)
    tokens = tokens + _positions(p["position"][first:], a, rows, columns)
    if first == 0:
        return tokens
    prefix = (p["prefix"] + p["position"][:first]).expand(count, -1, -1)
    return torch.cat([prefix, tokens], dim=1)


def _tokens_to_map(x: Values, p: Parameters, a: Attributes) -> Tensor:
    count, _, rows, columns = x[1].shape
    return x[0][:, a["prefix"] :].transpose(1, 2).reshape(count, -1, rows, columns)


def _attention(x: Values, p: Parameters, a: Attributes) -> Tensor:
    count, tokens, _ = x[0].shape
    q, k, v = (y.reshape(count, tokens, a["heads"], -1).transpose(1, 2) for y in x)
    result = F.scaled_dot_product_attention(q, k, v, scale=a["scale"])
    return result.transpose(1, 2).reshape(count, tokens, -1)


def _add(x: Values, p: Parameters, a: Attributes) -> Tensor:
    total = x[0]
    for other in x[1:]:
        total = total + other
    return total


def _concat(x: Values, p: Parameters, a: Attributes) -> Tensor:
    return torch.cat(x, dim=1 if x[0].dim() == 4 else -1)


def _resize(x: Values, p: Parameters, a: Attributes) -> Tensor:
    size = tuple(a["factor"] * side for side in x[-1].shape[2:])
    if a["resize_mode"] == "nearest":
        return F.interpolate(x[0], size=size, mode="nearest")
    corners = a["resize_mode"] == "bilinear_corners"
    return F.interpolate(x[0], size=size, mode="bilinear", align_corners=corners)


#: Operator -> (inputs, parameters by slot, attributes) -> value; docs/format.md says what each is.
_OPERATORS: dict[str, Callable[[Values, Parameters, Attributes], Tensor]] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "linear": _linear,
    "layer_norm": _layer_norm,
    "scale": _scale,
    "token_embed": _token_embed,
    "tokens_to_map": _tokens_to_map,
    "attention": _attention,
    "add": _add,
    "concat": _concat,
    "resize": _resize,
    "relu": lambda x, p, a: F.relu(x[0]),
    "leaky_relu": lambda x, p, a: F.leaky_relu(x[0], a["alpha"]),
    "elu": lambda x, p, a: F.elu(x[0], a["alpha"]),
    "gelu": lambda x, p, a: F.gelu(x[0]),
    "sigmoid": lambda x, p, a: torch.sigmoid(x[0]),
    "affine": lambda x, p, a: x[0] * a["scale"] + a["offset"],
    "swiglu": lambda x, p, a: F.silu(x[0]) * x[1],
}


class GraphModule(nn.Module):  # type: ignore[misc]
    """A model's graph in PyTorch, with the same parameter names as :meth:`Model.state_dict`.

    ``forward`` takes what :meth:`Session.prepare` gives, N x 3 x H x W float32, and returns
    N x H x W, as :meth:`Session.__call__` does for such input.
    """

    def __init__(self, graph: dict[str, Any], state: dict[str, Any]) -> None:
        super().__init__()
        self._steps: list[dict[str, Any]] = []
        self._output = next(iter(graph["outputs"].values()))
        last_use: dict[str, int] = {}
        for i, node in enumerate(graph["nodes"]):
            if node["op"] != "input" and node["op"] not in _OPERATORS:
                raise errors.UnsupportedError(
                    f"node '{node['name']}': operator '{node['op']}' has no PyTorch form here"
                )
            for slot, name in node.get("params", {}).items():
                module = self._container(node["name"])
                module.register_parameter(slot, nn.Parameter(torch.from_numpy(state[name].copy())))
            for name in node["inputs"]:
                last_use[name] = i
            self._steps.append(
                {
                    "op": node["op"],
                    "name": node["name"],
                    "inputs": node["inputs"],
                    "slots": list(node.get("params", {})),
                    "attributes": {**_NEUTRAL, **node.get("attrs", {})},
                }
            )
        for i, step in enumerate(self._steps):  # values that nobody reads later are let go
            step["dead"] = [
                name for name in step["inputs"] if last_use[name] == i and name != self._output
            ]

    def _container(self, path: str) -> nn.Module:
        """The module called ``blocks.3.attn.q``, made on the way."""
        module: nn.Module = self
        for name in path.split("."):
            if name not in module._modules:
                module.add_module(name, nn.Module())
            module = module._modules[name]
        return module

    def forward(self, image: Tensor) -> Tensor:
        """Depth in the model's own units, N x H x W."""
        values: dict[str, Tensor] = {}
        for step in self._steps:
            if step["op"] == "input":
                values[step["name"]] = image
                continue
            inputs = [values[name] for name in step["inputs"]]
            parameters: Parameters = {}
            if step["slots"]:
                module = self.get_submodule(step["name"])
                parameters = {slot: getattr(module, slot) for slot in step["slots"]}
            operator = _OPERATORS[step["op"]]
            values[step["name"]] = operator(inputs, parameters, step["attributes"])
            for name in step["dead"]:
                values.pop(name, None)
        return values[self._output].squeeze(1)


def to_module(model: Model) -> GraphModule:
    """A model as a PyTorch module that runs the same graph.

    Parameters
    ----------
    model : Model
        Its weights are copied.

    Returns
    -------
    GraphModule
        On the CPU, in training mode, all weights trainable. Its ``state_dict()`` goes back with
        :meth:`Model.load_state_dict`.

    Raises
    ------
    UnsupportedError
        For an operator without a PyTorch form.
    """
    return GraphModule(model.graph, model.state_dict())
