"""Pools: the largest or the mean of each window."""

from __future__ import annotations

from math import prod

from flop_harness.formulas.elementwise import elements
from flop_harness.formulas.registry import formula
from flop_harness.records import Call
from flop_harness.records.work import Work


@formula(
    "aten.max_pool2d_with_indices", "aten.max_pool3d_with_indices", "aten.max_pool2d",
    "aten.max_pool3d", "aten.mkldnn_max_pool2d", "aten.quantized_max_pool2d",
    "aten.fractional_max_pool2d", "aten.fractional_max_pool3d",
)  # fmt: skip
def max_pool(call: Call) -> Work:
    """k - 1 comparisons per output; padding is compared as if it were data."""
    return Work((), "pooling", comparisons=elements(call.output) * (window(call) - 1))


def window(call: Call) -> int:
    """Elements of a window; a size given once holds for each axis."""
    kernel = call.args[1]
    return prod(kernel) if len(kernel) > 1 else kernel[0] ** (3 if "3d" in call.packet else 2)


@formula("aten.avg_pool2d", "aten.avg_pool3d")
def avg_pool(call: Call) -> Work:
    """k - 1 additions and a division per output; padding is added as if it were data."""
    n = call.output.numel
    return Work((), "pooling", additions=n * (window(call) - 1), divisions=n)


@formula("aten._adaptive_avg_pool2d", "aten._adaptive_avg_pool3d")
def adaptive_avg_pool(call: Call) -> Work:
    n = call.output.numel
    return Work((), "pooling", additions=adaptive_reads(call) - n, divisions=n)


@formula("aten.adaptive_max_pool2d", "aten.adaptive_max_pool3d")
def adaptive_max_pool(call: Call) -> Work:
    return Work((), "pooling", comparisons=adaptive_reads(call) - elements(call.output))


def adaptive_reads(call: Call) -> int:
    return reads(call.args[0].shape, call.args[1])


def reads(shape: tuple[int, ...], size: tuple[int, ...]) -> int:
    """Elements of all windows: from floor(i in / out) to ceil((i + 1) in / out) along each axis."""
    spatial = len(size)
    lengths = [
        sum(-(-(i + 1) * n // m) - i * n // m for i in range(m))
        for n, m in zip(shape[-spatial:], size, strict=True)
    ]
    return prod(shape[:-spatial]) * prod(lengths)


@formula("aten.avg_pool2d_backward", "aten.avg_pool3d_backward")
def avg_pool_gradient(call: Call) -> Work:
    """A quotient of each element, added to each of its window; padding is added to as if it were data."""
    dy, n = call.args[0], call.args[0].numel
    of_window = call._replace(args=(dy, call.args[2]))
    return Work((), "pooling", additions=n * window(of_window), divisions=n)


@formula("aten._adaptive_avg_pool2d_backward", "aten._adaptive_avg_pool3d_backward",
         "aten.adaptive_avg_pool3d_backward")  # fmt: skip
def adaptive_avg_pool_gradient(call: Call) -> Work:
    dy, x = call.args[:2]
    axes = 3 if "3d" in call.packet else 2
    size = dy.shape[-axes:]
    return Work((), "pooling", additions=reads(x.shape, size), divisions=dy.numel)
