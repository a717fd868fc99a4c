"""torch.profiler with ``with_flops=True``: six operators, by the sizes of their inputs.

Rules after saveExtraArgs and computeFlops in torch/csrc/profiler/util.cpp of torch 2.14: products are
two for each multiplication, ``add`` and ``mul`` one for each element of their first operand, whatever
it is broadcast to. What else runs (fused attention, recurrent kernels, convolutions in one or three
dimensions, on unbatched inputs or with ``padding="same"``) counts as nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

from flop_harness.counters.matched import matched, products_of
from flop_harness.counters.protocol import Answer, Counter, Quantity
from flop_harness.counters.recurrent import Charges
from flop_harness.counters.usage import Usage
from flop_harness.records import Context, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.walk import Visit, visits


def convolution(args: tuple) -> int:
    """MACs of a batch of images, from stride, padding and dilation as numbers for both sides."""
    if len(args) < 2:
        return 0
    stride, padding, dilation, groups = (*args[3:], *((1, 1), (0, 0), (1, 1), 1)[len(args[3:]) :])
    x, weight = args[0].shape, args[1].shape
    sides = [
        tuple(each) if not isinstance(each, (str, int)) else ()
        for each in (stride, padding, dilation)
    ]
    if len(x) != 4 or len(weight) != 4 or any(len(each) not in (1, 2) for each in sides):
        return 0
    stride, padding, dilation = (each * (2 // len(each)) for each in sides)
    out = [
        (size + 2 * pad - wide * (kernel - 1) - 1) // step + 1
        for size, kernel, step, pad, wide in zip(
            x[2:], weight[2:], stride, padding, dilation, strict=True
        )
    ]
    return x[0] * prod(out) * prod(weight[2:]) * x[1] * weight[0] // groups


def product(args: tuple) -> int:
    """MACs of (..., M, K) by (..., K, N)."""
    left, right = args[-2].shape, args[-1].shape
    return prod(left) * right[-1]


PRODUCTS: dict[str, Callable[[tuple], int]] = {
    "aten.conv2d": convolution,
    "aten.mm": lambda args: product(args[:2]),
    "aten.bmm": lambda args: product(args[:2]),
    "aten.addmm": lambda args: product(args[1:3]),
    "aten.baddbmm": lambda args: product(args[1:3]),
}
INSIDE = frozenset({"aten._native_multi_head_attention", "aten._transformer_encoder_layer_fwd"})
"""Fused kernels that call the operators above, one by one"""

ELEMENTWISE = {"aten.add": "addition", "aten.mul": "multiplication"}


def charged(visit: Visit) -> Charges:
    """FLOPs of one operator, products under their names, then once more as additions."""
    call = visit.call
    if call.packet in PRODUCTS or call.packet in INSIDE:
        products = (
            [*products_of(visit).items()]
            if call.packet in INSIDE
            else matched(visit, PRODUCTS[call.packet](call.args))
        )
        return [*products, ("2 FLOPs per MAC", sum(amount for _, amount in products))]
    first = call.args[0] if call.args else None
    if call.packet in ELEMENTWISE and isinstance(first, Tensor):
        return [(f"element-wise {ELEMENTWISE[call.packet]}", first.numel)]
    return []


def charges(trace: Trace) -> Iterator[tuple[str, str, int]]:
    for visit in visits(trace):
        if visit.call.level == "operator":
            yield from ((visit.path, *charge) for charge in charged(visit))


def price_compute(trace: Trace) -> Account:
    return Account.of(charges(trace))


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``with profile(with_flops=True) as p: model(x)``; the column of its table, summed."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], with_flops=True) as profiler:
        model(*args, **kwargs)
    return Answer(compute=sum(event.flops for event in profiler.key_averages()))


COUNTER = Counter(
    id="torch-profiler",
    distribution="torch",
    description="torch.profiler's with_flops: conv2d, four products, add and mul",
    source="torch/csrc/profiler/util.cpp (2.14)",
    quantities={"compute": Quantity("FLOPs", "FLOP", price_compute)},
    read=read,
    usage=Usage(
        imports="from torch.profiler import ProfilerActivity, profile",
        call="with profile(activities=[ProfilerActivity.CPU], with_flops=True) as profiler:\n"
        "    model(*args)",
        named="with profile(activities=[ProfilerActivity.CPU], with_flops=True) as profiler:\n"
        "    model(*args, **kwargs)",
        figures={"compute": "sum(event.flops for event in profiler.key_averages())"},
    ),
    contexts=(Context(grad=False), Context(grad=True)),
)
