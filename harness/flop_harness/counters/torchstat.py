"""torchstat 0.0.7: leaf modules of an image classifier; Flops are multiplications and biases.

Rules after torchstat/compute_flops.py, torchstat/model_hook.py and torchstat/stat_tree.py of torchstat
0.0.7. It makes its input itself, one image; of several calls of a module the last one counts. It
patches ``__call__`` of the classes of leaf modules for good, leaves buffers and eval mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from math import prod
from typing import Any, TypeAlias

from flop_harness.conventions.products import products_inside
from flop_harness.conventions.reference import parameter_term
from flop_harness.counters.pricing.layers import biased
from flop_harness.counters.pricing.matched import corrected
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.protocol import (
    Answer,
    Counter,
    Inputs,
    Quantity,
    Unavailable,
    every,
    positionally,
)
from flop_harness.counters.usage import Usage
from flop_harness.records import Context, Module, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import is_a, subtree
from flop_harness.trace.walk import Visit, module_calls

Rule: TypeAlias = Callable[[Visit, Module, Tensor, Tensor], Charges]


def one_image(model: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Inputs:
    """One input of the same size without its batch, drawn anew; ``Unavailable`` for several."""
    import torch

    args, _ = positionally(model, args, kwargs)
    if len(args) != 1 or not isinstance(args[0], torch.Tensor):
        raise Unavailable("it makes its own input: one image of random numbers")
    return (torch.rand(1, *args[0].shape[1:]),), {}


def convolution(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    """Every filter is charged all channels of the input that its group shares out among filters."""
    config = module.config
    macs = prod(config["kernel_size"]) * x.shape[1] * (y.shape[1] // config["groups"])
    positions = y.shape[0] * prod(y.shape[2:])
    return [
        *corrected(products_inside(visit), "convolution", macs * positions),
        ("convolution bias", y.shape[1] * positions if biased(visit, module) else 0),
    ]


def batch_norm(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    return [("batch normalisation", x.numel * (2 if module.config["affine"] else 1))]


def linear(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    return corrected(products_inside(visit), "linear", x.numel * y.shape[-1])


def by_input(term: str) -> Rule:
    return lambda visit, module, x, y: [(term, x.numel)]


def upsample(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    """One element of the output's batch without its channels, once for each element of the batch."""
    return [("upsampling", x.shape[0] * prod(y.shape[2:]))]


FLOPS: dict[str, Rule] = {
    "conv.Conv2d": convolution,
    "batchnorm.BatchNorm2d": batch_norm,
    "pooling.AvgPool2d": by_input("average pooling"),
    "pooling.MaxPool2d": by_input("max pooling"),
    "activation.ReLU": by_input("ReLU"),
    "activation.ReLU6": by_input("ReLU6"),
    "activation.PReLU": by_input("PReLU"),
    "activation.ELU": by_input("ELU"),
    "activation.LeakyReLU": by_input("LeakyReLU"),
    "upsampling.Upsample": upsample,
    "linear.Linear": linear,
}
"""By what a module is an instance of, the first that fits"""


def last_calls(trace: Trace) -> Iterator[tuple[Visit, Module]]:
    """The last call of each leaf module."""
    calls = {visit.call.module: (visit, module) for visit, module in module_calls(trace)}
    leaves = {index for index in subtree(trace, 0) if not trace.modules[index].children}
    return (found for index, found in calls.items() if index in leaves)


def price(trace: Trace, rules: dict[str, Rule]) -> Account:
    """What the rules charge for the last calls of leaf modules."""
    return Account.of(
        (visit.path, *charge)
        for visit, module in last_calls(trace)
        for charge in charged(visit, module, rules)
    )


def charged(visit: Visit, module: Module, rules: dict[str, Rule]) -> Charges:
    """By the first of the rules that fits; the tool fails where a layer is called by keyword."""
    names = (name for name in rules if is_a(module, f"torch.nn.modules.{name}"))
    rule, args = rules.get(next(names, "")), visit.call.args
    return rule(visit, module, args[0], visit.call.output) if rule and args else []


def price_compute(trace: Trace) -> Account:
    return price(trace, FLOPS)


def price_params(trace: Trace) -> Account:
    """What called leaf modules hold themselves, a parameter that two hold twice."""
    seen: set[int] = set()

    def charges() -> Iterator[tuple[str, str, int]]:
        for _, module in last_calls(trace):
            for _, number in module.parameters:
                again = number in seen
                seen.add(number)
                term = "shared parameters counted again" if again else parameter_term(module)
                yield module.path, term, trace.parameters[number].numel

    return Account.of(charges())


def nodes(model: Any, args: tuple[Any, ...]) -> list[Any]:
    """The rows of ``stat(model, (3, 224, 224))``, before pandas 2 fails to append their sum."""
    from torchstat import ModelStat

    size = tuple(args[0].shape[1:])
    with redirect_stdout(StringIO()):
        return ModelStat(model, size)._analyze_model()


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """The sums of its columns ``Flops`` and ``params``."""
    rows = nodes(model, args)
    flops, params = sum(row.Flops for row in rows), sum(row.parameter_quantity for row in rows)
    return Answer(int(flops), int(params))


USAGE = Usage(
    imports="from torchstat import ModelStat",
    call="rows = ModelStat(model, tuple(args[0].shape[1:]))._analyze_model()",
    figures={
        "compute": "sum(row.Flops for row in rows)",
        "params": "sum(row.parameter_quantity for row in rows)",
    },
    single=True,
    tensors=True,
)

COUNTER = Counter(
    id="torchstat",
    distribution="torchstat",
    description="a table of leaf modules for one image: Flops, multiplications and biases",
    source="torchstat/compute_flops.py, torchstat/model_hook.py (0.0.7)",
    quantities={
        "compute": Quantity("Flops", "MAC", price_compute),
        "params": Quantity("params", "parameter", price_params),
    },
    read=read,
    usage=USAGE,
    contexts=(Context(grad=True, mode="eval"),),
    inputs=one_image,
    hooks=every,
    overlay=("torchstat==0.0.7", "pandas==3.1.1", "python-dateutil==4.0.0"),
    optional=True,
)
