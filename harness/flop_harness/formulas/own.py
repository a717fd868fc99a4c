"""Formulas of the user's own, for operators that have none here.

``@formula("mylib::mm")`` in the file that holds the model, or an entry point of group
``flop_harness.formulas`` whose value is a module, or a function, that registers. What they say is kept in the
trace, so whoever prices it later need not load them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points
from typing import Any, TypeAlias

from flop_harness.errors import UserError
from flop_harness.formulas.registry import FORMULAS
from flop_harness.records import Call
from flop_harness.records.work import Product, Work

Said: TypeAlias = Work | Product | int | None
"""Of a formula: all work; a product; its multiplications alone; nothing that it knows"""

OWN: dict[str, Callable[[Call], Said]] = {}


def formula(*operators: Any) -> Callable:
    """Register a formula for operators: ``"mylib::mm"``, ``"mylib.mm"`` or ``torch.ops.mylib.mm``.

    The function gets a ``Call``, with ``args``, ``kwargs`` and ``output``, tensors by ``shape``,
    and gives a ``Work``, a ``Product``, or a number of multiply-accumulates. UserError at the
    second formula of an operator; a function of the same name in the same file replaces the first.
    """

    def register(function: Callable[[Call], Said]) -> Callable[[Call], Said]:
        for name in map(name_of, operators):
            first = OWN.get(name) or FORMULAS.get(name)
            if first is not None and place(first) != place(function):
                told = " and ".join(map(in_words, (first, function)))
                raise UserError(f"{name} has two formulas: {told}")
            OWN[name] = function
        return function

    return register


def name_of(operator: Any) -> str:
    """``mylib.mm`` of a name or an operator, without overload."""
    whole = getattr(operator, "_qualname", None) or getattr(operator, "overloadpacket", operator)
    name = str(whole).replace("::", ".")
    if name.count(".") == 0:
        raise UserError(f"a formula is for an operator such as 'mylib::mm', not for {name!r}")
    return ".".join(name.split(".")[:2])


def place(function: Callable) -> tuple[str, str]:
    code = getattr(function, "__code__", None)
    return (code.co_filename if code else "", getattr(function, "__qualname__", repr(function)))


def in_words(function: Callable) -> str:
    code = getattr(function, "__code__", None)
    where = f" ({code.co_filename}:{code.co_firstlineno})" if code else ""
    return f"{getattr(function, '__qualname__', function)}{where}"


@cache
def load_entry_points() -> None:
    """Import what installed packages bring, once."""
    for entry in entry_points(group="flop_harness.formulas"):
        try:
            loaded = entry.load()
            if callable(loaded) and place(loaded) not in map(place, OWN.values()):
                loaded()
        except UserError:
            raise
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            raise UserError(f"entry point {entry.name} of {entry.value} raised {told}") from error


def own_work(call: Call) -> Work | None:
    """What a formula of the user's own says of an operator; UserError if it raises, or says else."""
    load_entry_points()
    function = OWN.get(call.packet)
    if function is None:
        return None
    try:
        said = function(call)
    except Exception as error:
        told = " ".join(f"{type(error).__name__}: {error}".split())
        raise UserError(
            f"the formula {in_words(function)} of {call.packet} raised {told}"
        ) from error
    if said is None or isinstance(said, Work):
        return said
    if isinstance(said, Product):
        return Work((said,))
    if isinstance(said, int) and not isinstance(said, bool) and said >= 0:
        outputs = getattr(call.output, "numel", 0)
        return Work((Product(said, min(outputs, said)),))
    raise UserError(
        f"the formula {in_words(function)} of {call.packet} gave {said!r}; "
        "a Work, a Product or a number of multiplications is wanted"
    )
