"""What a model's code keeps outside the model from pass to pass: globals, class attributes, caches.

A pass without values leaves tensors there that a later one, or a counter, takes for its own, and
every pass leaves counts of passes and names of what it saw, by which a later one may go another way.
Things are looked at by their type and by methods of ``dict`` and ``list`` themselves: some libraries hold
objects that import modules, or raise, when they are asked.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import _lru_cache_wrapper, partial
from itertools import starmap, zip_longest
from types import FunctionType, MethodType, ModuleType
from typing import Any

from flop_harness.suite.global_hooks import hook_tables
from flop_harness.suite.sources import own_modules

OTHERS = frozenset({"torch", "numpy", "builtins", "flop_harness"})
"""Packages whose modules keep nothing of a model's"""
HOOKS_OF_TENSORS = ("_backward_hooks", "_post_accumulate_grad_hooks")
LARGEST = 10_000
"""Items of a container that is looked into, at most"""
CACHING = _lru_cache_wrapper
CONTAINERS = (dict, list, deque)
CODE = (FunctionType, type, CACHING)
PLACES = (*CONTAINERS, ModuleType, type, FunctionType)
METHODS = (MethodType, staticmethod, classmethod)
NOTES = frozenset({int, float, complex, str, bytes})
"""What tells a pass from another. Flags, which are of another kind, tell that something is set up."""
GENERATORS: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], None]]] = {
    "random.Random": (lambda one: one.getstate(), lambda one, state: one.setstate(state)),
    "torch._C.Generator": (lambda one: one.get_state(), lambda one, state: one.set_state(state)),
    "numpy.random.mtrand.RandomState": (
        lambda one: one.get_state(), lambda one, state: one.set_state(state)),
    "numpy.random._generator.Generator": (
        lambda one: one.bit_generator.state,
        lambda one, state: setattr(one.bit_generator, "state", state)),
}  # fmt: skip
"""Kinds of generators of random numbers -> how their state is read, and set"""
ABSENT = object()


@contextmanager
def globals_kept(root: Any) -> Iterator[None]:
    """Tensors, numbers and texts that a pass of a module leaves outside it are gone afterwards."""
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
        self.caches = [(each, each.cache_info().misses) for each in found if is_a(each, CACHING)]
        self.places = [(each, contents(each)) for each in found if is_a(each, PLACES)]
        generators = [(each, GENERATORS.get(kind_of(each))) for each in found]
        self.states = [(each, way[0](each), way[1]) for each, way in generators if way]

    def restore(self) -> None:
        """Put back the tensors, numbers and texts of before; generators draw the same again, and functions
        forget what they remember since.
        """
        for generator, state, set_state in self.states:
            set_state(generator, state)
        for place, before in self.places:
            put_back(place, before)
        for cache, misses in self.caches:
            if cache.cache_info().misses != misses:
                cache.cache_clear()


# ------------------------------------------------------------------------------------- reaching


def code_of(root: Any) -> Iterator[Any]:
    """The classes of a module's parts and of what they hold, and functions put on them, hooks too."""
    kinds: set[type] = set()
    for each in (*hook_tables(), *(held for module in root.modules() for held in put_on(module))):
        if is_a(each, (*CODE, MethodType, partial)):
            yield each
        elif is_a(each, dict):
            yield from dict.values(each)
        else:
            kinds.add(type(each))
    yield from {base for kind in kinds for base in kind.__mro__}


def put_on(module: Any) -> Iterator[Any]:
    """A module, what it holds, and the hooks on its parameters and buffers."""
    yield module
    for value in vars(module).values():
        yield from items_of(value) if is_a(value, dict) else (value,)
    for tensor in (*module._parameters.values(), *module._buffers.values()):
        for name in HOOKS_OF_TENSORS:
            yield from (getattr(tensor, name, None) or {}).values()


