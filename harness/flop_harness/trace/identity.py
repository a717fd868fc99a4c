"""Functions of torch that a model's code compares by ``is`` or asks for their type: nothing can stand in for them unnoticed."""

from __future__ import annotations

import dis
import sys
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from functools import cache, partial
from itertools import pairwise
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from torch import Tensor, nn

from flop_harness.suite.globals import is_filled
from flop_harness.trace.functions import functions_of_torch

IS = dis.opmap["IS_OP"]
ASKS = frozenset({"type", "id"})
"""What tells one object from another, besides"""
DICTS = frozenset({dict, OrderedDict})
PLAIN = frozenset({Tensor, nn.Parameter})
FLAGGED = sys.version_info >= (3, 12)
"""Whether LOAD_ATTR says by its last bit that a method is called; before, LOAD_METHOD did"""
PUSHED_AFTER = sys.version_info >= (3, 13)
"""Whether PUSH_NULL follows what is called; before, it came first"""


def compared_by(modules: Iterable[nn.Module]) -> frozenset[str]:
    """Names of functions of torch that the code of these modules compares by identity, or asks for their type.

    ``self.act is F.gelu`` gives ``gelu``, ``torch.Tensor.add`` ``Tensor.add``. Looked through are the methods of their
    classes, functions that they hold, and what these name, but for torch's own; and what the classes of
    tensors that they hold or name do with functions.
    """
    modules = list(modules)
    held = (map(type, (*each._parameters.values(), *each._buffers.values())) for each in modules)
    kinds: set[Any] = {*map(type, modules), *(kind for each in held for kind in each)}
    names = frozenset(name for kind in kinds for name in compared_in(kind))
    return names | names_compared(reached(functions_of(modules)))


@cache
def compared_in(kind: type) -> frozenset[str]:
    return names_compared(functions_used_by(kind) + handling(kind))


def names_compared(functions: list[FunctionType]) -> frozenset[str]:
    for kind in {kind for each in functions for kind in classes_named_by(each)}:
        functions = functions + handling(kind)
    return frozenset(
        name for each in functions for name in names_in(each.__code__, each.__globals__)
    )


def handling(kind: type) -> list[FunctionType]:
    """How a class of tensors answers to functions of torch, if in a way of its own."""
    if not issubclass(kind, Tensor) or kind in PLAIN:
        return []
    own = function_of(vars(kind).get("__torch_function__"))
    return [own] if type(own) is FunctionType else []


def classes_named_by(function: FunctionType) -> Iterator[type]:
    """Classes of tensors that its code names, or that are from where a function of torch's is that it names."""
    for value in named_by(function):
        if isinstance(value, type):
            yield value
        elif type(value) is FunctionType and is_of_torch(value):
            beside = vars(sys.modules.get(value.__module__, value)).values()
            yield from (each for each in beside if isinstance(each, type))


class IsCalled(dict[type, bool]):
    """Whether what is of a kind is run as a function: no module, no class. A trace asks of each attribute of each
    module, and a look into a dictionary takes a third of a call.
    """

    def __missing__(self, kind: type) -> bool:
        called = kind in (FunctionType, MethodType, partial) or "__call__" in vars(kind)
        return self.setdefault(kind, called)


IS_CALLED = IsCalled()


def functions_of(modules: Iterable[nn.Module]) -> list[Any]:
    """Functions that modules hold or are hooked by; of an object that is called as one, its ``__call__``."""
    called: list[Any] = []
    for module in modules:
        for value in vars(module).values():
            if type(value) not in DICTS:
                if IS_CALLED[type(value)]:
                    called.append(value)
            elif value:
                called += [each for each in value.values() if IS_CALLED[type(each)]]
    return list({id(each): each for each in map(called_for, called)}.values())


def called_for(value: Any) -> Any:
    """The function that is run where a value is called."""
    while type(value) is partial:
        value = value.func
    if type(value) in (FunctionType, MethodType):
        return function_of(value)
    return vars(type(value)).get("__call__")


def functions_used_by(kind: type) -> list[FunctionType]:
    """The methods of a class and its bases, and the functions that these name; none of torch's own."""
    classes = [base for base in kind.__mro__[:-1] if not is_of_torch(base)]
    return reached([function_of(value) for base in classes for value in vars(base).values()])


def reached(left: list[Any]) -> list[FunctionType]:
    """The functions among these, and those that they name; none of torch's own."""
    left, found = list(left), {}
    while left:
        each = left.pop()
        if type(each) is FunctionType and id(each) not in found and not is_of_torch(each):
            found[id(each)] = each
            left += named_by(each)
    return list(found.values())


def function_of(member: Any) -> Any:
    """What is called where a class has a method of one kind or another."""
    if type(member) in (staticmethod, classmethod, MethodType):
        return member.__func__
    return member.fget if type(member) is property else member


def named_by(function: FunctionType) -> Iterator[Any]:
    """Globals of a function that its code names, what it names in files of the user's, and functions around it."""
    names = set(names_of(function.__code__))
    yield from (cell.cell_contents for cell in function.__closure__ or () if is_filled(cell))
    for name in names:
        value = function.__globals__.get(name)
        yield value
        if type(value) is ModuleType and not is_of_torch(value):
            yield from (vars(value).get(inner) for inner in names)


def names_of(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from names_of(inner)


@cache
def names_of_functions() -> frozenset[str]:
    return frozenset(name for _, name, _ in functions_of_torch())


def is_of_torch(value: Any) -> bool:
    home = value.__name__ if type(value) is ModuleType else getattr(value, "__module__", "")
    return str(home).partition(".")[0] == "torch"


def names_in(code: CodeType, known: dict[str, Any]) -> Iterator[str]:
    """Functions of torch that are loaded, but not called, where objects are told from each other."""
    if not names_of_functions().isdisjoint(code.co_names):
        found = list(dis.get_instructions(code))
        held = any(each.opcode == IS and not is_none(right) for right, each in pairwise(found))
        if held or not ASKS.isdisjoint(code.co_names):
            yield from loaded(found, known)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from names_in(inner, known)


def is_none(instruction: dis.Instruction) -> bool:
    return instruction.opname == "LOAD_CONST" and instruction.argval is None


def loaded(instructions: Iterable[dis.Instruction], known: dict[str, Any]) -> Iterator[str]:
    """The last names of such chains as ``torch.nn.functional.gelu``, from a module that is known."""
    value: Any = None
    for each, after in pairwise(instructions):  # what returns ends them
        is_called = bool((each.arg or 0) & 1)
        if each.opname == "LOAD_GLOBAL":
            value = None if is_called else known.get(each.argval)
        elif each.opname == "LOAD_ATTR" and (isinstance(value, ModuleType) or value is Tensor):
            if (FLAGGED and is_called) or (PUSHED_AFTER and after.opname == "PUSH_NULL"):
                value = None
            else:
                prefix = "Tensor." if value is Tensor else ""
                value = getattr(value, each.argval, None)
                if callable(value) and not isinstance(value, type):
                    yield f"{prefix}{each.argval}"
        elif each.opname != "CACHE":
            value = None
