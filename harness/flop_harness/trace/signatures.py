"""What the result of a call follows from, and how to make it again."""

from __future__ import annotations

from typing import Any, TypeAlias

import torch

from flop_harness.trace.tensors import PLAIN

Spec: TypeAlias = tuple[Any, ...]
"""("new", shape, stride, dtype) | ("argument", i) | ("value", x) | ("many", list or tuple, specs)"""


def signature(func: Any, surroundings: tuple, args: tuple, kwargs: dict) -> Any:
    """A hashable stand-in for a call: shapes, strides and dtypes for tensors; None if none."""
    try:
        parts = [signed(value) for value in args]
        for name, value in kwargs.items():
            parts.append((name, signed(value)))
        key = (func, surroundings, torch.is_inference_mode_enabled(), *parts)
        hash(key)
    except (TypeError, RuntimeError):  # unhashable, sparse, or a parameter still lazy
        return None
    return key


def signed(value: Any) -> Any:
    kind = type(value)
    if kind in PLAIN:
        if value.layout is not torch.strided or value.is_quantized:
            raise TypeError("only strided tensors have signatures")
        return (value.shape, value.stride(), value.dtype, value.requires_grad, value.is_cpu)
    if kind is list or kind is tuple:
        return (kind, *[signed(item) for item in value])
    if kind is torch.ScriptObject or isinstance(value, torch.Tensor):
        raise TypeError("objects of C++, and tensors of other classes, need not be comparable")
    return (kind, value)


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides in elements of a dense row-major tensor, as torch numbers them (never 0)."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def new(shape: tuple[int, ...], dtype: torch.dtype) -> Spec:
    return ("new", tuple(shape), contiguous_strides(tuple(shape)), dtype)


def spec_of(output: Any, args: tuple, device: torch.device) -> Spec | None:
    """How to make ``output`` again, or None if it cannot be made from a few words."""
    if isinstance(output, torch.Tensor):
        for index, arg in enumerate(args):
            if arg is output:
                return ("argument", index)
        plain = output.layout is torch.strided and not (output.is_quantized or output.is_nested)
        if not plain or output.device.type != device.type or type(output) is not torch.Tensor:
            return None
        return ("new", output.shape, output.stride(), output.dtype)
    if output is None or isinstance(output, (bool, int, float)):
        return ("value", output)
    if type(output) in (tuple, list):
        items = [spec_of(item, args, device) for item in output]
        return None if None in items else ("many", type(output), items)
    return None


def rebuilt(spec: Any, args: tuple, device: torch.device) -> Any:
    """Make a result from its spec: an argument itself, None, a scalar, or new empty tensors."""
    kind = spec[0]
    if kind == "new":
        return torch.empty_strided(spec[1], spec[2], dtype=spec[3], device=device)
    if kind == "argument":
        return args[spec[1]]
    if kind == "value":
        return spec[1]
    return spec[1](rebuilt(item, args, device) for item in spec[2])
