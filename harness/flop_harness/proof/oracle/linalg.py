"""Linear algebra by the textbook, and Fourier transforms by butterflies, one number at a time."""

from __future__ import annotations

import cmath
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.numbers import Complex
from flop_harness.proof.oracle.registry import algorithm, spread
from flop_harness.proof.oracle.scalar import (
    Scalar,
    add_up,
    counted,
    filled,
    log,
    numbers,
    raw,
    sqrt,
)

Array: TypeAlias = np.ndarray


def of_each(function: Callable[..., Array], *arrays: Array) -> Array:
    """``function`` of the matrices of batches of one shape."""
    lead = arrays[0].shape[:-2]
    rows = [x.reshape(-1, *x.shape[len(lead) :]) for x in arrays]
    made = np.stack([function(*each) for each in zip(*rows, strict=True)])
    return made.reshape(*lead, *made.shape[1:])


def eliminated(a: Array, pivot: bool = True) -> tuple[Array, list[int]]:
    """L below the diagonal and U above it, and the order of the rows."""
    a, (m, n) = a.copy(), a.shape
    order = list(range(m))
    for k in range(min(m - 1, n)):
        if pivot:
            best = k
            for i in range(k + 1, m):
                counted("comparisons", 0)
                best = i if abs(raw(a[i, k])) > abs(raw(a[best, k])) else best
            a[[k, best]] = a[[best, k]]
            order[k], order[best] = order[best], order[k]
        for i in range(k + 1, m):
            a[i, k] = a[i, k] / a[k, k]
            for j in range(k + 1, n):
                a[i, j] = a[i, j] - a[i, k] * a[k, j]
    return a, order


def substituted(a: Array, b: Array, upper: bool, unit: bool = False) -> Array:
    """The solution of a triangular system for each column of b."""
    b, n = b.copy(), len(a)
    places = range(n - 1, -1, -1) if upper else range(n)
    for column in range(b.shape[1]):
        for i in places:
            for j in range(i + 1, n) if upper else range(i):
                b[i, column] = b[i, column] - a[i, j] * b[j, column]
            if not unit:
                b[i, column] = b[i, column] / a[i, i]
    return b


@algorithm("aten.linalg_lu_factor_ex")
def lu(A: Array, pivot: bool = True, **_: Any) -> Array:
    return of_each(lambda a: eliminated(a, pivot)[0], A)


@algorithm("aten.linalg_lu")
def lu_parts(A: Array, pivot: bool = True) -> tuple[Array, Array, Array]:
    (m, n), k = A.shape[-2:], min(A.shape[-2:])
    places, low, up = (filled((*A.shape[:-2], *shape)) for shape in ((m, m), (m, k), (k, n)))
    for at in np.ndindex(A.shape[:-2]):
        both, order = eliminated(A[at], pivot)
        for row, place in enumerate(order):
            places[(*at, place, row)] = Scalar(1)
        for i, j in np.ndindex(m, n):
            (low if i > j else up)[(*at, i, j)] = both[i, j]
        for i in range(k):
            low[(*at, i, i)] = Scalar(1)
    return places, low, up


def parity(order: Sequence[int]) -> int:
    return round(np.linalg.det(np.eye(len(order))[list(order)]))


@algorithm("aten._linalg_det")
def determinant(A: Array) -> Array:
    def one(a: Array) -> Array:
        both, order = eliminated(a)
        made = both[0, 0]
        for i in range(1, len(a)):
            made = made * both[i, i]
        return np.array([[made if parity(order) > 0 else -made]], dtype=object)

    return of_each(one, A)[..., 0, 0]


@algorithm("aten._linalg_slogdet")
def log_determinant(A: Array) -> tuple[Array, Array]:
    signs: list[Scalar] = []

    def one(a: Array) -> Array:
        both, order = eliminated(a)
        diagonal = [both[i, i] for i in range(len(a))]
        negative = sum(raw(x) < 0 for x in diagonal)
        signs.append(Scalar(parity(order) * (-1) ** negative))
        sizes = [log(Scalar(abs(raw(x)))) for x in diagonal]
        return np.array([[add_up(sizes)]], dtype=object)

    made = of_each(one, A)[..., 0, 0]
    return np.array(signs, dtype=object).reshape(A.shape[:-2]), made


@algorithm("aten.linalg_inv_ex")
def inverse(A: Array, **_: Any) -> Array:
    return of_each(inverted, A)


def inverted(a: Array) -> Array:
    """Gauss-Jordan in place, the rows exchanged beforehand, the columns back afterwards."""
    _, order = eliminated_order(a)
    a, n = a[order], len(a)
    for k in range(n):
        pivot = 1 / a[k, k]
        for j in range(n):
            if j != k:
                a[k, j] = a[k, j] * pivot
        for i in range(n):
            if i == k:
                continue
            for j in range(n):
                if j != k:
                    a[i, j] = a[i, j] - a[i, k] * a[k, j]
            a[i, k] = -(a[i, k] * pivot)
        a[k, k] = pivot
    made = a.copy()
    for place, row in enumerate(order):
        made[:, row] = a[:, place]
    return made


