"""What a counter leaves behind on the model it counted.

Nothing is imported by the functions here: a model may have blocked that by then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch.nn.parameter import is_lazy
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from flop_harness.suite.compiled import is_training


@dataclass(frozen=True, slots=True)
class ModelState:
    """The state of a model that a counter has no business to change."""

    training: dict[str, bool]
    state: frozenset[str]
    buffers: frozenset[str]
    attributes: dict[str, tuple[str, ...]]
    hooks: dict[str, int]
    tensors: dict[str, tuple[Any, ...]]


def marks(model: Any) -> ModelState:
    modules = dict(model.named_modules())
    return ModelState(
        training={name: is_training(module) for name, module in modules.items()},
        state=frozenset(model.state_dict(keep_vars=True)),
        buffers=frozenset(name for name, _ in model.named_buffers()),
        attributes={name: tuple(vars(module)) for name, module in modules.items()},
        hooks={name: count_hooks(module) for name, module in modules.items()},
        tensors={
            name: tensor_mark(tensor)
            for name, tensor in (*model.named_parameters(), *model.named_buffers())
        },
    )


def count_hooks(module: Any) -> int:
    held = vars(module)
    return sum(len(held[kind] or ()) for kind in kinds_of_hooks(tuple(held)))


@cache
def kinds_of_hooks(attributes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in attributes if name.endswith("_hooks"))


def tensor_mark(tensor: Any) -> tuple[Any, ...]:
    """Kind and gradient of a tensor, and a sample of its values: at most some twenty of each part."""
    if is_lazy(tensor):
        return ("lazy",)
    sample = [sampled(part) for part in dense_parts(tensor.detach()) if not part.is_meta]
    strided_nested = tensor.is_nested and tensor.layout is torch.strided
    shape = "nested" if strided_nested else tuple(tensor.shape)
    return tensor.dtype, shape, tensor.requires_grad, tensor.grad is None, sample


def dense_parts(tensor: Any) -> list[Any]:
    """The plain tensors in which a sparse, nested, quantised or wrapping tensor keeps its values."""
    if is_traceable_wrapper_subclass(tensor):
        inner = [getattr(tensor, name) for name in tensor.__tensor_flatten__()[0]]
    elif tensor.is_nested:
        inner = list(tensor.unbind())
    elif tensor.layout is torch.sparse_coo:
        inner = [tensor._indices(), tensor._values()]
    elif tensor.layout is not torch.strided:
        inner = [tensor.to_dense() if tensor.layout is torch._mkldnn else tensor.values()]
    elif tensor.is_quantized:
        inner = [tensor.int_repr()]
    else:
        return [tensor]
    held = [part for part in inner if isinstance(part, torch.Tensor)]
    return [dense for part in held for dense in dense_parts(part)]


def sampled(tensor: Any, count: int = 16) -> list[Any]:
    flat = tensor.reshape(-1)
    return flat[:: max(1, flat.shape[0] // count)].tolist()


def leftovers(before: ModelState, after: ModelState) -> tuple[str, ...]:
    """Each kind of change in a line, with a few of the places."""
    common = before.training.keys() & after.training.keys()
    mode = sorted(n or "the model" for n in common if before.training[n] != after.training[n])
    hooked = sorted(
        n or "the model" for n, count in after.hooks.items() if count > before.hooks.get(n, 0)
    )
    buffers = sorted(after.buffers - before.buffers)
    shared = before.tensors.keys() & after.tensors.keys()
    tensors = sorted(n for n in shared if is_another(before.tensors[n], after.tensors[n]))
    found = (
        ("training mode changed on", mode),
        ("hooks left on", hooked),
        ("tensors changed:", tensors),
        ("buffers added:", buffers),
        ("state_dict keys added:", sorted(after.state - before.state)),
        ("state_dict keys gone:", sorted(before.state - after.state)),
        ("attributes added:", lacking(after.attributes, before.attributes)),
        ("attributes gone:", lacking(before.attributes, after.attributes)),
    )
    return tuple(f"{words} {few(places)}" for words, places in found if places)


def is_another(before: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    """Whether two marks differ: no nan is equal to another, but is written alike."""
    return before != after and repr(before) != repr(after)


def lacking(
    ones: Mapping[str, tuple[str, ...]], others: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Attributes of ones that others, by the names of their modules, do not have."""
    return sorted(
        f"{name}.{attribute}"
        for name, attributes in ones.items()
        if attributes != others.get(name)
        for attribute in set(attributes).difference(others.get(name, ()))
    )


def few(places: list[str], count: int = 3) -> str:
    shown = ", ".join(places[:count])
    more = len(places) - count
    return f"{shown} and {more} more" if more > 0 else shown
