"""Lightning's ``measure_flops``: torch's FlopCounterMode around a function that calls the model.

Rules after lightning_fabric/utilities/throughput.py of lightning-fabric 2.6.6: those of ``torch``.
"""

from __future__ import annotations

from typing import Any

from flop_harness.counters.protocol import Answer, Counter, Quantity
from flop_harness.counters.torch_flops import price_compute
from flop_harness.counters.usage import Usage
from flop_harness.records import Context


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``measure_flops(model, lambda: model(x))``; of a training step with the sum of its losses."""
    from lightning_fabric.utilities.throughput import measure_flops

    from flop_harness.trace.step import total_loss

    training = (total_loss,) if context.training else ()
    return Answer(compute=measure_flops(model, lambda: model(*args, **kwargs), *training))


COUNTER = Counter(
    id="lightning",
    distribution="lightning-fabric",
    description="Lightning's measure_flops: FlopCounterMode around a call of the model",
    source="lightning_fabric/utilities/throughput.py (2.6.6)",
    quantities={"compute": Quantity("FLOPs", "FLOP", price_compute)},
    read=read,
    usage=Usage(
        imports="from lightning_fabric.utilities.throughput import measure_flops",
        call="flops = measure_flops(model, lambda: model(*args))",
        named="flops = measure_flops(model, lambda: model(*args, **kwargs))",
        figures={"compute": "flops"},
    ),
    contexts=(Context(grad=True),),
    further=(Context("meta", grad=True),),
    training=(
        Context(grad=True, variant="training"),
        Context("meta", grad=True, variant="training"),
    ),
    overlay=("lightning-fabric==2.6.6", "lightning-utilities==0.15.2"),
    by_operator=True,
    optional=True,
)
