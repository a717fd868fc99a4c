"""Tensors that pass through a model: its inputs, and what its innermost modules hand on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from flop_harness.records import RAISED, Tensor, Trace
from flop_harness.records.account import lineage
from flop_harness.trace.walk import is_closed, visits

PARAMETRIZED = "parametrizations"
"""The child under which torch keeps the modules that compute a weight"""


def handed_on(trace: Trace) -> dict[str, int]:
    """Bytes of the outputs of the innermost modules that are called, each call by itself.

    A call is innermost if no module is called inside it: attention whose projection is never called
    hands on its output. What a module computes around calls of its children is no module's output;
    what parametrizes a weight is part of the module that holds it.
    """
    calls = [visit for visit in visits(trace, is_closed)
             if visit.call.level == "module" and PARAMETRIZED not in visit.path.split(".")]  # fmt: skip
    outer = {id(call) for visit in calls for call in visit.around}
    found: dict[str, int] = defaultdict(int)
    for visit in calls:
        if id(visit.call) not in outer and visit.call.output != RAISED:
            path = trace.modules[visit.call.module].path
            found[path] += sum(tensor.nbytes for tensor in tensors_in(visit.call.output))
    return dict(found)


def summed_up(amounts: Mapping[str, int]) -> dict[str, int]:
    """Each amount at its module and at everything that holds it."""
    found: dict[str, int] = defaultdict(int)
    for path, amount in amounts.items():
        for place in lineage(path):
            found[place] += amount
    return dict(found)


def tensors_in(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from tensors_in(each)
    elif hasattr(value, "values") and isinstance(value.values, tuple):
        yield from tensors_in(value.values)


def given(trace: Trace) -> Iterator[Tensor]:
    """The tensors that the model is called with."""
    return tensors_in((trace.root.args, tuple(each for _, each in trace.root.kwargs)))


def input_bytes(trace: Trace) -> int:
    return sum(tensor.nbytes for tensor in given(trace))


def batch_of(trace: Trace) -> int:
    first = next(given(trace), None)
    return first.shape[0] if first is not None and first.shape else 1
