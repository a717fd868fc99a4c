"""What torch refuses has no figure: the kernel itself says what is wrong, on zeros."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from flop_harness.trace.tensors import mapped, on_meta, tensors_in


def ask_kernel(func: Any, args: tuple, kwargs: dict) -> None:
    """Raise what the kernel raises for tensors of these shapes and types.

    Types of a byte have kernels on a GPU that a CPU lacks: of these it says nothing.
    """
    try:
        with usual_kernels():
            func(*mapped(zeros, args), **mapped(zeros, kwargs))
    except NotImplementedError:
        floats = (each.dtype for each in tensors_in((*args, *kwargs.values())))
        if not any(dtype.is_floating_point and dtype.itemsize == 1 for dtype in floats):
            raise


@contextmanager
def usual_kernels() -> Iterator[None]:
    """Those of oneDNN too, which a plain pass does without: they refuse more."""
    before = torch._C._get_mkldnn_enabled()
    torch._C._set_mkldnn_enabled(True)
    try:
        yield
    finally:
        torch._C._set_mkldnn_enabled(before)


def zeros(tensor: torch.Tensor) -> torch.Tensor:
    """As it lies in memory, elements that share a place too; on the CPU for one on meta."""
    steps = zip(tensor.shape, tensor.stride(), strict=True)
    needed = 1 + sum((size - 1) * step for size, step in steps) if tensor.numel() else 0
    device = "cpu" if tensor.is_meta else tensor.device  # kernels differ in what they take
    return torch.zeros(needed, dtype=tensor.dtype, device=device).as_strided(
        tensor.shape, tensor.stride()
    )


def is_strided(args: tuple, kwargs: dict) -> bool:
    """Whether all are tensors with shapes, strides and nothing else to them."""
    return all(
        each.layout is torch.strided and not (each.is_quantized or each.is_nested)
        for each in tensors_in((*args, *kwargs.values()))
    )


def refuse_to_write(func: Any, args: tuple, kwargs: dict) -> None:
    """Raise what the meta kernel raises for what cannot be written into the first argument."""
    if overlaps(args[0]):  # which no meta kernel minds
        return ask_kernel(func, args, kwargs)
    try:
        func(*on_meta(args), **on_meta(kwargs))
    except NotImplementedError:  # there is none
        return None


def overlaps(tensor: torch.Tensor) -> bool:
    """Whether elements share a place, as those of what was expanded do."""
    steps = tensor.stride()
    return 0 in steps and any(
        step == 0 and size > 1 for size, step in zip(tensor.shape, steps, strict=True)
    )


def is_written_as_is(args: tuple, kwargs: dict) -> bool:
    """Whether all that is written has the shape and the type of what it is written into."""
    whole = args[0]
    if not whole.is_floating_point() or overlaps(whole):
        return False
    for value in (*args[1:], *kwargs.values()):
        if isinstance(value, torch.Tensor):
            if value.shape != whole.shape or value.dtype != whole.dtype:
                return False
        elif isinstance(value, (list, tuple, complex)):
            return False
    return True
