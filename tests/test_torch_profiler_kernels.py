"""torch.profiler sees what kernels call themselves: additions, multiplications and products inside."""

from __future__ import annotations

import pytest
import torch

from cells import bridges
from flop_harness.records import Context
from programs import program

PROFILER = "torch-profiler"

ELEMENTS = {
    "degrees": (torch.deg2rad, [(4, 5)], 4 * 5),
    "radians in place": (lambda x: x.clone().rad2deg_(), [(4, 5)], 4 * 5),
    "renorm": (lambda x: torch.renorm(x, 2, 1, 0.5), [(5, 4, 3)], 5 * 4 * 3),
    # rtol * other, plus atol, then whether each difference is finite
    "all close": (lambda a, b: a.new_tensor(torch.allclose(a, b)), [(3, 4), (4,)], 4 + 4 + 3 * 4),
    "all close by nothing": (
        lambda a, b: a.new_tensor(torch.allclose(a, b, rtol=0, atol=0)), [(3, 4), (4,)], 0,
    ),
    "powers of two": (torch.ldexp, [(5,), (3, 5)], 5),
    "whole powers of two": (lambda x: torch.ldexp(x, torch.ones(5).int()), [(5,)], 0),
    "gamma of three dimensions": (lambda x: torch.mvlgamma(x + 5, 3), [(2, 4)], 2 * 4 + 3),
    "repeated": (lambda x: x.repeat(2, 3), [(2,)], 2),
    "repeated never": (lambda x: x.repeat(0, 3), [(2,)], 0),
    "window of cosines": (lambda x: x * torch.hann_window(16), [(3, 16)], 3 * 16 + 2),
    "window of one": (lambda x: x * torch.hann_window(1), [(3, 16)], 3 * 16),
    "triangular window": (lambda x: x * torch.bartlett_window(16), [(3, 16)], 3 * 16 + 2),
    "periodic window": (lambda x: x * torch.blackman_window(16), [(3, 16)], 3 * 16 + 3 + 3 * 17),
    "symmetric window": (
        lambda x: x * torch.blackman_window(16, periodic=False), [(3, 16)], 3 * 16 + 3 + 3 * 16,
    ),
    "short time fourier": (
        # two rows of 64 and 8 at each end: 17 windows of 16, a step of 4
        lambda x: torch.stft(x, 16, 4, window=torch.hann_window(16), return_complex=True),
        [(2, 64)], 2 * 17 * 16 + 2,
    ),
    "determinants": (torch.linalg.det, [(3, 4, 4)], 3 + 1),
    "their logarithms": (lambda x: torch.linalg.slogdet(x)[1], [(3, 4, 4)], 3 + 1),
    "eigenvectors": (lambda x: torch.linalg.eig(x)[1], [(2, 5, 5)], 2 * 5 * 5),
    "eigenvalues": (torch.linalg.eigvals, [(2, 5, 5)], 0),
    "no columns to sum": (torch.addbmm, [(5, 6), (3, 5, 0), (3, 0, 6)], 3),
    "none, to nothing": (
        lambda x, a, b: torch.addbmm(x, a, b, beta=0), [(5, 6), (3, 5, 0), (3, 0, 6)], 2,
    ),
    "none, to one matrix": (torch.addmm, [(5, 6), (5, 0), (0, 6)], 1),
    "none, to no matrix": (
        lambda x, a, b: torch.addmm(x, a, b, beta=0), [(5, 6), (5, 0), (0, 6)], 0,
    ),
}  # fmt: skip
"""Function, shapes and FLOPs, none of them of products"""


@pytest.mark.parametrize("grad", [False, True])
@pytest.mark.parametrize("name", ELEMENTS)
def test_what_a_kernel_adds_and_multiplies_counts(name, grad):
    function, shapes, flops = ELEMENTS[name]
    made = bridges(PROFILER, Context(grad=grad), program(function, *shapes))["compute"]
    assert made.reference == 0
    assert (made.reading, made.residual) == (flops, 0)


def symmetric(x: torch.Tensor) -> torch.Tensor:
    return torch.linalg.matrix_sqrth(x + 9 * torch.eye(4))


def in_eights(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    one = torch.ones(())
    return torch._scaled_mm(a.to(torch.float8_e4m3fn), b.to(torch.float8_e4m3fn).t(), one, one)


NEW = pytest.mark.skipif(not hasattr(torch.linalg, "polar"), reason="torch before 2.14")
PRODUCTS = {
    # vectors (5, 3) and values, each of two matrices; and one least value
    "pseudo-inverse": (torch.linalg.pinv, [(2, 5, 3)], 2 * 3 * 3 * 5, 1 + 2 * 3 * 3),
    "pseudo-inverse of rows": (torch.pinverse, [(3, 5)], 5 * 3 * 3, 1 + 5 * 3),
    # twice a diagonal first, then by it, half of a product and its transpose
    "square root": (symmetric, [(4, 4)], 4**3, 4 * 4 + 4 * 4 + 3 * 4 * 4),
    "polar": (lambda x: torch.linalg.polar(x)[0], [(2, 5, 3)], 2 * (5 * 9 + 27), 2 * (3 + 9 + 9)),
    "scaled": (in_eights, [(16, 16), (32, 16)], 16 * 16 * 32, 16 * 16 + 16 * 32),
}
"""Function, shapes, MACs of its products, and FLOPs beside them"""
CASES = [
    pytest.param(name, marks=NEW if name in ("polar", "square root") else ()) for name in PRODUCTS
]


BY_HARDWARE = {"scaled"}
"""Where a processor multiplies these itself, the profiler is told of no product"""


@pytest.mark.parametrize("name", CASES)
def test_products_inside_a_kernel_count(name):
    function, shapes, macs, more = PRODUCTS[name]
    made = bridges(PROFILER, Context(grad=False), program(function, *shapes))["compute"]
    assert made.reference == macs
    assert made.residual == 0
    seen = {2 * macs + more} | ({0} if name in BY_HARDWARE else set())
    assert made.reading in seen
