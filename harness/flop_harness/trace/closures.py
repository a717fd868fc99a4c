"""Functions that hold parts of a model: in their closures, as defaults, in their attributes.

A hook that writes into a list of the model's, or a ``forward`` put on a layer that calls another: in a
copy of the model they hold the parts of the copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import CellType, FunctionType, MethodType
from typing import Any

from torch.optim import Optimizer

CONTAINERS = (list, tuple, set, frozenset)
LARGEST = 10_000
"""Items of a container that is looked into, at most"""


def held(function: FunctionType) -> Iterator[Any]:
    """What a function holds beside its code and its module's globals."""
    yield from map(content, function.__closure__ or ())
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
    yield from function.__dict__.values()


def content(cell: CellType) -> Any:
    """What a cell holds; None where nothing was put there yet."""
    try:
        return cell.cell_contents
    except ValueError:
        return None


def bound(functions: Iterable[FunctionType], memo: Mapping[int, Any]) -> set[int]:
    """The ids of those functions, and of the cells of their closures, that lead to what ``memo`` has
    a copy of; of functions that they hold too.
    """
    found: set[int] = set()
    known: set[int] = set()
    pending: list[Any] = list(functions)
    while pending:
        each = pending.pop()
        if id(each) in known:
            continue
        known.add(id(each))
        if isinstance(each, FunctionType):
            cells = (cell for cell in each.__closure__ or () if leads(content(cell), memo, set()))
            found |= {id(cell) for cell in cells}
            if leads(each, memo, set()):
                found.add(id(each))
        pending += parts(each)
    return found


def leads(value: Any, memo: Mapping[int, Any], seen: set[int]) -> bool:
    """Whether a value is, or holds, something of which there is a copy that is another."""
    if id(value) in seen:
        return False
    seen.add(id(value))
    if memo.get(id(value), value) is not value:
        return True
    return any(leads(each, memo, seen) for each in parts(value))


def parts(value: Any) -> Iterator[Any]:
    """What a value holds, where that can be told without asking it."""
    if isinstance(value, FunctionType):
        yield from held(value)
    elif isinstance(value, MethodType):
        yield value.__self__
    elif isinstance(value, partial):
        yield from (value.func, *value.args, *value.keywords.values())
    elif isinstance(value, Optimizer):
        yield value.param_groups
    elif type(value) is dict and len(value) <= LARGEST:
        yield from value
        yield from value.values()
    elif type(value) in CONTAINERS and len(value) <= LARGEST:
        yield from value


def rebound(
    function: FunctionType, twin: FunctionType, copied: Callable[[Any], Any]
) -> FunctionType:
    """``twin``, which ``empty`` made, with copies of what the function holds."""
    for cell, new in zip(function.__closure__ or (), twin.__closure__ or (), strict=True):
        if new is not cell:
            new.cell_contents = copied(cell.cell_contents)
    twin.__defaults__ = copied(function.__defaults__)
    twin.__kwdefaults__ = copied(function.__kwdefaults__)
    twin.__dict__.update(copied(function.__dict__))
    return twin


def empty(function: FunctionType, fresh: Callable[[CellType], CellType]) -> FunctionType:
    """The same function, which holds nothing yet in the cells that are made ``fresh``."""
    cells = tuple(map(fresh, function.__closure__ or ()))
    twin = FunctionType(
        function.__code__, function.__globals__, function.__name__, None, cells or None
    )
    twin.__qualname__, twin.__module__ = function.__qualname__, function.__module__
    twin.__doc__, twin.__annotations__ = function.__doc__, function.__annotations__
    return twin
