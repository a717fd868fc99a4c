"""Models that torch.compile has wrapped, or torch.export has made programs of, as modules.

Hooks and patched functions run while a model compiles too: what they see there tells nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from torch import nn

ORIGINAL = "_torchdynamo_orig_callable"
"""Where a compiled function keeps the one that it was compiled from."""


def uncompiled(module: nn.Module) -> nn.Module:
    """The model as it was before it, parts of it or functions it holds were compiled, in place."""
    import torch

    root = original(module)
    pending, seen = [root], {id(root)}
    while pending:
        part = pending.pop()
        if isinstance(part, torch.jit.ScriptModule):
            continue
        for name, child in part._modules.items():
            if child is not None:
                inner = part._modules[name] = original(child)
                if id(inner) not in seen:
                    seen.add(id(inner))
                    pending.append(inner)
        part.__dict__.update(undone(vars(part)))
    return root


def as_module(given: Any) -> Any:
    """A module that does what an exported program says; anything else as it is."""
    return given.module() if type(given).__name__ == "ExportedProgram" else given


def with_parameters(module: nn.Module) -> nn.Module:
    """The module itself; of a TorchScript program that was loaded, with parameters."""
    for part in module.modules():
        turn_to_parameters(part._parameters.values())
    return module


def turn_to_parameters(tensors: Iterable[torch.Tensor | None]) -> None:
    """In place. Torch gives plain tensors where a TorchScript program was loaded or copied.

    ``to`` refuses them for meta, and in a copy they are no leaves: a backward pass would reach the
    original's.
    """
    from torch import nn

    for tensor in tensors:
        if tensor is not None and not isinstance(tensor, nn.Parameter):
            trained = tensor.requires_grad
            tensor.detach_().requires_grad_(trained)
            tensor.__class__ = nn.Parameter


def is_training(module: nn.Module) -> bool:
    """Whether a module stands in training; one that was frozen has no mode, and is of eval."""
    return getattr(module, "training", False)


def set_mode(module: nn.Module, training: bool) -> None:
    """Training or eval for the whole model; an exported program is of one mode for good."""
    try:
        module.train(training)
    except NotImplementedError:
        return


def original(module: Any) -> Any:
    while is_compiled(module):
        module = module._orig_mod
    return module


def is_compiled(module: Any) -> bool:
    kind = type(module)
    return kind.__name__ == "OptimizedModule" and kind.__module__.startswith("torch._dynamo")


def undone(attributes: dict[str, Any]) -> dict[str, Any]:
    """What takes the place of compiled calls and functions among a module's attributes."""
    functions = {
        name: getattr(held, ORIGINAL)
        for name, held in attributes.items()
        if type(held) is FunctionType and hasattr(held, ORIGINAL)
    }
    called = {"_compiled_call_impl": None} if attributes.get("_compiled_call_impl") else {}
    return {**functions, **called}


@contextmanager
def eagerly() -> Iterator[None]:
    """Have nothing compiled meanwhile, neither what was asked to be before nor what will be."""
    import torch

    kept = torch.compile
    torch.compile = as_it_is  # type: ignore[assignment]
    try:
        if "torch._dynamo" in sys.modules:
            with torch.compiler.set_stance("force_eager"):
                yield
        else:
            yield
    finally:
        torch.compile = kept


def as_it_is(model: Callable | None = None, **options: Any) -> Any:
    """``torch.compile`` without its effect, called or as a decorator."""
    return (lambda given: given) if model is None else model
