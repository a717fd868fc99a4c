"""Operators on functions, such as ``torch.cond``, where autograd is at work and nothing is compiled.

Their own way to gradients wants functions that ``torch.compile`` has taken out of the model.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

TAKEN_APART = ("cond", "map_impl", "scan", "while_loop")


@contextmanager
def taken_apart(under_modes: bool = False) -> Iterator[None]:
    """Where autograd records one of these, its plain kernel runs, which calls the functions themselves.

    ``under_modes`` also where a mode sees operators: a counter's own is left to what torch does there.
    """
    from torch._ops import _higher_order_ops as registered

    with ExitStack() as changes:
        for name in TAKEN_APART:
            if name in registered:
                changes.enter_context(plain_kernel(registered[name], under_modes))
        yield


@contextmanager
def plain_kernel(operator: Any, under_modes: bool) -> Iterator[None]:
    from torch._C import DispatchKey

    plain = operator.py_kernels[DispatchKey.CompositeExplicitAutograd]
    original = operator.py_kernels[DispatchKey.Autograd]

    def kernel(*args: Any, **kwargs: Any) -> Any:
        if is_recorded((args, kwargs)) and (under_modes or not modes()):
            with no_mode_seen(sys.modules[plain.__module__]):
                return plain(*args, **kwargs)
        return original(*args, **kwargs)

    change(operator, DispatchKey.Autograd, kernel)
    try:
        yield
    finally:
        change(operator, DispatchKey.Autograd, original)


def change(operator: Any, key: Any, kernel: Callable) -> None:
    operator.py_kernels[key] = kernel
    operator._dispatch_cache.clear()


def is_recorded(operands: Any) -> bool:
    import torch
    from torch.utils._pytree import tree_leaves

    return torch.is_grad_enabled() and any(
        isinstance(each, torch.Tensor) and each.requires_grad for each in tree_leaves(operands)
    )


def modes() -> int:
    import torch

    return torch._C._len_torch_dispatch_stack()


@contextmanager
def no_mode_seen(home: Any) -> Iterator[None]:
    """Plain kernels of operators on functions refuse to run where they see a mode."""
    look = "_get_current_dispatch_mode"
    seen = vars(home).get(look)
    if seen is None:
        yield
        return
    setattr(home, look, lambda: None)
    try:
        yield
    finally:
        setattr(home, look, seen)
