"""What earlier versions of DeepSpeed's flops profiler charged, which calflops forked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from flop_harness.counters import calflops, deepspeed
from flop_harness.counters.pricing.flops_profiler import price_flops, price_macs
from flop_harness.counters.pricing.flops_profiler_rules import (
    DIMENSIONS,
    F,
    M,
    Product,
    Rule,
    sized_positions,
)
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.records import Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import applied, children_after
from flop_harness.trace.walk import Visit

PRODUCTS_0_19_6: Mapping[str, Product] = deepspeed.PRODUCTS | {
    f"{F}.conv_transpose{n}d": calflops.transposed_convolution for n in DIMENSIONS
}
OTHERS_0_19_6: Mapping[str, Rule] = deepspeed.OTHERS | {
    name: rule for name, rule in calflops.OTHERS.items() if name.endswith((".mul", ".add"))
}


def upsample(visit: Visit) -> Charges:
    """Output positions; by a scale factor, the input's elements by that to the power of the batch."""
    call = visit.call
    positions = sized_positions(call.argument(1, "size"), call.output)
    if positions is not None:
        return [("upsampling", positions)]
    x, scale = call.args[0], call.argument(2, "scale_factor")
    return [("upsampling", int(x.numel * scale ** x.shape[0]))]


OTHERS_0_17_1 = {**OTHERS_0_19_6, **dict.fromkeys((f"{F}.upsample", f"{F}.interpolate"), upsample)}
OTHERS_0_16_1 = {name: rule for name, rule in OTHERS_0_17_1.items() if name != "einops.einsum"}


UNSEEN_0_13_2 = (f"{F}.scaled_dot_product_attention", f"{M}.__matmul__")
PRODUCTS_0_13_2 = {
    name: rule for name, rule in PRODUCTS_0_19_6.items() if name not in UNSEEN_0_13_2
}


def flops(
    trace: Trace, others: Mapping[str, Rule], products: Mapping[str, Product] = PRODUCTS_0_19_6
) -> Account:
    """A shared module's whole count is added at each of its places in the tree."""
    return price_flops(trace, products, others, applied(trace, children_after))


def macs(trace: Trace, products: Mapping[str, Product] = PRODUCTS_0_19_6) -> Account:
    return price_macs(trace, products, applied(trace, children_after))


flops_0_19_6 = partial(flops, others=OTHERS_0_19_6)
flops_0_17_1 = partial(flops, others=OTHERS_0_17_1)
flops_0_16_1 = partial(flops, others=OTHERS_0_16_1)
flops_0_13_2 = partial(flops, others=OTHERS_0_16_1, products=PRODUCTS_0_13_2)
macs_0_13_2 = partial(macs, products=PRODUCTS_0_13_2)
