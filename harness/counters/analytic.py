"""The harness's own count, taken by a route of its own: on the real device, in this process."""

from __future__ import annotations

from typing import Any

from harness.conventions import parameters, reference
from harness.counters.protocol import Answer, Counter, Quantity
from harness.counters.usage import Usage
from harness.records import Context


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """Trace the model on real tensors and price the trace."""
    from harness.trace import recorded, shadow

    trace = recorded(lambda: (shadow(model), args, kwargs), grad=context.grad)
    account = reference(trace)
    return Answer(account.total, parameters(trace).total, account.inclusive())


COUNTER = Counter(
    id="analytic",
    distribution="flop-harness",
    description="the reference: one MAC per multiplication of a product",
    source="harness/conventions.py",
    quantities={
        "compute": Quantity("MACs", "MAC", reference, lambda trace: reference(trace).inclusive()),
        "params": Quantity("parameters", "parameter", parameters),
    },
    read=read,
    usage=Usage(
        imports="import harness",
        call="count = harness.count(model, *args)",
        named="count = harness.count(model, *args, **kwargs)",
        figures={"compute": "count.macs", "params": "count.params"},
    ),
)
