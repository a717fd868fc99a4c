"""The harness's own count, taken by a route of its own: on the real device, in this process."""

from __future__ import annotations

from functools import partial
from typing import Any

from flop_harness.conventions.reference import parameters, reference
from flop_harness.counters.protocol import Answer, Counter, Quantity
from flop_harness.counters.usage import Usage
from flop_harness.records import Context


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """Trace the model on real tensors and price the trace."""
    from flop_harness.trace.attempts import recorded
    from flop_harness.trace.copying import NotCopyable

    given = partial(recorded, lambda: (model, args, kwargs), grad=context.grad)
    try:
        trace = given()
    except NotCopyable:  # in this process, which is the counter's own, once: it may look at values
        trace = given(copy=False, execute=True)
    account = reference(trace)
    return Answer(account.total, parameters(trace).total, account.inclusive())


COUNTER = Counter(
    id="analytic",
    distribution="flop-harness",
    description="the reference: one MAC per multiplication of a product",
    source="flop_harness/conventions/reference.py",
    quantities={
        "compute": Quantity("MACs", "MAC", reference, lambda trace: reference(trace).inclusive()),
        "params": Quantity("parameters", "parameter", parameters),
    },
    read=read,
    on_meta=True,
    usage=Usage(
        imports="import flop_harness",
        call="count = flop_harness.count(model, *args)",
        named="count = flop_harness.count(model, *args, **kwargs)",
        figures={"compute": "count.macs", "params": "count.params"},
    ),
)
