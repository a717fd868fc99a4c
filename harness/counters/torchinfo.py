"""torchinfo 1.8.0: parameters of called leaf modules times dimensions of their outputs.

Rules after torchinfo/layer_info.py, torchinfo/torchinfo.py and torchinfo/model_statistics.py of
torchinfo 1.8.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from harness.account import Account
from harness.conventions import parameters, products_inside
from harness.counters import torchinfo_rows
from harness.counters.protocol import Answer, Counter, Quantity
from harness.counters.torchinfo_rows import is_leaf
from harness.records import Context, Dict, Module, Tensor, Trace
from harness.walk import Visit, module_calls


class UnreadableOutput(TypeError):
    """torchinfo raises on such an output."""


def output_size(output: Any) -> tuple[int, ...]:
    """The size that torchinfo takes an output to have: its first tensor's, a mapping's last."""
    if output is None:
        return ()
    if isinstance(output, Tensor):
        return output.shape
    if isinstance(output, Dict):
        return output_size(output.values[0 if output.keys[0] == "PackedSequence" else -1])
    if isinstance(output, tuple):
        return output_size(output[0]) if output else ()
    raise UnreadableOutput(f"torchinfo cannot size an output of {output!r}")


def charged(trace: Trace, visit: Visit, module: Module) -> tuple[int, int]:
    """(from weights, from biases) of one call of a leaf module."""
    size = output_size(visit.call.output)
    amounts = {"weight": 0, "bias": 0}
    seen: set[int] = set()
    for name, number in module.parameters:
        kind = "weight" if "weight" in name else "bias"
        if kind not in name or number in seen:
            continue
        seen.add(number)
        if name in amounts and "Conv" in module.type_name:
            times = prod(size[:1] + size[2:])
        elif name in amounts:
            times = size[0]
        else:
            times = prod(size[:2])
        amounts[kind] += trace.parameters[number].numel * times
    return amounts["weight"], amounts["bias"]


NORMALISATIONS = {
    "BatchNorm": "batch normalisation parameters",
    "LayerNorm": "layer normalisation parameters",
    "GroupNorm": "group normalisation parameters",
    "InstanceNorm": "instance normalisation parameters",
    "Embedding": "embedding table",
}


def misread(module: Module) -> str:
    """Why a layer's charge differs from its products."""
    name = module.type_name
    if "Conv" in name and "Transpose" in name:
        return "transposed convolution counted on its output"
    if "Conv" in name:
        return "unbatched convolution read as a batch"
    if "Linear" in name:
        return "linear layer multiplied by its first dimension only"
    if name in ("RNN", "GRU", "LSTM"):
        return "recurrent steps taken from the first two dimensions"
    return f"{name} charged by its parameters"


def charges(trace: Trace) -> Iterator[tuple[str, str, int]]:
    for visit, module in module_calls(trace):
        if not is_leaf(trace, visit.call.module):
            continue
        weights, biases = charged(trace, visit, module)
        inside = products_inside(visit)
        if not weights or not inside:
            kinds = NORMALISATIONS.items()
            known = (label for start, label in kinds if module.type_name.startswith(start))
            yield visit.path, next(known, f"{module.type_name} parameters"), weights + biases
            continue
        yield from ((visit.path, term, macs) for term, macs in inside.items())
        yield visit.path, misread(module), weights - sum(inside.values())
        yield visit.path, f"{next(iter(inside)).removesuffix(' product')} bias", biases


def price_compute(trace: Trace) -> Account:
    return Account.of(charges(trace))


def price_params(trace: Trace) -> Account:
    """Every row of the table, a module's only once; sharing is seen by module, not by parameter."""
    reference = parameters(trace)
    shared = torchinfo_rows.total_params(trace) - reference.total
    term = "shared parameters counted differently"
    return reference + Account.of([(trace.root.name, term, shared)])


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``summary(model, input_data=...)``; ``total_mult_adds`` and ``total_params`` of its result."""
    from torchinfo import summary

    data = list(args) if args else kwargs
    statistics = summary(model, input_data=data, verbose=0, **(kwargs if args else {}))
    modules: dict[str, int] = {}
    for layer in statistics.summary_list:
        if layer.is_leaf_layer:
            path = path_of(layer)
            modules[path] = modules.get(path, 0) + layer.macs
    return Answer(statistics.total_mult_adds, statistics.total_params, modules)


def path_of(layer: Any) -> str:
    names = []
    while layer.parent_info is not None:
        names.append(layer.var_name)
        layer = layer.parent_info
    return ".".join(reversed(names))


COUNTER = Counter(
    id="torchinfo",
    distribution="torchinfo",
    description="parameters x output sizes of leaf layers, under no_grad",
    source="torchinfo/layer_info.py, torchinfo/torchinfo.py (1.8.0)",
    quantities={
        "compute": Quantity("Total mult-adds", "MAC", price_compute),
        "params": Quantity("Total params", "parameter", price_params),
    },
    read=read,
    hooks=lambda name: True,
    contexts=(Context(mode="eval"),),
)
