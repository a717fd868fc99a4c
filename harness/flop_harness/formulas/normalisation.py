"""Softmax and normalisation."""

from __future__ import annotations

from math import prod

from flop_harness.formulas.registry import formula
from flop_harness.records import Call
from flop_harness.records.work import Product, Work


def softmax_work(products: tuple[Product, ...], elements: int, rows: int) -> Work:
    """A softmax over ``rows`` rows: maximum, shift, exponential, sum, division; beside products."""
    return Work(
        products,
        "softmax",
        additions=elements + (elements - rows),
        comparisons=elements - rows,
        divisions=elements,
        specials=elements,
    )


@formula("aten._softmax", "aten._safe_softmax", "aten.softmax")
def softmax(call: Call) -> Work:
    x, dim = call.args[0], call.argument(1, "dim")
    size = x.shape[dim] if x.shape else 1
    return softmax_work((), x.numel, x.numel // max(size, 1))


@formula("aten._log_softmax")
def log_softmax(call: Call) -> Work:
    """x - max - log(sum(exp(x - max)))."""
    x, dim = call.args[0], call.argument(1, "dim")
    rows = x.numel // max(x.shape[dim] if x.shape else 1, 1)
    reduced = x.numel - rows
    return Work(
        (),
        "softmax",
        additions=2 * x.numel + reduced,
        comparisons=reduced,
        specials=x.numel + rows,
    )


@formula(
    "aten.native_batch_norm", "aten._native_batch_norm_legit", "aten.cudnn_batch_norm",
    "aten._native_batch_norm_legit_no_training", "aten._batch_norm_with_update",
    "aten.miopen_batch_norm",
)  # fmt: skip
def batch_norm(call: Call) -> Work:
    """Per channel 1 / sqrt(variance + eps); per element a shift and a scale; then the affine pair.

    In training the mean and the variance are computed too. Updates of running statistics are not.
    """
    x, weight, bias = call.args[:3]
    channels = x.shape[1] if len(x.shape) > 1 else 1
    training = call.argument(5, "training", False) is True
    return normalisation(x.numel, channels, weight, bias, statistics=training)


def normalisation(
    elements: int, groups: int, weight: object, bias: object, statistics: bool
) -> Work:
    """Normalise ``elements`` in ``groups`` groups that share a mean and a variance."""
    # mean: n - 1 additions, a division; variance: n subtractions, n squares, n - 1 additions,
    # a division; each per group
    own = statistics * (elements - groups)
    scaled, shifted = weight is not None, bias is not None
    return Work(
        (),
        "normalisation",
        additions=elements + groups + shifted * elements + 2 * own + statistics * elements,
        multiplications=elements + scaled * elements + statistics * elements,
        divisions=groups + 2 * statistics * groups,
        specials=groups,
    )


@formula("aten.native_layer_norm")
def layer_norm(call: Call) -> Work:
    x, shape, weight, bias = call.args[:4]
    return normalisation(x.numel, x.numel // max(prod(shape), 1), weight, bias, True)


@formula("aten.native_group_norm")
def group_norm(call: Call) -> Work:
    x, weight, bias, batch = call.args[:4]
    return normalisation(x.numel, batch * call.args[6], weight, bias, True)


@formula("aten._fused_rms_norm")
def rms_norm(call: Call) -> Work:
    """x / sqrt(mean(x^2) + eps), scaled by a weight if there is one."""
    x, shape, weight = call.args[:3]
    groups = x.numel // max(prod(shape), 1)
    return Work(
        (),
        "normalisation",
        additions=x.numel,  # n - 1 in each mean, and eps
        multiplications=2 * x.numel + (weight is not None) * x.numel,
        divisions=2 * groups,
        specials=groups,
    )


@formula("aten._weight_norm_interface_backward")
def weight_norm_gradient(call: Call) -> Work:
    """dg = s / |v| and dv = g / |v| (dw - v s / |v|^2), s the sum of v dw."""
    v, groups = call.args[1].numel, call.args[2].numel
    return Work(
        (),
        "normalisation",
        additions=2 * v - groups,
        multiplications=3 * v + groups,
        divisions=3 * groups,
    )


@formula("aten._weight_norm_interface")
def weight_norm(call: Call) -> Work:
    """v (g / |v|), one g and one Euclidean norm for each index of a dimension."""
    v, groups = call.args[0].numel, call.args[1].numel
    return Work(
        (),
        "normalisation",
        additions=v - groups,
        multiplications=2 * v,
        divisions=groups,
        specials=groups,
    )
