"""torch's FlopCounterMode: operators as the dispatcher sees them, 2 FLOPs per MAC.

Rules after torch/utils/flop_counter.py of torch 2.14.
"""

from __future__ import annotations

from typing import Any

from harness.account import Account
from harness.conventions import products
from harness.counters.protocol import Answer, Counter, Quantity
from harness.records import Context, Trace

# Operators with a formula there; fused attention on CPU and recurrent kernels have none.
REGISTERED = frozenset(
    f"aten.{name}"
    for name in [
        "mm",
        "addmm",
        "bmm",
        "baddbmm",
        "_scaled_mm",
        "convolution",
        "_convolution",
        "cudnn_convolution",
        "convolution_overrideable",
        "_slow_conv2d_forward",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_cudnn_attention",
        "_flash_attention_forward",
        "_efficient_attention_forward",
    ]
)


def price_compute(trace: Trace) -> Account:
    seen = [
        (visit.path, term, product.macs)
        for visit, product, term in products(trace)
        if visit.call.packet in REGISTERED
    ]
    doubling = [(path, "2 FLOPs per MAC", macs) for path, _, macs in seen]
    return Account.of(seen + doubling)


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``with FlopCounterMode() as counter: model(x)``, then ``get_total_flops()``."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        model(*args, **kwargs)
    counts = counter.get_flop_counts()
    modules = {name: sum(by_operator.values()) for name, by_operator in counts.items()}
    return Answer(compute=counter.get_total_flops(), modules=modules)


COUNTER = Counter(
    id="torch",
    distribution="torch",
    description="torch.utils.flop_counter.FlopCounterMode: operators at dispatch",
    source="torch/utils/flop_counter.py (2.14)",
    quantities={"compute": Quantity("FLOPs", "FLOP", price_compute)},
    read=read,
    contexts=(Context(grad=False), Context(grad=True)),
)
