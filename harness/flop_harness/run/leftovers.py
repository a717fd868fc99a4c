"""What a counter leaves behind on the model it counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelState:
    """The state of a model that a counter has no business to change."""

    training: dict[str, bool]
    state: frozenset[str]
    buffers: frozenset[str]
    attributes: frozenset[str]
    hooks: dict[str, int]
    tensors: dict[str, tuple[str, ...]]


def marks(model: Any) -> ModelState:
    modules = dict(model.named_modules())
    return ModelState(
        training={name: module.training for name, module in modules.items()},
        state=frozenset(model.state_dict(keep_vars=True)),
        buffers=frozenset(name for name, _ in model.named_buffers()),
        attributes=frozenset(f"{n}.{a}" for n, m in modules.items() for a in vars(m)),
        hooks={name: count_hooks(module) for name, module in modules.items()},
        tensors={
            name: tensor_mark(tensor)
            for name, tensor in (*model.named_parameters(), *model.named_buffers())
        },
    )


def count_hooks(module: Any) -> int:
    kinds = [kind for kind in vars(module) if kind.endswith("_hooks")]
    return sum(len(vars(module)[kind] or ()) for kind in kinds)


def tensor_mark(tensor: Any) -> tuple[str, ...]:
    """Kind and gradient of a tensor, and a sample of its values: at most some twenty of them."""
    from torch.nn.parameter import is_lazy

    if is_lazy(tensor):
        return ("lazy",)
    sample = "" if tensor.is_meta else repr(sampled(tensor.detach()))
    kind = (str(tensor.dtype), str(tuple(tensor.shape)), str(tensor.requires_grad))
    return (*kind, str(tensor.grad is None), sample)


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
    attributes = sorted(after.attributes - before.attributes)
    shared = before.tensors.keys() & after.tensors.keys()
    tensors = sorted(name for name in shared if before.tensors[name] != after.tensors[name])
    found = (
        ("training mode changed on", mode),
        ("hooks left on", hooked),
        ("tensors changed:", tensors),
        ("buffers added:", buffers),
        ("state_dict keys added:", sorted(after.state - before.state)),
        ("state_dict keys gone:", sorted(before.state - after.state)),
        ("attributes added:", attributes),
        ("attributes gone:", sorted(before.attributes - after.attributes)),
    )
    return tuple(f"{words} {few(places)}" for words, places in found if places)


def few(places: list[str], count: int = 3) -> str:
    shown = ", ".join(places[:count])
    more = len(places) - count
    return f"{shown} and {more} more" if more > 0 else shown
