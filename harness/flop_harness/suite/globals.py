"""What a model's code keeps outside the model from pass to pass: globals, class attributes, caches.

A pass without values leaves tensors there that a later one, or a counter, takes for its own.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import _lru_cache_wrapper, partial
from types import FunctionType, MethodType, ModuleType
from typing import Any

from flop_harness.suite.sources import own_modules

OTHERS = frozenset({"torch", "numpy", "builtins", "flop_harness"})
"""Packages whose modules keep nothing of a model's"""
LARGEST = 10_000
"""Items of a container that is looked into, at most"""
CACHING = _lru_cache_wrapper
CONTAINERS = (dict, list, deque)
CODE = (FunctionType, type, CACHING)
ABSENT = object()


@contextmanager
def globals_kept(root: Any) -> Iterator[None]:
    """Tensors that a pass of a module leaves outside it are gone afterwards."""
    before = Globals(code_of(root))
    try:
        yield
    finally:
        before.restore()


class Globals:
    """What is held now by classes and functions, and by all code of the user's that they reach.

    Of a library, such as torchvision, only the modules that define ``code`` itself.
    """

    def __init__(self, code: Iterable[Any]) -> None:
        roots = list(code)
        names = {"__main__", *(name for name, _ in own_modules()), *homes_of(roots)}
        found = reached(roots, names)
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


# ------------------------------------------------------------------------------------- reaching


def code_of(root: Any) -> Iterator[Any]:
    """The classes of a module's parts and of what they hold, and functions put on them, hooks too."""
    kinds: set[type] = set()
    for module in root.modules():
        kinds.add(type(module))
        for value in vars(module).values():
            for each in value.values() if isinstance(value, dict) else (value,):
                if isinstance(each, (*CODE, MethodType, partial)):
                    yield each
                else:
                    kinds.add(type(each))
    yield from {base for kind in kinds for base in kind.__mro__}


def homes_of(code: Iterable[Any]) -> Iterator[str]:
    """The modules that classes of layers are from, but for those of torch."""
    from torch import nn

    layers = (kind for kind in code if isinstance(kind, type) and issubclass(kind, nn.Module))
    for home in {kind.__module__ for kind in layers}:
        if home.partition(".")[0] not in OTHERS:
            yield home


def reached(code: Iterable[Any], names: Collection[str]) -> list[Any]:
    """This code, and the modules of ``names``, their containers and code that it reaches."""
    found: dict[int, Any] = {}
    pending = [each for one in code for each in parts_of(one) if is_holder(each, names)]
    while pending:
        one = pending.pop()
        if id(one) not in found:
            found[id(one)] = one
            pending += [each for each in held_by(one) if is_holder(each, names)]
    return list(found.values())


def parts_of(code: Any) -> Iterator[Any]:
    """A class or function itself; of a partial, its function and what it is given."""
    while isinstance(code, partial):
        yield from (*code.args, *code.keywords.values())
        code = code.func
    yield getattr(code, "__func__", code)


def held_by(one: Any) -> Iterator[Any]:
    if isinstance(one, dict):
        yield from one.values()
    elif isinstance(one, (list, deque)):
        yield from one
    elif isinstance(one, ModuleType):
        yield from vars(one).values()
    elif isinstance(one, type):
        yield sys.modules.get(one.__module__)
        yield from one.__bases__
        for each in vars(one).values():
            yield getattr(each, "__func__", each)  # of a static or class method
    elif isinstance(one, CACHING):
        yield one.__wrapped__
    else:
        yield from (sys.modules.get(name) for name in imported_by(one))
        yield from (*(one.__defaults__ or ()), *(one.__kwdefaults__ or {}).values())
        yield from vars(one).values()
        yield from (cell.cell_contents for cell in one.__closure__ or () if is_filled(cell))


def imported_by(function: FunctionType) -> Iterator[str]:
    """The names of modules that its code may be from or import when it runs."""
    home = function.__module__
    yield home
    package = home.rpartition(".")[0]
    for name in function.__code__.co_names:
        yield from (name, f"{package}.{name}")


def is_holder(one: Any, names: Collection[str]) -> bool:
    if isinstance(one, CONTAINERS):
        return 0 <= len(one) <= LARGEST
    if isinstance(one, ModuleType):
        return one.__name__ in names
    return isinstance(one, CODE) and one.__module__ in names


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
