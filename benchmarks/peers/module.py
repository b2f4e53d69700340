"""The model that peers run: our graph as a PyTorch module for one input size, made fast.

:func:`libprune.torch.to_module` runs the graph as it is stored. Here what is known beforehand is
done beforehand, without changing what is computed: the position table is resampled once, and
linear layers that read the same value (q, k and v) become one product.
"""
import libprune.torch as graphs
import torch
from torch import nn
from torch.nn import functional as F


class Module(nn.Module):
    """N x 3 x H x W float32 in, N x H x W out."""

    def __init__(self, model, height, width):
        super().__init__()
        graph, state = model.graph, model.state_dict()
        self.output = next(iter(graph["outputs"].values()))
        self.steps, self.tensors = [], nn.ParameterList()
        fused = {}
        for node in graph["nodes"]:
            attributes = {**graphs._NEUTRAL, **node.get("attrs", {})}
            tensors = {slot: torch.from_numpy(state[name].copy())
                       for slot, name in node.get("params", {}).items()}
            if node["op"] == "token_embed":
                patch = next(n for n in graph["nodes"] if n["name"] == node["inputs"][0])
                rows, columns = patch["attrs"]["stride"]
                tensors = embed_tables(tensors, attributes, height // rows, width // columns)
            if node["op"] == "linear":
                first = fused.setdefault((node["inputs"][0], "bias" in tensors), len(self.steps))
                if first < len(self.steps):
                    self.join(first, node["name"], tensors)
                    continue
            self.steps.append({"op": node["op"], "names": [node["name"]], "inputs": node["inputs"],
                               "attributes": attributes, "slots": self.keep(tensors),
                               "widths": [len(tensors.get("weight", ()))]})

    def keep(self, tensors):
        slots = {}
        for slot, tensor in tensors.items():
            slots[slot] = len(self.tensors)
            self.tensors.append(nn.Parameter(tensor, requires_grad=False))
        return slots

    def join(self, first, name, tensors):
        """Appends the rows of a linear layer to those of another."""
        step = self.steps[first]
        step["names"].append(name)
        step["widths"].append(len(tensors["weight"]))
        for slot, index in step["slots"].items():
            self.tensors[index] = nn.Parameter(torch.cat([self.tensors[index], tensors[slot]]),
                                               requires_grad=False)

    def forward(self, image):
        values = {}
        for step in self.steps:
            if step["op"] == "input":
                values[step["names"][0]] = image
                continue
            x = [values[name] for name in step["inputs"]]
            p = {slot: self.tensors[index] for slot, index in step["slots"].items()}
            y = OPERATORS[step["op"]](x, p, step["attributes"])
            if len(step["names"]) == 1:
                values[step["names"][0]] = y
            else:
                values.update(zip(step["names"], y.split(step["widths"], dim=-1)))
        return values[self.output].squeeze(1)


def embed_tables(p, a, rows, columns):
    """Position vectors of this grid, and prefix tokens with theirs already added."""
    first = a["prefix"]
    tables = {"position": graphs._positions(p["position"][first:], a, rows, columns)}
    if first:
        tables["prefix"] = p["prefix"] + p["position"][:first]
    return tables


def token_embed(x, p, a):
    tokens = x[0].flatten(2).transpose(1, 2) + p["position"]
    if "prefix" not in p:
        return tokens
    return torch.cat([p["prefix"].expand(tokens.shape[0], -1, -1), tokens], dim=1)


def layer_norm(x, p, a):
    width = p["weight"].shape[0]
    if a["norm_width"] not in (0, width):  # channels that were cut count as zeros
        return graphs._layer_norm(x, p, a)
    return graphs._channels_last(
        x[0], lambda y: F.layer_norm(y, (width,), p["weight"], p["bias"], a["epsilon"]))


def attention(x, p, a):
    count, tokens, _ = x[0].shape
    q, k, v = (y.reshape(count, tokens, a["heads"], -1).transpose(1, 2) for y in x)
    y = F.scaled_dot_product_attention(q, k, v, scale=a["scale"])
    return y.transpose(1, 2).reshape(count, tokens, y.shape[1] * y.shape[3])


OPERATORS = {**graphs._OPERATORS, "token_embed": token_embed, "layer_norm": layer_norm,
             "attention": attention}
