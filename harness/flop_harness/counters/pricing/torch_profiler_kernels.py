"""Additions and multiplications that kernels call themselves, as torch.profiler sees them.

After aten/src/ATen/native of torch 2.14. Each counts by its first operand, which is one number where a
tensor is multiplied in place by a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

from flop_harness.counters.pricing import torch_profiler_sparse as sparse
from flop_harness.records import Call, Tensor
from flop_harness.trace.walk import Visit

ELEMENTWISE = {"aten.add": "element-wise addition", "aten.mul": "element-wise multiplication"}
ADD, MUL = ELEMENTWISE.values()
Amounts = Iterator[tuple[str, int]]
NUMBER = 1
"""A number as first operand"""

KERNELS: dict[str, Callable[[Call], Amounts]] = {}


def kernel(*packets: str) -> Callable[[Callable[[Call], Amounts]], Callable[[Call], Amounts]]:
    """Registers what operators call: (term, elements) of each."""

    def registered(rule: Callable[[Call], Amounts]) -> Callable[[Call], Amounts]:
        KERNELS.update({f"aten.{packet}": rule for packet in packets})
        return rule

    return registered


def called_inside(visit: Visit) -> list[tuple[str, int]]:
    """What the kernel of an operator adds and multiplies, element by element."""
    call = visit.call
    if call.name == "aten.mul_.Scalar":
        return [(MUL, NUMBER)]
    if call.children or visit.inside(*VALUES_ALONE) or call.packet not in KERNELS:
        return []
    return [*KERNELS[call.packet](call)]


VALUES_ALONE = ("aten.linalg_eigvals",)
"""Which find no vectors where nobody watches, by another kernel"""


def elements(shapes: list[Any]) -> int:
    """Elements of what tensors become that are broadcast to one another."""
    sides = zip(*((1,) * (9 - len(t.shape)) + t.shape for t in shapes), strict=True)
    return prod(0 if 0 in side else max(side) for side in sides)


def finite(tensor: Tensor, count: int) -> int:
    """To tell whether numbers are finite, each is multiplied by 0 or 1, both parts of complex ones."""
    return count * (2 if tensor.dtype.startswith("complex") else 1)


# ------------------------------------------------------------------------------- element by element


@kernel("deg2rad", "deg2rad_", "rad2deg", "rad2deg_", "renorm", "renorm_")
def scaled(call: Call) -> Amounts:
    yield MUL, call.args[0].numel


@kernel("allclose")
def all_close(call: Call) -> Amounts:
    """``atol + rtol * other``, and whether the differences are finite."""
    one, other = call.args[:2]
    if call.argument(2, "rtol", 1e-5) or call.argument(3, "atol", 1e-8):
        yield MUL, other.numel + finite(one, elements([one, other]))
        yield ADD, other.numel


@kernel("ldexp", "ldexp_")
def by_power_of_two(call: Call) -> Amounts:
    """By powers of two; a fraction by whole numbers has a kernel of its own."""
    x, exponent = call.args[:2]
    whole = exponent.dtype.startswith(("int", "uint", "bool"))
    yield MUL, 0 if whole and x.dtype.startswith(("float", "bfloat")) else x.numel


@kernel("mvlgamma", "mvlgamma_")
def multivariate(call: Call) -> Amounts:
    """A step for each dimension."""
    yield ADD, call.args[1]


@kernel("native_dropout_backward")
def dropped(call: Call) -> Amounts:
    """By the mask, then by the scale."""
    yield MUL, 2 * call.args[0].numel


@kernel("repeat")
def repeated(call: Call) -> Amounts:
    """Where each copy begins, if there are any."""
    yield ADD, 0 if 0 in call.args[1] else len(call.args[1])


@kernel("rrelu_with_noise")
def randomised(call: Call) -> Amounts:
    """The middle of its two slopes."""
    yield ADD, 0 if len(call.args) > 4 and call.args[4] else NUMBER


# ------------------------------------------------------------------------------- windows, grids


def length(call: Call) -> int:
    """Of a window, one longer than asked for if it is to be periodic; none where nothing is computed."""
    asked, periodic = call.args[0], call.argument(1, "periodic", True) is not False
    return asked + periodic if asked > 1 else 0


@kernel("hann_window", "hamming_window", "bartlett_window")
def window(call: Call) -> Amounts:
    """Positions by a step, then what is made of them, in place."""
    yield MUL, 2 * NUMBER if length(call) else 0


@kernel("blackman_window")
def two_cosines(call: Call) -> Amounts:
    """Positions and both cosines in place; positions by 2 and 4, and a sum."""
    yield MUL, 3 * NUMBER + 2 * length(call) if length(call) else 0
    yield ADD, length(call)


@kernel("affine_grid_generator")
def grid(call: Call) -> Amounts:
    """Centres along each side."""
    yield MUL, 0 if call.args[2] else sum(side for side in call.args[1][2:] if side > 1)


# ----------------------------------------------------------------------------------- matrices


@kernel("mm")
def sparse_product(call: Call) -> Amounts:
    return of_sparse(call, *call.args[:2])


@kernel("addmm")
def sum_and_product(call: Call) -> Amounts:
    """Where there is nothing to multiply, the first is multiplied by beta, unless that is 0."""
    yield from of_sparse(call, *call.args[1:3])
    nothing = not call.args[1].shape[-1] and call.argument(3, "beta", 1) != 0
    yield MUL, NUMBER if nothing else 0


def of_sparse(call: Call, first: Any, second: Any) -> Amounts:
    if sparse.layout(first) or sparse.layout(second):
        yield ADD, sparse.additions(call.packet, first, second)
        yield MUL, sparse.multiplications(call.packet, first, second)


@kernel("addbmm", "addbmm_")
def sum_of_products(call: Call) -> Amounts:
    """An ``addmm`` for each matrix, the first by beta, the others by one."""
    count, _, inner = call.args[1].shape
    first = call.argument(3, "beta", 1) != 0
    yield MUL, 0 if inner or not count else (count - 1 + first) * NUMBER


@kernel("sparse_sampled_addmm")
def sampled_product(call: Call) -> Amounts:
    yield MUL, 0 if call.args[1].shape[-1] else NUMBER


@kernel("_scaled_mm", "_scaled_mm_v2")
def scaled_product(call: Call) -> Amounts:
    """Without hardware for it, both matrices by their scales, then a product."""
    yield MUL, sum(matrix.numel for matrix in call.args[:2])


@kernel("_euclidean_dist")
def distances(call: Call) -> Amounts:
    """-2 x."""
    yield MUL, call.args[0].numel


@kernel("_linalg_det", "_linalg_slogdet")
def determinant(call: Call) -> Amounts:
    """The sign of the exchanges, then by that of the diagonal."""
    yield MUL, NUMBER + call.output[0].numel


@kernel("linalg_eig")
def eigenvalues(call: Call) -> Amounts:
    yield MUL, finite(call.args[0], call.args[0].numel)


@kernel("linalg_pinv")
def pseudo_inverse(call: Call) -> Amounts:
    """The least value that counts, and vectors by values."""
    (*count, m, n), tolerance = call.args[0].shape, call.argument(2, "rtol")
    yield MUL, tolerance.numel if isinstance(tolerance, Tensor) else NUMBER
    yield MUL, prod(count) * n * min(m, n)


@kernel("linalg_matrix_sqrth")
def square_root(call: Call) -> Amounts:
    """Vectors by values; half of a product and its transpose."""
    yield MUL, 2 * call.output.numel
    yield ADD, call.output.numel


@kernel("linalg_polar")
def polar(call: Call) -> Amounts:
    """Values by vectors; half of a product and its transpose."""
    symmetric = call.output[1]
    yield MUL, symmetric.numel + prod(symmetric.shape[:-1])
    yield ADD, symmetric.numel


# ------------------------------------------------------------------------------ recurrent kernels


@kernel("mkldnn_rnn_layer")
def recurrent(call: Call) -> Amounts:
    """Both biases, made one."""
    yield ADD, call.args[3].numel if call.args[12] else 0


@kernel("quantized_lstm")
def quantised_lstm(call: Call) -> Amounts:
    """Three gates of each output, in each of so many layers; the rest is done in place."""
    yield MUL, 3 * call.args[4] * call.output[0].numel


@kernel("quantized_gru")
def quantised_gru(call: Call) -> Amounts:
    yield ADD, call.args[4] * call.output[0].numel