def homes_of(code: Iterable[Any]) -> Iterator[str]:
    """The modules that classes of layers are from, but for those of torch."""
    from torch import nn

    layers = (kind for kind in code if isinstance(kind, type) and issubclass(kind, nn.Module))
    for home in {kind.__module__ for kind in layers}:
        if home.partition(".")[0] not in OTHERS:
            yield home


def reached(code: Iterable[Any], names: Collection[str]) -> list[Any]:
    """This code, and what it reaches: modules of ``names``, their containers, code and objects."""
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
    while is_a(code, partial):
        yield from (*code.args, *code.keywords.values())
        code = code.func
    yield function_of(code)


def function_of(method: Any) -> Any:
    """What a bound, static or class method calls; anything else as it is."""
    return method.__func__ if is_a(method, METHODS) else method


def held_by(one: Any) -> Iterator[Any]:
    if is_a(one, CONTAINERS):
        yield from items_of(one)
    elif is_a(one, ModuleType):
        yield from vars(one).values()
    elif is_a(one, type):
        yield sys.modules.get(one.__module__)
        yield from one.__bases__
        yield from map(function_of, vars(one).values())
    elif is_a(one, CACHING):
        yield one.__wrapped__
    elif not is_a(one, FunctionType):
        yield getattr(one, "__dict__", None)
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
    if is_a(one, CONTAINERS):
        return len(items_of(one)) <= LARGEST
    if is_a(one, ModuleType):
        return one.__name__ in names
    return (one if is_a(one, CODE) else type(one)).__module__ in names or kind_of(one) in GENERATORS


def kind_of(one: Any) -> str:
    return f"{type(one).__module__}.{type(one).__name__}"


def is_a(one: Any, kinds: type | tuple[type, ...]) -> bool:
    """By its type: isinstance asks the thing itself too."""
    return issubclass(type(one), kinds)


def items_of(container: Any) -> Collection[Any]:
    """The values of a dictionary, the items of a list or queue, past methods of their own."""
    if is_a(container, dict):
        return dict.values(container)
    return tuple((list if is_a(container, list) else deque).__iter__(container))


def is_filled(cell: Any) -> bool:
    try:
        return cell.cell_contents is not ABSENT
    except ValueError:
        return False


# ------------------------------------------------------------------------------------ contents


def contents(place: Any) -> dict[Any, Any] | list[Any]:
    if is_a(place, (list, deque)):
        return list(items_of(place))
    return dict(dict.items(place) if is_a(place, dict) else vars(place))


def put_back(place: Any, before: Any) -> None:
    """What was there, in the place of what a pass has left."""
    now = contents(place)
    if isinstance(now, list):
        if any(starmap(was_left, zip_longest(before, now, fillvalue=ABSENT))):
            place.clear()
            place.extend(before)
        return
    for name in {**before, **now}:
        old, new = before.get(name, ABSENT), now.get(name, ABSENT)
        if was_left(old, new):
            bind(place, name, old)


def was_left(old: Any, new: Any) -> bool:
    """Whether a later pass would take what stands in the place of ``old`` for its own."""
    if old is new:
        return False
    return any(type(each) in NOTES or holds_tensor(each) for each in (old, new))


def bind(place: Any, name: Any, value: Any) -> None:
    """``value`` under a name of a container, module or class; nothing where it is ABSENT."""
    if is_a(place, dict):
        place.pop(name) if value is ABSENT else place.__setitem__(name, value)
    else:
        delattr(place, name) if value is ABSENT else setattr(place, name, value)


def holds_tensor(value: Any, depth: int = 4) -> bool:
    """Whether it is a tensor, or holds one in its items or attributes."""
    import torch

    if is_a(value, torch.Tensor):
        return True
    if depth == 0 or is_a(value, (type, ModuleType, FunctionType)):
        return False
    if is_a(value, CONTAINERS):
        parts: Iterable[Any] = items_of(value)
    elif is_a(value, (tuple, set)):
        parts = value
    else:
        parts = getattr(value, "__dict__", {}).values()
    return any(holds_tensor(each, depth - 1) for each in parts)
