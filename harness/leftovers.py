"""What a counter leaves behind on the model it counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_state_dict_hooks")


@dataclass(frozen=True, slots=True)
class Marks:
    """The state of a model that a counter has no business to change."""

    training: dict[str, bool]
    state: frozenset[str]
    buffers: frozenset[str]
    attributes: frozenset[str]
    hooks: dict[str, int]


def marks(model: Any) -> Marks:
    modules = dict(model.named_modules())
    return Marks(
        training={name: module.training for name, module in modules.items()},
        state=frozenset(model.state_dict(keep_vars=True)),
        buffers=frozenset(name for name, _ in model.named_buffers()),
        attributes=frozenset(f"{n}.{a}" for n, m in modules.items() for a in vars(m)),
        hooks={n: sum(len(getattr(m, kind, ())) for kind in HOOKS) for n, m in modules.items()},
    )


def leftovers(before: Marks, after: Marks) -> tuple[str, ...]:
    """Each kind of change in a line, with a few of the places."""
    common = before.training.keys() & after.training.keys()
    mode = sorted(n or "the model" for n in common if before.training[n] != after.training[n])
    hooked = sorted(
        n or "the model" for n, count in after.hooks.items() if count > before.hooks.get(n, 0)
    )
    buffers = sorted(after.buffers - before.buffers)
    attributes = sorted(after.attributes - before.attributes)
    found = (
        ("training mode changed on", mode),
        ("hooks left on", hooked),
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
