"""torchstat 0.0.7's other figure, MAdd: multiplications and additions of one image.

Rules after torchstat/compute_madd.py of torchstat 0.0.7.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

from flop_harness.conventions.products import products_inside
from flop_harness.counters import torchstat
from flop_harness.counters.pricing.layers import biased
from flop_harness.counters.pricing.matched import corrected
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.protocol import Answer, Quantity
from flop_harness.counters.torchstat import Rule
from flop_harness.records import Context, Module, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.walk import Visit


def multiplied(visit: Visit, term: str, per_position: int, positions: int, bias: int) -> Charges:
    """At each position so many multiplications, one addition less, and the bias."""
    macs = per_position * positions
    return [
        *corrected(products_inside(visit), term, macs),
        ("2 FLOPs per MAC", macs),
        ("K - 1 additions per output", -positions),
        (f"{term} bias", bias),
    ]


def convolution(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    return filtered(visit, module, "convolution", prod(y.shape[2:]))


def transposed(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    return filtered(visit, module, "transposed convolution", prod(x.shape[2:]))


def filtered(visit: Visit, module: Module, term: str, area: int) -> Charges:
    """Each filter at each position of an area: the output's, or the input's of a transposed one."""
    x, y, kernel = visit.call.args[0], visit.call.output, prod(module.config["kernel_size"])
    weights, outputs = kernel * (x.shape[1] // module.config["groups"]), area * y.shape[1]
    return multiplied(visit, term, weights, outputs, outputs if biased(visit, module) else 0)


def linear(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    return multiplied(visit, "linear", x.shape[1], y.shape[1], 0)


def bilinear(visit: Visit, module: Module, x: Tensor, y: Tensor) -> Charges:
    """Features of both inputs, and those of the second once more; ``x`` is the first."""
    first, second = visit.call.args
    products = first.shape[1] * second.shape[1] + second.shape[1]
    return multiplied(visit, "bilinear", products, y.shape[1], 0)


def sized(shape: tuple[int, ...]) -> int:
    """Elements of one image of a batch."""
    return prod(shape[1:])


def window(module: Module) -> int:
    kernel = module.config["kernel_size"]
    return prod(kernel) if isinstance(kernel, tuple) else kernel**2


MADD: dict[str, Rule] = {
    "conv.Conv2d": convolution,
    "conv.ConvTranspose2d": transposed,
    "batchnorm.BatchNorm2d": lambda v, m, x, y: [("batch normalisation", 4 * sized(x.shape))],
    "pooling.MaxPool2d": lambda v, m, x, y: [("max pooling", (window(m) - 1) * sized(y.shape))],
    "pooling.AvgPool2d": lambda v, m, x, y: [("average pooling", window(m) * sized(y.shape))],
    "activation.ReLU": lambda v, m, x, y: [("ReLU", sized(x.shape))],
    "activation.ReLU6": lambda v, m, x, y: [("ReLU6", sized(x.shape))],
    "activation.Softmax": lambda v, m, x, y: [("softmax", 3 * sized(x.shape) - 1)],
    "linear.Linear": linear,
    "linear.Bilinear": bilinear,
}


def price_compute(trace: Trace) -> Account:
    return torchstat.price(trace, MADD)


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """The sum of its column ``MAdd``."""
    return Answer(compute=int(sum(row.MAdd for row in torchstat.nodes(model, args))))


COUNTER = replace(
    torchstat.COUNTER,
    id="torchstat-madd",
    description="a table of leaf modules for one image: MAdd, multiplications and additions",
    source="torchstat/compute_madd.py (0.0.7)",
    quantities={"compute": Quantity("MAdd", "FLOP", price_compute)},
    read=read,
    usage=replace(torchstat.USAGE, figures={"compute": "sum(row.MAdd for row in rows)"}),
)
