"""DeepSpeed's other figure, MACs: products alone, without einsum and recurrent layers.

Rules after deepspeed/profiling/flops_profiler/profiler.py of deepspeed 0.19.8.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flop_harness.counters import deepspeed
from flop_harness.counters.pricing.flops_profiler import price_macs
from flop_harness.counters.protocol import Answer, Quantity
from flop_harness.records import Context, Trace
from flop_harness.records.account import Account


def price_compute(trace: Trace) -> Account:
    return price_macs(trace, deepspeed.PRODUCTS, deepspeed.each_once(trace))


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """The second of the three figures that ``get_model_profile`` returns."""
    _, macs, _ = deepspeed.figures(model, args, kwargs)
    return Answer(compute=macs)


COUNTER = replace(
    deepspeed.COUNTER,
    id="deepspeed-macs",
    description="DeepSpeed's flops profiler: patched functions of torch, MACs",
    quantities={"compute": Quantity("macs", "MAC", price_compute)},
    read=read,
    usage=replace(deepspeed.USAGE, step="", figures={"compute": "macs"}),
    training=(),
    optional=True,
)
