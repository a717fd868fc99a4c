"""``sum(p.numel() for p in model.parameters())``, all of them and those that require a gradient."""

from __future__ import annotations

from typing import Any

from flop_harness.conventions.reference import registered_parameters
from flop_harness.counters.protocol import Answer, Counter, Quantity
from flop_harness.counters.ptflops_aten import made_later, price_params
from flop_harness.counters.usage import Usage
from flop_harness.records import Context, Trace
from flop_harness.records.account import Account


def price(trace: Trace) -> Account:
    if trace.context.variant == "trainable":
        return price_params(trace)
    return registered_parameters(trace) + made_later(trace)


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    wanted = context.variant != "trainable"
    return Answer(params=sum(p.numel() for p in model.parameters() if wanted or p.requires_grad))


COUNTER = Counter(
    id="numel",
    distribution="torch",
    description="elements of model.parameters(), total and trainable",
    source="torch.nn.Module.parameters",
    quantities={"params": Quantity("parameters", "parameter", price)},
    read=read,
    on_meta=True,
    usage=Usage(
        imports="",
        call="",
        figures={
            "params": "sum(p.numel() for p in model.parameters())",
            "trainable": "sum(p.numel() for p in model.parameters() if p.requires_grad)",
        },
    ),
    contexts=(Context(variant="total"), Context(variant="trainable")),
)
