"""What a model's code keeps outside the model from pass to pass: globals, class attributes, caches.

A pass without values leaves tensors there that a later one, or a counter, takes for its own.
"""

from __future__ import annotations

import functools
import sys
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

from flop_harness.suite.sources import own_modules

OTHERS = frozenset({"torch", "numpy", "builtins", "flop_harness"})
"""Packages whose modules keep nothing of a model's"""
LARGEST = 10_000
"""Items of a container that is looked into, at most"""
CACHING = functools._lru_cache_wrapper
CONTAINERS = (dict, list, deque)
ABSENT = object()


@contextmanager
def globals_kept(root: Any) -> Iterator[None]:
    """Tensors that a pass of a module leaves outside it are gone afterwards."""
    before = Globals(kind for module in root.modules() for kind in type(module).__mro__)
    try:
        yield
    finally:
        before.restore()


class Globals:
    """What the user's modules hold now, and those that ``classes`` come from."""

    def __init__(self, classes: Iterable[type] = ()) -> None:
        kinds = {kind for kind in classes if kind.__module__.partition(".")[0] not in OTHERS}
        names = {"__main__", *(name for name, _ in own_modules()), *(k.__module__ for k in kinds)}
        modules = [sys.modules[name] for name in names if name in sys.modules]
        found = reached((*modules, *kinds), names)
        self.caches = [(each, each.cache_info().misses) for each in found
                       if isinstance(each, CACHING)]  # fmt: skip
        self.places = [(each, contents(each)) for each in found
                       if not isinstance(each, CACHING)]  # fmt: skip

    def restore(self) -> None:
        """Take away the tensors that have come since, and what functions remember since."""
        for place, before in self.places:
            put_back(place, before)
        for cache, misses in self.caches:
            if cache.cache_info().misses != misses:
                cache.cache_clear()


def reached(holders: Iterable[Any], names: Collection[str]) -> list[Any]:
    """These, and the containers, caching functions, functions and classes of ``names`` that they hold."""
    found: dict[int, Any] = {}
    pending = list(holders)
    while pending:
        one = pending.pop()
        if id(one) not in found:
            found[id(one)] = one
            pending += [each for each in held_by(one) if is_holder(each, names)]
    return list(found.values())


def held_by(one: Any) -> Iterator[Any]:
    if isinstance(one, dict):
        yield from one.values()
    elif isinstance(one, (list, deque)):
        yield from one
    elif isinstance(one, ModuleType):
        yield from vars(one).values()
    elif isinstance(one, type):
        for each in vars(one).values():
            yield getattr(each, "__func__", each)  # of a static or class method
    elif isinstance(one, CACHING):
        yield one.__wrapped__
    else:
        yield from (*(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values())
        yield from vars(one).values()
        yield from (cell.cell_contents for cell in one.__closure__ or () if is_filled(cell))


def is_holder(one: Any, names: Collection[str]) -> bool:
    if isinstance(one, CONTAINERS):
        return 0 <= len(one) <= LARGEST
    return isinstance(one, (FunctionType, type, CACHING)) and one.__module__ in names


def is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not ABSENT
    except ValueError:
        return False


# ------------------------------------------------------------------------------------ contents


def contents(place: Any) -> dict[Any, Any] | list[Any]:
    if isinstance(place, (list, deque)):
        return list(place)
    return dict(place if isinstance(place, dict) else vars(place))


def put_back(place: Any, before: Any) -> None:
    """What was there, in the place of tensors that have come."""
    now = contents(place)
    if isinstance(now, list):
        known = set(map(id, before))
        if any(id(each) not in known and holds_tensor(each) for each in now):
            place.clear()
            place.extend(before)
        return
    for name in {**before, **now}:
        old, new = before.get(name, ABSENT), now.get(name, ABSENT)
        if old is not new and holds_tensor(old if new is ABSENT else new):
            bind(place, name, old)


def bind(place: Any, name: Any, value: Any) -> None:
    """``value`` under a name of a container, module or class; nothing where it is ABSENT."""
    if isinstance(place, dict):
        place.pop(name) if value is ABSENT else place.__setitem__(name, value)
    else:
        delattr(place, name) if value is ABSENT else setattr(place, name, value)


def holds_tensor(value: Any, depth: int = 4) -> bool:
    """Whether it is a tensor, or holds one in its items or attributes."""
    import torch

    if isinstance(value, torch.Tensor):
        return True
    if depth == 0 or isinstance(value, (type, ModuleType, FunctionType)):
        return False
    if isinstance(value, Mapping):
        parts: Iterable[Any] = value.values()
    elif isinstance(value, (list, tuple, deque, set)):
        parts = value
    else:
        parts = getattr(value, "__dict__", {}).values()
    return any(holds_tensor(each, depth - 1) for each in parts)
