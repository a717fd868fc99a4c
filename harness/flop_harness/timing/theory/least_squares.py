"""Least squares with coefficients that cannot be negative: nothing takes less than no time.

The active-set method of Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
TOLERANCE = 1e-10
"""Of gradients, for columns that are scaled to a length of one"""


def nonnegative(a: Array, b: Array) -> Array:
    """x >= 0 that makes |a x - b| least; a is (rows, columns), b is (rows,). Columns of zeros get 0."""
    lengths = np.linalg.norm(a, axis=0)
    scaled = np.divide(a, lengths, out=np.zeros_like(a, dtype=float), where=lengths > 0)
    free = np.zeros(a.shape[1], dtype=bool)
    x = np.zeros(a.shape[1])
    for _ in range(3 * a.shape[1]):
        gradient = np.where(free, -np.inf, scaled.T @ (b - scaled @ x))
        if free.all() or gradient.max() <= TOLERANCE * (np.linalg.norm(b) or 1):
            break
        free[gradient.argmax()] = True
        x, free = feasible(scaled, b, x, free)
    return np.divide(x, lengths, out=np.zeros_like(x), where=lengths > 0)


def feasible(a: Array, b: Array, x: Array, free: Array) -> tuple[Array, Array]:
    """The solution over the free columns; those that would turn negative are held at 0."""
    while True:
        tried = np.zeros_like(x)
        tried[free] = np.linalg.lstsq(a[:, free], b, rcond=None)[0]
        falling = free & (tried <= 0)
        if not falling.any():
            return tried, free
        steps = x[falling] / np.maximum(x[falling] - tried[falling], np.finfo(float).tiny)
        x = x + steps.min() * (tried - x)
        free = free & (x > np.finfo(float).eps)
