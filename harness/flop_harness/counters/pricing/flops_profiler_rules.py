"""What DeepSpeed's flops profiler and its fork calflops charge a function, from its arguments alone.

Amounts are FLOPs. Rules after deepspeed/profiling/flops_profiler/profiler.py (0.19.8) and
calflops/pytorch_ops.py (0.3.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from math import prod
from typing import Any, NamedTuple, TypeAlias

from flop_harness.conventions.products import products_inside
from flop_harness.counters.pricing.layers import tensors_of
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.records import Call, Module, Tensor, Trace
from flop_harness.trace.walk import Visit

F, T, M = "torch.nn.functional", "torch", "torch.Tensor"
DIMENSIONS = (1, 2, 3)


class Multiplied(NamedTuple):
    """MACs that a call is charged, why they may not be those that run, and FLOPs charged beside them."""

    macs: int
    why: str = ""
    beside: tuple[tuple[str, int], ...] = ()


Rule: TypeAlias = Callable[[Visit], Charges]
Product: TypeAlias = Callable[[Visit], Multiplied]


@cache  # one rule for all names of a function: a nested call of it is told by that
def in_flops(product: Product) -> Rule:
    """The rule of the table of FLOPs for a product."""

    def rule(visit: Visit) -> Charges:
        macs, why, beside = product(visit)
        return [*multiplied(visit, 2 * macs, why), *beside]

    return rule


@cache
def in_macs(product: Product) -> Rule:
    """The rule of the table of MACs for a product."""

    def rule(visit: Visit) -> Charges:
        macs, why, _ = product(visit)
        true = products_inside(visit)
        return [*true.items(), (why or by_shapes(true), macs - sum(true.values()))]

    return rule


def multiplied(visit: Visit, flops: int, why: str = "") -> Charges:
    """The products that run in a call, twice, and what the tool makes of them beyond that."""
    true = products_inside(visit)
    done = sum(true.values())
    return [*true.items(), ("2 FLOPs per MAC", done), (why or by_shapes(true), flops - 2 * done)]


def by_shapes(true: Mapping[str, int]) -> str:
    return f"{main_term(true)} by its shapes"


def main_term(true: Mapping[str, int]) -> str:
    """The name of what runs; of a product where nothing that is one is seen."""
    return next(iter(true), "matrix product")


def of_input(call: Call) -> Tensor:
    return call.argument(0, "input")


# ------------------------------------------------------------------------------------ convolutions


def each(value: Any, length: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * length


def sized_positions(size: Any, output: Tensor) -> int | None:
    """Output positions by the ``size`` that an interpolation is given: of one number that number.

    Read off the output, for sizes may be tensors. None without.
    """
    positions = output.shape[2:]
    if size is None:
        return None
    return prod(positions) if isinstance(size, tuple) else positions[0]


def forward_size(call: Call, first: int, dilation_at: int) -> list[int]:
    """Output lengths of a convolution by its formula; odd 'same' padding is rounded down.

    ``first`` is the position of the argument ``stride``, before ``padding``.
    """
    x, kernel = of_input(call).shape[2:], call.argument(1, "weight").shape[2:]
    strides = each(call.argument(first, "stride", 1), len(x))
    dilations = each(call.argument(dilation_at, "dilation", 1), len(x))
    padding = call.argument(first + 1, "padding", 0)
    if padding == "same":
        padding = tuple(d * (k - 1) // 2 for d, k in zip(dilations, kernel, strict=False))
    paddings = each(0 if padding == "valid" else padding, len(x))
    return [
        (size + 2 * paddings[i] - (dilations[i] * (kernel[i] - 1) + 1)) // strides[i] + 1
        for i, size in enumerate(x)
    ]


def convolution(visit: Visit) -> Multiplied:
    """kernel x Cin x (Cout // g) per output position, and the bias per output."""
    call = visit.call
    x, weight = of_input(call).shape, call.argument(1, "weight").shape
    positions = x[0] * prod(forward_size(call, 3, 5))
    macs = prod(weight[2:]) * x[1] * (weight[0] // call.argument(6, "groups", 1)) * positions
    unbatched = len(x) < len(weight)
    why = "unbatched convolution read as a batch" if unbatched else "odd 'same' padding rounded"
    biased = call.argument(2, "bias") is not None
    return Multiplied(macs, why, (("convolution bias", weight[0] * positions if biased else 0),))


# ------------------------------------------------------------------------------ products, elements


def linear(visit: Visit) -> Multiplied:
    return Multiplied(of_input(visit.call).numel * visit.call.argument(1, "weight").shape[0])


def matrix_product(visit: Visit) -> Multiplied:
    """Elements of the first operand x last dimension of the second."""
    x, y = of_input(visit.call), visit.call.argument(1, "other")
    return Multiplied(x.numel * y.shape[-1], "vector or broadcast operand misread")


def added_product(visit: Visit) -> Multiplied:
    """A product and, whatever ``beta``, one per element of what it is added to."""
    call = visit.call
    x, y = call.argument(1, "mat1"), call.argument(2, "mat2")
    bias = f"{main_term(products_inside(visit))} bias"
    return Multiplied(x.numel * y.shape[-1], beside=((bias, of_input(call).numel),))


def attention(visit: Visit) -> Multiplied:
    """Both products of attention; a causal mask saves nothing."""
    q, k, v = (visit.call.argument(i, name) for i, name in enumerate(("query", "key", "value")))
    keys = k.shape[-2]
    macs = q.numel * keys + prod(q.shape[:-1]) * keys * v.shape[-1]
    return Multiplied(macs, "attention product read from input lengths")


def einsum(visit: Visit) -> Charges:
    """numpy's operation count of the best contraction path, to the digits that it prints."""
    import numpy as np

    (equation,) = (value for value in visit.call.args if isinstance(value, str))
    operands = [value for value in visit.call.args if isinstance(value, Tensor)]
    empties = [np.broadcast_to(0.0, operand.shape) for operand in operands]
    report = np.einsum_path(renamed(equation), *empties, optimize="optimal")[1]
    line = next(line for line in report.split("\n") if "optimized flop" in line.lower())
    flops = int(float(line.split(":")[-1]))
    return multiplied(visit, flops, "einsum counted by numpy's contraction path")


def renamed(equation: str) -> str:
    """The letters as a, b, c, ... in the order of their appearance; no blanks."""
    compact = equation.replace(" ", "")
    letters = dict.fromkeys(letter for letter in compact if letter.isalpha())
    return compact.translate({ord(letter): 97 + i for i, letter in enumerate(letters)})


def per_input(name: str) -> Rule:
    return lambda visit: [(name, of_input(visit.call).numel)]


def normalisation(name: str, weight_at: int) -> Rule:
    """5 per element with a weight, 4 without; a batch norm that only scales, 2 or 1."""

    def rule(visit: Visit) -> Charges:
        call = visit.call
        scaled = call.argument(weight_at, "weight") is not None
        stored = name == "batch normalisation" and not call.argument(5, "training", False)
        amount = (2 if scaled else 1) if stored else (5 if scaled else 4)
        return [(name, of_input(call).numel * amount)]

    return rule


ELEMENTWISE = {
    "relu": "ReLU", "prelu": "PReLU", "elu": "ELU", "leaky_relu": "LeakyReLU", "relu6": "ReLU6",
    "silu": "SiLU", "gelu": "GELU", "softmax": "softmax",
    **{f"avg_pool{n}d": "average pooling" for n in DIMENSIONS},
    **{f"max_pool{n}d": "max pooling" for n in DIMENSIONS},
    **{f"adaptive_avg_pool{n}d": "adaptive average pooling" for n in DIMENSIONS},
    **{f"adaptive_max_pool{n}d": "adaptive max pooling" for n in DIMENSIONS},
}  # fmt: skip
PRODUCTS: dict[str, Product] = {
    **{f"{F}.conv{n}d": convolution for n in DIMENSIONS},
    f"{F}.linear": linear,
    **dict.fromkeys((f"{T}.matmul", f"{M}.matmul"), matrix_product),
    **dict.fromkeys((f"{T}.addmm", f"{M}.addmm", f"{T}.baddbmm"), added_product),
}
OTHERS: dict[str, Rule] = {
    **{f"{F}.{name}": per_input(label) for name, label in ELEMENTWISE.items()},
    f"{F}.batch_norm": normalisation("batch normalisation", 3),
    f"{F}.layer_norm": normalisation("layer normalisation", 2),
    f"{F}.group_norm": normalisation("group normalisation", 2),
    f"{F}.instance_norm": normalisation("instance normalisation", 3),
    f"{T}.einsum": einsum,
}
"""What has FLOPs and no MACs."""


# -------------------------------------------------------------------------------- recurrent layers


RECURRENT = frozenset(
    f"torch.nn.modules.rnn.{kind}{form}" for kind in ("RNN", "GRU", "LSTM") for form in ("", "Cell")
)
PER_HIDDEN = {"RNN": 1, "GRU": 7, "LSTM": 10}
"""Element-wise operations of one step for each hidden element."""


def recurrent(trace: Trace, visit: Visit, module: Module) -> Charges:
    """Every layer's forward weights, for each step of the input's first two dimensions."""
    x, config = visit.call.args[0], module.config
    held = tensors_of(trace, module)
    cell = module.type_name.endswith("Cell")
    steps = x.shape[0] if cell else x.shape[0] * x.shape[1] * (2 if config["bidirectional"] else 1)
    layers = [""] if cell else [f"_l{layer}" for layer in range(config["num_layers"])]
    names = [f"{side}{layer}" for layer in layers for side in ("ih", "hh")]
    weights = [held[f"weight_{name}"] for name in names]
    biases = sum(held[f"bias_{name}"].numel for name in names) if config["bias"] else 0
    hidden = config["hidden_size"] * len(layers) * PER_HIDDEN[module.type_name.removesuffix("Cell")]
    return [
        *multiplied(visit, 2 * steps * sum(weight.numel for weight in weights),
                    "recurrent steps, directions or projection counted differently"),
        ("K - 1 additions per recurrent output", -steps * sum(w.shape[0] for w in weights)),
        ("recurrent bias", steps * biases),
        ("recurrent cell arithmetic", steps * hidden),
    ]  # fmt: skip
