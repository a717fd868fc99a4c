"""Gradients of normalisation: of the input, the weight and the bias, each if it is asked for.

With y = (x - mean) rstd, of groups that share a mean and n numbers each, the input's gradient is
(g - sum(g) / n - y sum(g y) / n) rstd, where g = dy weight; the weight's is the sum of dy y, the
bias's the sum of dy.
"""

from __future__ import annotations

from math import prod

from flop_harness.formulas.registry import formula
from flop_harness.records import Call
from flop_harness.records.work import Work

KIND = "normalisation"


def normalised_again(n: int) -> Work:
    return Work((), KIND, additions=n, multiplications=n)


def input_gradient(n: int, groups: int, weighted: bool) -> Work:
    return Work(
        (), KIND, additions=2 * (n - groups) + 2 * n, multiplications=3 * n + weighted * n,
        divisions=2 * groups,
    )  # fmt: skip


def affine_gradients(n: int, width: int, weight: bool, bias: bool) -> Work:
    """Sums over all that shares an element of the ``width`` ones of weight and bias."""
    return Work((), KIND, additions=(weight + bias) * (n - width), multiplications=weight * n)


@formula("aten.native_layer_norm_backward")
def layer_norm(call: Call) -> Work:
    _, x, shape, _, _, weight, _, wanted = call.args[:8]
    width = prod(shape)
    return gradients(x.numel, x.numel // max(width, 1), width, weight, wanted)


@formula("aten.native_group_norm_backward")
def group_norm(call: Call) -> Work:
    _, x, _, _, weight, batch, channels, _, groups, wanted = call.args[:10]
    return gradients(x.numel, batch * groups, channels, weight, wanted)


def gradients(n: int, groups: int, width: int, weight: object, wanted: tuple[bool, ...]) -> Work:
    work = Work(kind=KIND) + affine_gradients(n, width, *wanted[1:])
    if wanted[0]:
        work += input_gradient(n, groups, weight is not None)
    return work + normalised_again(n) if wanted[0] or wanted[1] else work


@formula("aten._fused_rms_norm_backward")
def rms_norm(call: Call) -> Work:
    """y = x rstd, and no mean: (g - y sum(g y) / n) rstd."""
    _, x, shape, _, weight, wanted = call.args[:6]
    n, width = x.numel, prod(shape)
    groups = n // max(width, 1)
    work = Work((), KIND, multiplications=n) + affine_gradients(n, width, wanted[1], False)
    if wanted[0]:
        weighted = weight is not None
        work += Work((), KIND, 2 * n - groups, 3 * n + weighted * n, divisions=groups)
    return work


@formula("aten.native_batch_norm_backward", "aten.batch_norm_backward")
def batch_norm(call: Call) -> Work:
    _, x, weight, *_, training, _, wanted = call.args[:10]
    channels = x.shape[1]
    if training is True:
        return of_batch(x.numel, channels, weight is not None, wanted)
    return of_kept_statistics(x.numel, channels, weight is not None, wanted)


@formula("aten.cudnn_batch_norm_backward", "aten.miopen_batch_norm_backward")
def batch_norm_of_a_backend(call: Call) -> Work:
    x = call.args[0]
    return of_batch(x.numel, x.shape[1], True, (True, True, True))


def of_batch(n: int, channels: int, weighted: bool, wanted: tuple[bool, ...]) -> Work:
    """The sums for the input are those of weight and bias, of dy before the weight is on it."""
    work = Work(kind=KIND)
    if wanted[0] or wanted[1]:
        work += normalised_again(n) + affine_gradients(n, channels, True, False)
    if wanted[0] or wanted[2]:
        work += affine_gradients(n, channels, False, True)
    if wanted[0]:
        scale = weighted * channels
        work += Work((), KIND, 2 * n, 2 * n + scale, divisions=2 * channels)
    return work


def of_kept_statistics(n: int, channels: int, weighted: bool, wanted: tuple[bool, ...]) -> Work:
    """rstd = 1 / sqrt(variance + eps); dy rstd weight, and rstd times the sum of dy (x - mean)."""
    root = bool(wanted[0] or wanted[1]) * channels
    work = Work((), KIND, additions=root, divisions=root, specials=root)
    if wanted[0]:
        work += Work((), KIND, multiplications=n + weighted * channels)
    if wanted[1]:
        work += Work((), KIND, 2 * n - channels, n + channels)
    return work + affine_gradients(n, channels, False, wanted[2])
