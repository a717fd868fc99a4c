"""Softmax and normalisation: the arguments of operators to naive algorithms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from flop_harness.proof.oracle.algorithms import (
    attention,
    log_softmax,
    mean,
    normalised,
    softmax,
    statistics,
)
from flop_harness.proof.oracle.reductions import norm_of
from flop_harness.proof.oracle.registry import algorithm
from flop_harness.proof.oracle.scalar import array_of, each, empty, sqrt

Array: TypeAlias = np.ndarray

# ------------------------------------------------------------------------------------ softmax


def along(dim: int, function: Callable[[Array], Array], x: Array) -> Array:
    """``function`` of rows, where the rows lie along ``dim``."""
    return function(x.reshape(1)) if not x.shape else np.moveaxis(
        function(np.moveaxis(x, dim, -1)), -1, dim)  # fmt: skip


@algorithm("aten._softmax", "aten._safe_softmax", "aten.softmax")
def softmax_along(self: Array, dim: int, **_: Any) -> Array:
    return along(dim, softmax, self)


@algorithm("aten._log_softmax")
def log_softmax_along(self: Array, dim: int, **_: Any) -> Array:
    return along(dim, log_softmax, self)


@algorithm(
    "aten._scaled_dot_product_flash_attention",
    "aten._scaled_dot_product_flash_attention_for_cpu",
    "aten._scaled_dot_product_efficient_attention",
    "aten._scaled_dot_product_cudnn_attention",
    "aten._scaled_dot_product_fused_attention_overrideable",
    "aten._scaled_dot_product_attention_math_for_mps",
)
def fused_attention(query: Array, key: Array, value: Array, **_: Any) -> Array:
    """Of as many heads each; its products beside the softmax between them."""
    heads = [array.reshape(-1, *array.shape[-2:]) for array in (query, key, value)]
    return attention(*heads).reshape(*query.shape[:-1], value.shape[-1])


# ------------------------------------------------------------------------------ normalisation


@algorithm(
    "aten.native_batch_norm", "aten._native_batch_norm_legit", "aten.cudnn_batch_norm",
    "aten._native_batch_norm_legit_no_training", "aten._batch_norm_with_update",
    "aten.miopen_batch_norm",
)  # fmt: skip
def batch_norm(
    input: Array, weight: Array | None, bias: Array | None, running_mean: Array | None = None,
    running_var: Array | None = None, training: bool = False, **rest: Any,
) -> Array:  # fmt: skip
    """Channel by channel; with the statistics of the batch where there are no others."""
    x, made = input, empty(input.shape)
    for channel in range(x.shape[1]):
        values = x[:, channel].reshape(-1)
        if training or running_mean is None or running_var is None:
            found = statistics(values)
        else:
            found = running_mean[channel], running_var[channel]
        pair = (None if p is None else [p[channel]] * len(values) for p in (weight, bias))
        row = normalised(values, *found, *pair, eps=rest.get("eps", rest.get("epsilon", 1e-5)))
        made[:, channel] = array_of(row, x[:, channel].shape)
    return made


@algorithm("aten.native_layer_norm")
def layer_norm(
    input: Array, normalized_shape: Sequence[int], weight: Array | None, bias: Array | None,
    eps: float,
) -> Array:  # fmt: skip
    rows = input.reshape(-1, int(np.prod(normalized_shape)))
    flat = [None if pair is None else pair.reshape(-1) for pair in (weight, bias)]
    made = [normalised(row, *statistics(row), *flat, eps=eps) for row in rows]
    return array_of(made, input.shape)


@algorithm("aten.native_group_norm")
def group_norm(
    input: Array, weight: Array | None, bias: Array | None, group: int, eps: float, **_: Any
) -> Array:
    batch = input.shape[0]
    each_channel = input[0, 0].size
    rows = input.reshape(batch * group, -1)
    pairs = [None if pair is None else np.repeat(pair, each_channel).reshape(group, -1)
             for pair in (weight, bias)]  # fmt: skip
    made = [
        normalised(row, *statistics(row), *(None if p is None else p[i % group] for p in pairs),
                   eps=eps)
        for i, row in enumerate(rows)
    ]  # fmt: skip
    return array_of(made, input.shape)


@algorithm("aten._fused_rms_norm")
def rms_norm(
    input: Array, normalized_shape: Sequence[int], weight: Array | None, **_: Any
) -> Array:
    made = []
    for row in input.reshape(-1, int(np.prod(normalized_shape))):
        scale = 1 / sqrt(mean([x * x for x in row]) + EPSILON)
        scaled = [x * scale for x in row]
        if weight is not None:
            scaled = [x * w for x, w in zip(scaled, weight.reshape(-1), strict=True)]
        made.append(scaled)
    return array_of(made, input.shape)


EPSILON = 2.0**-52
"""What ``_fused_rms_norm`` adds where it is given none, in double precision."""


@algorithm("aten._weight_norm_interface")
def weight_norm(v: Array, g: Array, dim: int) -> Array:
    rows = np.moveaxis(v, dim, 0)
    made = empty(rows.shape)
    for place, row in enumerate(rows):
        scale = g.reshape(-1)[place] / norm_of(row.reshape(-1))
        made[place] = each(lambda x, scale=scale: x * scale, row)
    return np.moveaxis(made, 0, dim)
