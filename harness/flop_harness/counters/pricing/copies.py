"""Deep copies that a forward pass makes of modules with hooks: they have the hooks, and a sum so far."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterator, Mapping

from flop_harness.records import Module, Trace
from flop_harness.trace.walk import Visit, module_calls

CARRIED = " carried over into a copy"


def original(trace: Trace, index: int) -> int:
    """The module that the hooks of a module were put on: itself unless it is a copy."""
    of: tuple[int, int] = trace.modules[index].config.get("copy_of", (index, 0))
    return of[0]


def is_copy(module: Module) -> bool:
    return "copy_of" in module.config


Copies = Mapping[int, list[tuple[int, int]]]
"""Original -> each of its copies, and how many calls it had come to as that was made"""


def copies(trace: Trace) -> Copies:
    found: dict[int, list[tuple[int, int]]] = {}
    for number, module in enumerate(trace.modules):
        if is_copy(module):
            index, calls = module.config["copy_of"]
            found.setdefault(index, []).append((number, calls))
    return found


def tallied(trace: Trace) -> Iterator[tuple[Visit, Module, int, str]]:
    """Each call of a module, and each module that its amount stands on where sums stand on modules.

    Next to these a suffix for the terms that stand on copies: the sum was copied too.
    """
    made, calls = copies(trace), Counts[int]()
    for visit, module in module_calls(trace):
        index = visit.call.module
        calls[index] += 1
        yield visit, module, index, ""
        for copy, before in made.get(index, ()):
            if calls[index] <= before:
                yield visit, module, copy, CARRIED
