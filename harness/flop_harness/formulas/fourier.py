"""Fourier transforms: 5 N log2 N, the usual count of a complex transform of length N.

That is radix 2 (Cooley and Tukey 1965): N / 2 log2 N butterflies of a complex product and two
complex sums each, ten real operations. Other lengths and other algorithms take more or fewer; the
count is nominal for them. Half of it for real numbers. Scaling is not counted.
"""

from __future__ import annotations

from math import log2, prod

from flop_harness.formulas.registry import formula
from flop_harness.records import Call
from flop_harness.records.work import Work


@formula("aten._fft_c2c")
def complex_transform(call: Call) -> Work:
    x, axes = call.args[:2]
    return transform(x.numel, prod(x.shape[axis] for axis in axes))


@formula("aten._fft_r2c")
def real_transform(call: Call) -> Work:
    """Along the last of its axes from real numbers to half as many complex ones; then the others."""
    x, axes = call.args[:2]
    return half_real(x.numel, x.shape[axes[-1]], prod(x.shape[axis] for axis in axes[:-1]))


@formula("aten._fft_c2r")
def inverse_real_transform(call: Call) -> Work:
    out, axes = call.output, call.args[1]
    return half_real(out.numel, out.shape[axes[-1]], prod(out.shape[axis] for axis in axes[:-1]))


def half_real(numbers: int, length: int, others: int) -> Work:
    """``numbers`` real ones in rows of ``length``; the complex rows are half as long, and one."""
    kept = numbers // max(length, 1) * (length // 2 + 1)
    return transform(numbers / 2, length) + transform(kept, others)


def transform(numbers: float, points: int) -> Work:
    """So many complex numbers, in transforms of so many points each, along one axis or several."""
    steps = numbers * log2(max(points, 1))
    products = round(2 * steps)
    return Work((), "Fourier transform", round(5 * steps) - products, products)
