"""torchinfo 1.8.0: parameters of called leaf modules times dimensions of their outputs.

Rules after torchinfo/layer_info.py, torchinfo/torchinfo.py and torchinfo/model_statistics.py of
torchinfo 1.8.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

from flop_harness.conventions.products import products_inside
from flop_harness.conventions.reference import registered_parameters
from flop_harness.counters.pricing import torchinfo_rows
from flop_harness.counters.pricing.copies import original
from flop_harness.counters.pricing.layers import held_at
from flop_harness.counters.pricing.torchinfo_rows import (
    elements_after,
    is_leaf,
    remaining,
    scripted,
)
from flop_harness.counters.protocol import (
    Answer,
    Counter,
    Inputs,
    Quantity,
    every,
    named,
    one_as_it_is,
)
from flop_harness.counters.ptflops_aten import made_later
from flop_harness.counters.usage import Usage
from flop_harness.records import Context, Dict, Module, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.walk import Visit, module_calls


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
        return nested_size(output)
    raise UnreadableOutput(f"torchinfo cannot size an output of {output!r}")


def nested_size(value: Any) -> tuple[int, ...]:
    """The size of the first tensor on the way down; what has none is empty."""
    if isinstance(value, (Tensor, Dict)):
        return output_size(value)
    return nested_size(value[0]) if isinstance(value, tuple) and value else ()


def charged(trace: Trace, visit: Visit, module: Module) -> tuple[int, int]:
    """(from weights, from biases) of one call of a leaf module."""
    size = output_size(visit.call.output)
    amounts = {"weight": 0, "bias": 0}
    seen: set[int | str] = set()
    held = {name: n for name, (n, _) in held_at(trace, visit).items()}
    for full_name, number, elements in named_parameters(trace, module, held):
        name = unmasked(module, full_name)
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
        amounts[kind] += elements * times
    return amounts["weight"], amounts["bias"]


Named = Iterator[tuple[str, int | str, int]]
"""(name, number or, of one that is gone, name, elements)"""


def named_parameters(trace: Trace, module: Module, held: Mapping[str, int]) -> Named:
    """Those that a leaf holds, and those of what its forward pass has made and put below it."""
    numbers = dict(module.parameters)
    for name, elements in held.items():
        yield name, numbers.get(name, name), remaining(module, name, elements)
    for child in module.config.get("children_after", ()):
        other = trace.modules[child]
        below = named_parameters(trace, other, elements_after(trace, other))
        yield from ((f"below.{name}", number, elements) for name, number, elements in below)


def unmasked(module: Module, name: str) -> str:
    """``weight_orig`` by its own name, if it is pruned; not if it is anything else."""
    plain = name.removesuffix("_orig")
    return plain if f"{plain}_mask.sum" in module.config else name


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


def seen_as_leaf(trace: Trace, index: int, places: Mapping[int, object]) -> bool:
    """Whether a call is of a leaf that stands in the tree and can bear a hook."""
    return (
        original(trace, index) in places
        and is_leaf(trace, index)
        and not scripted(trace.modules[index])
    )


def by_module(trace: Trace) -> dict[str, int]:
    """Mult-adds of the table's leaf rows, by the last place where the tree holds the module."""
    places = torchinfo_rows.places(trace)
    sums: dict[str, int] = {}
    for visit, module in module_calls(trace):
        if seen_as_leaf(trace, visit.call.module, places):
            path = places[original(trace, visit.call.module)]
            sums[path] = sums.get(path, 0) + sum(charged(trace, visit, module))
    return sums


def charges(trace: Trace) -> Iterator[tuple[str, str, int]]:
    places = torchinfo_rows.places(trace)
    for visit, module in module_calls(trace):
        if not seen_as_leaf(trace, visit.call.module, places):
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


SHARED = "shared parameters counted differently"
CHANGED = "parameters changed before their layer is called"


def price_params(trace: Trace) -> Account:
    """Every row of the table, a module's only once; sharing is seen by module, not by parameter."""
    reference = registered_parameters(trace)
    if not torchinfo_rows.has_lazy(trace, 0):
        reference += made_later(trace)
    pruned = torchinfo_rows.params_of(trace, 0) - reference.total
    rows = torchinfo_rows.total_params(trace) - reference.total - pruned
    entered = any("entered" in module.config for module in trace.modules)
    return reference + Account.of(
        [
            ("", "pruned elements not counted", pruned),
            ("", CHANGED if entered else SHARED, rows),
        ]
    )


OWN = frozenset(
    """batch_dim cache_forward_pass col_names col_width depth device dtypes input_data input_size mode
    row_settings verbose""".split()
)
"""Keywords of ``summary`` itself, which the model does not get"""


@one_as_it_is
def apart_from_own(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Inputs:
    """All inputs by their names, in ``input_data``, where one is called like a keyword of ``summary``."""
    return named(model, args, kwargs) if OWN & kwargs.keys() else (args, kwargs)


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
        "compute": Quantity("Total mult-adds", "MAC", price_compute, by_module),
        "params": Quantity("Total params", "parameter", price_params),
    },
    on_meta=True,
    inputs=apart_from_own,
    read=read,
    usage=Usage(
        imports="from torchinfo import summary",
        call="result = summary(model, input_data=args, verbose=0)",
        named="result = summary(model, input_data=args, verbose=0, **kwargs)",
        all_named="result = summary(model, input_data=kwargs, verbose=0)",
        figures={"compute": "result.total_mult_adds", "params": "result.total_params"},
    ),
    hooks=every,
    contexts=(Context(mode="eval"),),
)
