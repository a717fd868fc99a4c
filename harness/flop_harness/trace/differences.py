"""In what a copy of a model is another model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from flop_harness.suite.compiled import is_training


def differences(original: nn.Module, twin: nn.Module) -> list[str]:
    """In what a copy is another model; nothing for a faithful one."""
    return [f"{what} differ" for what, look in LOOKS.items() if look(original) != look(twin)]


def sharing(named: Any) -> list[tuple[Any, ...]]:
    """Name, shape, dtype and trainability of each tensor, and the first name it has."""
    first: dict[int, str] = {}
    kept = list(
        named
    )  # a scripted module makes a tensor anew each time: its id is its own while kept
    return [
        (name, first.setdefault(id(t), name), t.dtype, t.requires_grad,
         None if is_lazy(t) else t.shape)
        for name, t in kept
    ]  # fmt: skip


def hooks_of(module: nn.Module) -> list[int]:
    return [len(held) for name, held in vars(module).items() if name.endswith("_hooks") and held]


LOOKS: dict[str, Callable[[nn.Module], Any]] = {
    "modules": lambda root: [(p, type(m)) for p, m in root.named_modules(remove_duplicate=False)],
    "modes": lambda root: [is_training(m) for m in root.modules()],
    "hooks": lambda root: [hooks_of(m) for m in root.modules()],
    "parameters": lambda root: sharing(root.named_parameters(remove_duplicate=False)),
    "buffers": lambda root: sharing(root.named_buffers(remove_duplicate=False)),
}
