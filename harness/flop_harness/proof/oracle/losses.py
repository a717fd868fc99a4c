"""Losses: one number for each element, then their sum or mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.registry import algorithm, spread
from flop_harness.proof.oracle.scalar import Scalar, add_up, array_of, choose, exp, larger, log, raw

Array: TypeAlias = np.ndarray
MEAN, SUM = 1, 2


def merged(values: Array, reduction: int) -> Array:
    if reduction not in (MEAN, SUM):
        return values
    total = add_up(values.reshape(-1))
    return array_of([total / values.size if reduction == MEAN else total], ())


def loss(name: str, function: Callable, options: str = "", weights: str = "") -> None:
    """Register a loss by what it makes of a number, its target and the ``options``.

    Each of the ``weights`` that is given is an operand too; it multiplies once.
    """

    def carried_out(self: Array, target: Array, reduction: int, **named: Any) -> Array:
        given = {option: named[option] for option in options.split()}
        held = [named[each] for each in weights.split() if named.get(each) is not None]

        def one(x: Any, y: Any, *factors: Any) -> Any:
            value = function(x, y, **given)
            for factor in factors:
                value = value * factor
            return value

        return merged(spread(one, (self, target, *held)), reduction)

    algorithm(f"aten.{name}")(carried_out)


def squared(x: Any, y: Any) -> Any:
    d = x - y
    return d * d


def smooth_l1(x: Any, y: Any, beta: float) -> Scalar:
    """|d| < b ? d^2 / (2 b) : |d| - b / 2; each element as if it took the first."""
    d, length = x - y, abs(raw(x) - raw(y))
    return choose(length < beta, d * d * 0.5 / beta, length - beta / 2)


def huber(x: Any, y: Any, delta: float) -> Scalar:
    """|d| <= b ? d^2 / 2 : b (|d| - b / 2); each element as if it took the first."""
    d, length = x - y, abs(raw(x) - raw(y))
    return choose(length <= delta, d * d * 0.5, delta * (length - delta / 2))


def entropy(x: Any, y: Any) -> Any:
    """-(y log(x) + (1 - y) log(1 - x)), logarithms not below -100."""
    return -(y * larger(log(x), -100) + (1 - y) * larger(log(1 - x), -100))


def entropy_of_logits(x: Any, y: Any) -> Any:
    return (1 - y) * x + larger(-x, 0) + log(1 + exp(Scalar(-abs(raw(x)))))


loss("mse_loss", squared)
loss("smooth_l1_loss", smooth_l1, "beta")
loss("huber_loss", huber, "delta")
loss("binary_cross_entropy", entropy, weights="weight")
loss("soft_margin_loss", lambda x, y: log(1 + exp(-x * y)))


@algorithm("aten.binary_cross_entropy_with_logits")
def binary_cross_entropy_with_logits(
    self: Array, target: Array, weight: Any, pos_weight: Any, reduction: int
) -> Array:
    if weight is not None or pos_weight is not None:
        raise ValueError("weights are not carried out")
    return merged(spread(entropy_of_logits, (self, target)), reduction)


@algorithm("aten.nll_loss_forward", "aten.nll_loss2d_forward")
def log_likelihood(
    self: Array, target: Array, weight: Array | None, reduction: int, **_: Any
) -> Array:
    """One log-probability of each row, times the weight of its class; a weighted mean."""
    classes = [int(raw(each)) for each in target.reshape(-1)]
    rows = np.moveaxis(self, 1, -1) if self.ndim > 2 else self
    rows = rows.reshape(-1, rows.shape[-1])
    chosen = [-row[c] for row, c in zip(rows, classes, strict=True)]
    if weight is None:
        return merged(array_of(chosen, target.shape), reduction)
    chosen = [value * weight[c] for value, c in zip(chosen, classes, strict=True)]
    if reduction != MEAN:
        return merged(array_of(chosen, target.shape), reduction)
    return array_of([add_up(chosen) / add_up(weight[c] for c in classes)], ())