def eliminated_order(a: Array) -> tuple[Array, list[int]]:
    """The order in which the largest of each column comes: comparisons alone are counted."""
    plain = numbers(a)
    order = list(range(len(plain)))
    for k in range(len(plain)):
        for _ in range(k + 1, len(plain)):
            counted("comparisons", 0)
        best = k + int(np.argmax(np.abs(plain[k:, k])))
        plain[[k, best]] = plain[[best, k]]
        order[k], order[best] = order[best], order[k]
        plain[k + 1 :] -= np.outer(plain[k + 1 :, k] / plain[k, k], plain[k])
    return plain, order


def columns_of(function: Callable[[Array, Array], Array], a: Array, b: Array) -> Array:
    """With b as columns, also where it is one vector for each matrix."""
    vector = b.ndim == a.ndim - 1
    made = of_each(function, a, b[..., None] if vector else b)
    return made[..., 0] if vector else made


@algorithm("aten._linalg_solve_ex")
def solve(A: Array, B: Array, *, left: bool = True, **_: Any) -> Array:
    def one(a: Array, b: Array) -> Array:
        both, order = eliminated(a)
        return substituted(both, substituted(both, b[order], False, unit=True), True)

    if left:
        return columns_of(one, A, B)
    return np.swapaxes(columns_of(one, np.swapaxes(A, -1, -2), np.swapaxes(B, -1, -2)), -1, -2)


@algorithm("aten.linalg_cholesky_ex")
def cholesky(self: Array, *, upper: bool = False, **_: Any) -> Array:
    def one(a: Array) -> Array:
        made = filled(a.shape)
        for j in range(len(a)):
            for i in range(j, len(a)):
                rest = a[i, j]
                for k in range(j):
                    rest = rest - made[i, k] * made[j, k]
                made[i, j] = sqrt(rest) if i == j else rest / made[j, j]
        return made.T if upper else made

    return of_each(one, self)


@algorithm("aten.linalg_solve_triangular")
def solve_triangular(
    self: Array, B: Array, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Array:
    def one(a: Array, b: Array) -> Array:
        if left:
            return substituted(a, b, upper, unitriangular)
        return substituted(a.T, b.T, not upper, unitriangular).T

    return of_each(one, self, B)


@algorithm("aten.triangular_solve")
def old_triangular_solve(
    self: Array, A: Array, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Array:
    matrix = np.swapaxes(A, -1, -2) if transpose else A
    return solve_triangular(matrix, self, upper=upper != transpose, unitriangular=unitriangular)


@algorithm("aten.cholesky_solve")
def solve_by_factor(self: Array, input2: Array, upper: bool = False) -> Array:
    return cholesky_solve(self, input2, upper)


@algorithm("aten._cholesky_solve_helper")
def cholesky_solve(self: Array, A: Array, upper: bool) -> Array:
    low = np.swapaxes(A, -1, -2) if upper else A

    def one(b: Array, a: Array) -> Array:
        return substituted(a.T, substituted(a, b, False), True)

    return of_each(one, self, low)


@algorithm("aten.linalg_cross")
def cross(self: Array, other: Array, *, dim: int = -1) -> Array:
    x, y = (np.moveaxis(each, dim, 0) for each in np.broadcast_arrays(self, other))
    product = lambda a, b, c, d: a * b - c * d  # noqa: E731
    made = [spread(product, (x[i - 2], y[i - 1], x[i - 1], y[i - 2])) for i in range(3)]
    return np.moveaxis(np.stack(made), 0, dim)


# --------------------------------------------------------------------------- Fourier transforms


@algorithm("aten._fft_c2c")
def transform(self: Array, dim: Sequence[int], normalization: int, forward: bool) -> Array:
    """Radix 2 along one axis after another; scaling is not counted."""
    for axis in dim:
        rows = np.moveaxis(self, axis, -1)
        made = [
            butterflies(list(row), -1 if forward else 1) for row in rows.reshape(-1, rows.shape[-1])
        ]
        whole = np.empty((len(made), rows.shape[-1]), dtype=object)
        whole[:] = made
        self = np.moveaxis(whole.reshape(rows.shape), -1, axis)
    points = int(np.prod([self.shape[axis] for axis in dim]))
    scale = {0: 1.0, 1: points**-0.5, 2: 1 / points}[normalization]
    return spread(lambda x: Complex.of(complex(x) * scale), (self,))


def butterflies(row: list, sign: int) -> list:
    """Half the transforms of every second number, joined by N / 2 products and N sums."""
    n = len(row)
    if n == 1:
        return row
    even, odd = butterflies(row[::2], sign), butterflies(row[1::2], sign)
    turned = [x * Complex.of(cmath.exp(sign * 2j * cmath.pi * k / n)) for k, x in enumerate(odd)]
    return [a + b for a, b in zip(even, turned, strict=True)] + [
        a - b for a, b in zip(even, turned, strict=True)
    ]
