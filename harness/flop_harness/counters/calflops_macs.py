"""calflops 0.3.2's other figure, MACs: products alone, without einsum and recurrent layers.

Rules after calflops/pytorch_ops.py of calflops 0.3.2.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flop_harness.counters import calflops
from flop_harness.counters.pricing.flops_profiler import price_macs
from flop_harness.counters.protocol import Answer, Quantity
from flop_harness.records import Context, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import applied, children_after


def price_compute(trace: Trace) -> Account:
    return price_macs(trace, calflops.PRODUCTS, applied(trace, children_after))


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """The second of the three figures that ``calculate_flops`` returns."""
    _, macs, _ = calflops.figures(model, args, kwargs, context)
    return Answer(compute=macs)


COUNTER = replace(
    calflops.COUNTER,
    id="calflops-macs",
    description="patched functions of torch, forward MACs",
    source="calflops/pytorch_ops.py (0.3.2)",
    quantities={"compute": Quantity("MACs", "MAC", price_compute)},
    read=read,
    usage=replace(calflops.USAGE, figures={"compute": "macs"}),
    optional=True,
)
