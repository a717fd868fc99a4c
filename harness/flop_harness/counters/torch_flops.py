"""torch's FlopCounterMode: operators as the dispatcher sees them, 2 FLOPs per MAC.

Rules after torch/utils/flop_counter.py of torch 2.14 and 2.15.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flop_harness.conventions.products import products_here
from flop_harness.counters.pricing.flop_counter_table import (
    REGISTERED,
    beyond_the_branch,
    by_module,
    is_unknown,
)
from flop_harness.counters.pricing.matched import of_shapes
from flop_harness.counters.protocol import Answer, Counter, Quantity
from flop_harness.counters.usage import Usage
from flop_harness.formulas.backward_products import convolution_macs
from flop_harness.records import Context, Trace
from flop_harness.records.account import Account
from flop_harness.trace.walk import Visit, operators

DENSE_GRADIENT = "grouped weight gradient taken for a dense one"
OTHER_BRANCH = "other branch of a condition"


def seen(trace: Trace, registered: frozenset[str]) -> Iterator[tuple[Visit, str, int]]:
    """Of operators on functions it enters ``cond`` alone: others it has give NotImplemented."""
    for visit, product, term in products_here(trace):
        if visit.call.packet in registered and not any(map(is_unknown, visit.around)):
            yield from ((visit, *charge) for charge in of_shapes(product, term))


def seen_too_large(trace: Trace) -> Iterator[tuple[str, str, int]]:
    """Of a grouped convolution's weight gradient: Cin x Cout where each group has Cin / g x Cout / g."""
    for visit in operators(trace):
        if visit.call.packet == "aten.convolution_backward":
            groups, (_, wanted, _) = visit.call.args[9:11]
            macs = convolution_macs(visit.call)
            yield visit.path, DENSE_GRADIENT, (groups - 1) * macs if wanted else 0


def price_compute(trace: Trace, registered: frozenset[str] = REGISTERED) -> Account:
    charges = [(visit.path, term, macs) for visit, term, macs in seen(trace, registered)]
    charges += seen_too_large(trace)
    charges += [(path, OTHER_BRANCH, macs) for path, macs in beyond_the_branch(trace, registered)]
    doubling = [(path, "2 FLOPs per MAC", macs) for path, _, macs in charges]
    return Account.of(charges + doubling)


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``with FlopCounterMode() as counter: model(x)``, then ``get_total_flops()``.

    A training step is ``model(x).sum().backward()``, the sum of all outputs or the model's own loss.
    """
    from torch.utils.flop_counter import FlopCounterMode

    from flop_harness.trace.step import total_loss

    with FlopCounterMode(display=False) as counter:
        output = model(*args, **kwargs)
        if context.training:
            total_loss(output).backward()
    if context.training:
        return Answer(compute=counter.get_total_flops())
    counts = counter.get_flop_counts()
    modules = {name: sum(by_operator.values()) for name, by_operator in counts.items()}
    return Answer(compute=counter.get_total_flops(), modules=modules)


COUNTER = Counter(
    id="torch",
    distribution="torch",
    description="torch.utils.flop_counter.FlopCounterMode: operators at dispatch",
    source="torch/utils/flop_counter.py (2.14)",
    quantities={"compute": Quantity("FLOPs", "FLOP", price_compute, by_module)},
    read=read,
    usage=Usage(
        imports="from torch.utils.flop_counter import FlopCounterMode",
        call="with FlopCounterMode(display=False) as counter:\n    model(*args)",
        named="with FlopCounterMode(display=False) as counter:\n    model(*args, **kwargs)",
        step="with FlopCounterMode(display=False) as counter:\n"
        "    output = model({called})\n    {loss}.backward()",
        figures={"compute": "counter.get_total_flops()"},
    ),
    contexts=(Context(grad=False), Context(grad=True)),
    further=(Context("meta"), Context(variant="math")),
    training=(
        Context(grad=True, variant="training"),
        Context(grad=True, variant="math training"),
        Context("meta", grad=True, variant="training"),
    ),
    by_operator=True,
)
