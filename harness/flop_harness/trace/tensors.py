"""What an operator is called with: the tensors among its arguments, and where they stand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from flop_harness.trace.encoding import SPARSE
from flop_harness.trace.needs import exchanged
from flop_harness.trace.values import known

PLAIN = frozenset({torch.Tensor, torch.nn.Parameter})
"""Classes of tensors that do nothing of their own"""


def tensors_in(values: tuple) -> Iterator[torch.Tensor]:
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (list, tuple)):
            yield from (item for item in value if isinstance(item, torch.Tensor))


def is_plain(args: tuple) -> bool:
    """Whether it is a plain tensor that an operator is called on: then its views are."""
    return bool(args) and type(args[0]) in PLAIN and args[0].layout is torch.strided


def has_tensor(args: tuple) -> bool:
    return any(True for _ in tensors_in(args))


def is_on_meta(args: tuple) -> bool:
    return any(tensor.is_meta for tensor in tensors_in(args))


def is_on_cpu(args: tuple) -> bool:
    return any(tensor.is_cpu for tensor in tensors_in(args))


def devices(args: tuple, kwargs: dict) -> set[torch.device]:
    """Where tensors stand that cannot go from one device to another by themselves, as one number can."""
    return {tensor.device for tensor in tensors_in((*args, *kwargs.values())) if tensor.dim()}


def has_nested(args: tuple) -> bool:
    return any(isinstance(arg, torch.Tensor) and arg.is_nested for arg in args)


def has_quantised(args: tuple) -> bool:
    return any(tensor.is_quantized for tensor in tensors_in(args))


def has_sparse(args: tuple, output: Any) -> bool:
    """How many elements a sparse tensor stores hangs on values."""
    return any(tensor.layout in SPARSE for tensor in tensors_in((*args, output)))


def on_meta(value: Any) -> Any:
    return mapped(empty_on_meta, value)


def empty_on_meta(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def readable(value: Any) -> Any:
    """Tensors whose values are known with them; zeros in place of others, which nobody may have written."""
    return mapped(values_for, value)


def values_for(tensor: torch.Tensor) -> torch.Tensor:
    plain = type(tensor) in PLAIN and tensor.layout is torch.strided
    if not plain or tensor.is_quantized or tensor.is_nested:
        return tensor
    beside = known(tensor)
    return torch.zeros_like(tensor) if beside is None else beside.value.to(tensor.device)


def mapped(change: Callable[[torch.Tensor], torch.Tensor], value: Any) -> Any:
    """A value with each tensor in its containers changed."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, (list, tuple)):
        return type(value)(mapped(change, each) for each in value)
    if isinstance(value, dict):
        return {key: mapped(change, item) for key, item in value.items()}
    return value


# ----------------------------------------------- of which autograd is not told, for it stands above

MARK = "_wants_gradient"


def wants_gradient(tensor: torch.Tensor) -> bool:
    """Whether it would require a gradient, had it been made with autograd."""
    return tensor.requires_grad or getattr(tensor, MARK, False)


def pass_gradients(args: tuple, output: Any) -> None:
    """Mark what is made of tensors that require a gradient: below autograd it requires none itself."""
    if any(map(wants_gradient, tensors_in(args))):
        for tensor in tensors_in((output,)):
            if tensor.is_floating_point():
                setattr(tensor, MARK, True)


def with_gradients(args: tuple) -> tuple:
    """The arguments as autograd would have them."""
    with _disable_current_modes():
        return tuple(
            arg.detach().requires_grad_() if getattr(arg, MARK, False) else arg for arg in args
        )


# ----------------------------------------------------------------- classes that are made by their name


@contextmanager
def classes_made() -> Iterator[None]:
    """Within, a class of tensors may be called for one (``CausalBias(1, 4, 4)``) where a mode is on.

    What a mode gives belongs to Python already: torch lets no other class have it.
    """
    make = torch.Tensor.__new__

    def made(kind: type, *args: Any, **kwargs: Any) -> Any:
        if kind is torch.Tensor:
            return make(kind, *args, **kwargs)
        return torch.Tensor._make_subclass(kind, make(torch.Tensor, *args, **kwargs))

    with exchanged(torch.Tensor, "__new__", staticmethod(made)):
        yield
