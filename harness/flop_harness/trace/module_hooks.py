"""What a module's own hooks do to its call: the input that they change, the end that they follow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from flop_harness.records import FORWARD_ENDED, PRE_HOOKED, Call
from flop_harness.trace.encoding import encode
from flop_harness.trace.surroundings import IdleHook


def is_hooked(module: nn.Module) -> bool:
    """Whether a module has hooks, other than such that do nothing."""
    if isinstance(module, torch.jit.ScriptModule):
        return False
    after = module._forward_hooks.values()
    return bool(module._forward_pre_hooks) or not all(isinstance(h, IdleHook) for h in after)


@contextmanager
def end_seen(module: nn.Module, stack: list[list[Call]]) -> Iterator[None]:
    """Note where a module's own forward pass ends and its hooks begin, if it has any."""
    if all(isinstance(hook, IdleHook) for hook in module._forward_hooks.values()):
        yield
        return
    note = Call("function", FORWARD_ENDED, (), (), None)
    handle = module.register_forward_hook(lambda *_: stack[-1].append(note), prepend=True)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def changes_seen(
    module: nn.Module, given: tuple[tuple[Any, ...], tuple], noted: list[Call]
) -> Iterator[None]:
    """Note what a module is called with, once its own pre-hooks have changed that."""

    def note(module: nn.Module, args: tuple, kwargs: dict) -> None:
        after = tuple(map(encode, args)), tuple((k, encode(v)) for k, v in kwargs.items())
        if after != given:
            noted[:] = [Call("function", PRE_HOOKED, *after, None)]

    handle = module.register_forward_pre_hook(note, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
