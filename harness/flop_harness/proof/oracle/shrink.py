"""The same operator call on tensors of a few elements, with all else as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from math import prod
from typing import Any

import torch

from flop_harness.proof.replay import arguments, is_packed
from flop_harness.records import Call, Dict, Tensor


def shrunk(call: Call) -> Call:
    """The same call on tensors of a few elements."""
    named = arguments(call)
    small = {**named, **shrinks(call.packet)(named)}
    placed = list(named)[: len(call.args)]
    return call._replace(
        args=tuple(small[name] for name in placed),
        kwargs=tuple((name, value) for name, value in small.items() if name not in placed),
        children=(),
    )


def shrunk_alike(named: Mapping[str, Any]) -> dict[str, Any]:
    """Equal lengths become equal, even ones even, odd ones odd; zero, one and two stay."""
    shapes = [value.shape for value in named.values() if isinstance(value, Tensor)]
    rank = max(map(len, shapes), default=0)
    lengths = sorted({n for shape in shapes for n in shape if n > 2})
    table = {n: 2 + n % 2 + 2 * (place % 2 and rank < 5) for place, n in enumerate(lengths)}
    made: dict[str, Any] = {
        name: resized(value, (table.get(n, n) for n in value.shape))
        for name, value in named.items() if isinstance(value, Tensor)
    }  # fmt: skip
    if "normalized_shape" in named:
        made["normalized_shape"] = tuple(table.get(n, n) for n in named["normalized_shape"])
    return made


def resized(tensor: Tensor, shape: Iterable[int]) -> Tensor:
    return Tensor(tuple(shape), tensor.dtype)


def few(lengths: Iterable[int], most: int = 2) -> tuple[int, ...]:
    return tuple(min(n, most) for n in lengths)


def shrunk_windows(named: Mapping[str, Any], axes: int) -> dict[str, Any]:
    """Few channels, and axes on which some windows lie."""
    x = named["self"]

    def each_axis(name: str, otherwise: Any) -> tuple[int, ...]:
        values = named.get(name) or otherwise
        values = (values,) if isinstance(values, int) else tuple(values)
        return values * axes if len(values) == 1 else values

    kernel = each_axis("kernel_size", ())
    strides, dilations = each_axis("stride", kernel), each_axis("dilation", 1)
    some = zip(x.shape[-axes:], kernel, strides, dilations, strict=True)
    spatial = (min(n, d * (k - 1) + 1 + 2 * s) for n, k, s, d in some)
    return {"self": resized(x, (*few(x.shape[:-axes]), *spatial))}


def shrunk_adaptive(named: Mapping[str, Any]) -> dict[str, Any]:
    """Few channels; axes a little longer than twice what they become."""
    x, sizes = named["self"], named["output_size"]
    spatial = (min(n, 2 * m + 3) for n, m in zip(x.shape[-len(sizes) :], sizes, strict=True))
    return {"self": resized(x, (*few(x.shape[: -len(sizes)]), *spatial))}


def shrunk_adaptive_gradient(named: Mapping[str, Any]) -> dict[str, Any]:
    """As forward, the gradient with the axes of the result."""
    dy, x = named["grad_output"].shape, named["self"]
    axes = 3 if len(x.shape) == 5 else 2
    sizes = few(dy[-axes:], 3)
    small = shrunk_adaptive({"self": x, "output_size": sizes})
    lead = few(x.shape[:-axes])
    return {**small, "grad_output": resized(named["grad_output"], (*lead, *sizes))}


def shrunk_pool_gradient(named: Mapping[str, Any]) -> dict[str, Any]:
    """As forward, the gradient as long as the windows on what is left."""
    axes = len(named["kernel_size"])
    small = shrunk_windows(named, axes)["self"]
    settings = [named[name] for name in ("kernel_size", "stride", "padding", "ceil_mode")]
    pool = torch.nn.functional.avg_pool3d if axes == 3 else torch.nn.functional.avg_pool2d
    size = pool(torch.empty(small.shape, device="meta"), *settings).shape
    return {"self": small, "grad_output": resized(named["grad_output"], size)}


def shrunk_glu_gradient(named: Mapping[str, Any]) -> dict[str, Any]:
    """Two of each axis, and twice as many of the one that is halved."""
    x, dim = named["self"], named["dim"] % len(named["self"].shape)
    half = few(named["grad_output"].shape)
    whole = (2 * n if axis == dim else n for axis, n in enumerate(half))
    return {"grad_output": resized(named["grad_output"], half), "self": resized(x, whole)}


def shrunk_resampled(named: Mapping[str, Any]) -> dict[str, Any]:
    """One channel; axes as they are if they are short, else a few places."""
    name = "input" if "input" in named else "self"
    x, sizes = named[name], named["output_size"]
    small = resized(x, (*few(x.shape[:2], 1), *few(x.shape[2:], 4)))
    if sizes is None:
        return {name: small}
    ratio = [max(1, min(9, m * k // n)) for n, m, k in
             zip(x.shape[2:], sizes, small.shape[2:], strict=True)]  # fmt: skip
    return {name: small, "output_size": tuple(ratio)}


def shrunk_groups(named: Mapping[str, Any]) -> dict[str, Any]:
    """Two groups of two channels."""
    x = named["input"]
    groups = min(named["group"], 2)
    channels = groups * min(named["C"] // named["group"], 2)
    shape = (*few(x.shape[:1]), channels, *few(x.shape[2:], 3))
    vectors = {name: resized(named[name], (channels,)) for name in ("weight", "bias")
               if named.get(name) is not None}  # fmt: skip
    kept = {name: resized(named[name], (shape[0], groups)) for name in ("mean", "rstd")
            if name in named}  # fmt: skip
    if "grad_out" in named:
        kept["grad_out"] = resized(named["grad_out"], shape)
    return {**kept, "input": resized(x, shape), **vectors, "group": groups, "N": shape[0], "C": channels,
            "HxW": prod(shape[2:])}  # fmt: skip


def shrunk_attention(named: Mapping[str, Any]) -> dict[str, Any]:
    """Few heads, rows and columns; no mask and no scale, as neither is charged."""
    query, source = named["query"].shape, named["key"].shape[-2]
    lead, width = few(query[:-2]), min(query[-1], 2)
    long = {"query": min(query[-2], 3), "key": min(source, 4), "value": min(source, 4)}
    free = {"attn_mask": None, "attn_bias": None, "is_causal": False, "dropout_p": 0.0}
    return {
        **{name: resized(named[name], (*lead, rows, width)) for name, rows in long.items()},
        **{name: value for name, value in free.items() if name in named},
        "scale": 1.0,
    }


def shrunk_attention_gradients(named: Mapping[str, Any]) -> dict[str, Any]:
    """As forward, with what the forward pass kept."""
    small = shrunk_attention(named)
    rows = small["query"].shape[:-1]
    width = small["value"].shape[-1]
    kept = {"out": (*rows, width), "grad_out": (*rows, width), "logsumexp": rows}
    return small | {name: resized(named[name], shape) for name, shape in kept.items()}


def shrunk_convolution_gradients(named: Mapping[str, Any]) -> dict[str, Any]:
    """Few groups of few channels, on axes on which two windows lie."""
    x, weight, transposed = named["input"], named["weight"], named["transposed"]
    axes = len(weight.shape) - 2
    stride, padding, dilation, extra = (
        tuple(named[name]) * (axes if len(named[name]) == 1 else 1)
        for name in ("stride", "padding", "dilation", "output_padding")
    )
    groups = min(named["groups"], 2)
    first, inner = min(weight.shape[0] // named["groups"], 2), min(weight.shape[1], 2)
    settings = list(
        zip(x.shape[2:], weight.shape[2:], stride, padding, dilation, extra, strict=True)
    )
    if transposed:
        lengths = [min(n, 2 + p) for n, _, _, p, _, _ in settings]
        sizes = [(n - 1) * s - 2 * p + d * (k - 1) + 1 + e
                 for n, (_, k, s, p, d, e) in zip(lengths, settings, strict=True)]  # fmt: skip
    else:
        lengths = [min(n, d * (k - 1) + 1 + s) for n, k, s, _, d, _ in settings]
        sizes = [(n + 2 * p - d * (k - 1) - 1) // s + 1
                 for n, (_, k, s, p, d, _) in zip(lengths, settings, strict=True)]  # fmt: skip
    batch = few(x.shape[:1])
    channels = (groups * first, groups * inner)
    before, after = channels if transposed else channels[::-1]
    return {
        "input": resized(x, (*batch, before, *lengths)),
        "grad_output": resized(named["grad_output"], (*batch, after, *sizes)),
        "weight": resized(weight, (groups * first, inner, *weight.shape[2:])),
        "bias_sizes": named["bias_sizes"] and (after,),
        "groups": groups,
    }


def shrunk_quantised(named: Mapping[str, Any]) -> dict[str, Any]:
    """At a scale of one; a packed convolution in few groups of few channels."""
    plain = {"scale": 1.0, "zero_point": 0, "output_scale": 1.0, "output_zero_point": 0,
             "Y_scale_i": 1.0, "Y_zero_point_i": 0}  # fmt: skip
    at_one = {name: value for name, value in plain.items() if name in named}
    name = next((name for name, value in named.items() if is_packed(value)), None)
    if name is None:
        return shrunk_alike(named) | at_one
    held = named[name]
    weight, settings = held.values[0], dict(zip(held.keys[2:], held.values[2:], strict=True))
    x_name = next(iter(named))
    x, axes = named[x_name], len(weight.shape) - 2
    if not axes:
        rows, width = few(x.shape[:-1]), min(weight.shape[1], 4)
        shapes = ((*rows, width), (min(weight.shape[0], 3), width))
    else:
        groups, inner = min(settings["groups"], 2), min(weight.shape[1], 2)
        outer = min(weight.shape[0] // settings["groups"], 2)
        some = zip(x.shape[2:], weight.shape[2:], settings["stride"][-axes:],
                   settings["dilation"][-axes:], strict=True)  # fmt: skip
        spatial = (min(n, d * (k - 1) + 1 + s) for n, k, s, d in some)
        shapes = ((*few(x.shape[:1]), groups * inner, *spatial),
                  (groups * outer, inner, *weight.shape[2:]))  # fmt: skip
        settings = {**settings, "groups": groups}
    less = Dict(held.keys, (resized(weight, shapes[1]), None, *settings.values()))
    return {x_name: resized(x, shapes[0]), name: less, **at_one}


def shrunk_bags(named: Mapping[str, Any]) -> dict[str, Any]:
    """Two bags or fewer, of a few rows each."""
    table, indices, offsets = (named[name] for name in ("weight", "indices", "offsets"))
    bags = offsets.numel - named["include_last_offset"]
    fewer = min(bags, 2)
    rows = (fewer * min(-(-indices.numel // max(bags, 1)), 3),)
    made = {"weight": resized(table, few(table.shape, 3)), "indices": resized(indices, rows),
            "offsets": resized(offsets, (fewer + named["include_last_offset"],))}  # fmt: skip
    if named["per_sample_weights"] is not None:
        made["per_sample_weights"] = resized(named["per_sample_weights"], rows)
    return made


def shrunk_boxes(named: Mapping[str, Any]) -> dict[str, Any]:
    """Two boxes of two by two cells, on a small image."""
    x, rois = named["input"], named["rois"]
    return {"input": resized(x, (*few(x.shape[:2]), *few(x.shape[2:], 5))),
            "rois": resized(rois, (min(rois.shape[0], 2), 5)), "spatial_scale": 1.0,
            "pooled_height": 2, "pooled_width": 2}  # fmt: skip


def shrunk_matrices(named: Mapping[str, Any]) -> dict[str, Any]:
    """Equal lengths become equal, longer ones longer, from three on."""
    shapes = {name: value.shape for name, value in named.items() if isinstance(value, Tensor)}
    lengths = sorted({n for shape in shapes.values() for n in shape if n > 2})
    table = {n: min(n, 3 + place) for place, n in enumerate(lengths)}
    return {
        name: resized(named[name], (table.get(n, n) for n in shape))
        for name, shape in shapes.items()
    }


def shrunk_transform(named: Mapping[str, Any]) -> dict[str, Any]:
    """Four points along each axis: what is counted is exact for powers of two alone."""
    x, axes = named["self"], [axis % len(named["self"].shape) for axis in named["dim"]]
    shape = (4 if axis in axes else min(n, 2) for axis, n in enumerate(x.shape))
    return {"self": resized(x, shape)}


def as_it_is(named: Mapping[str, Any]) -> dict[str, Any]:
    """For operators whose sizes hang together in ways of their own, and are small where they occur."""
    return {}


def shrinks(name: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """How an operator of this name is shrunk."""
    if name.startswith("quantized."):
        return shrunk_quantised
    if name.endswith("backward") and "avg_pool" in name:
        return shrunk_adaptive_gradient if "adaptive" in name else shrunk_pool_gradient
    if name == "aten.glu_backward":
        return shrunk_glu_gradient
    if "adaptive" in name:
        return shrunk_adaptive
    if "_pool" in name:
        return partial(shrunk_windows, axes=3 if "3d" in name else 2)
    if "upsample" in name:
        return shrunk_resampled
    if "scaled_dot_product" in name:
        return shrunk_attention_gradients if "backward" in name else shrunk_attention
    if name == "aten.convolution_backward":
        return shrunk_convolution_gradients
    if name == "torchvision.roi_align":
        return shrunk_boxes
    if "embedding_bag" in name:
        return shrunk_bags
    if "linalg" in name or "solve" in name:
        return shrunk_matrices
    if name.startswith("aten._fft"):
        return shrunk_transform
    if name in ("aten.col2im", "aten.affine_grid_generator"):
        return as_it_is
    return shrunk_groups if "group_norm" in name else shrunk_alike
