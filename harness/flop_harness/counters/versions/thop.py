"""What thop charged between 2019 and 2022, beside the rules of its layers."""

from __future__ import annotations

import struct

from flop_harness.counters import thop
from flop_harness.counters.recurrent import Charges
from flop_harness.counters.versions.layers import (
    NORMALISATIONS,
    POOLS,
    THOP_0_0_30,
    THOP_0_0_31,
    Pricing,
    full_linear,
    has_bias,
    layers,
    per_element,
)
from flop_harness.records import Module, Trace
from flop_harness.records.account import Account
from flop_harness.trace.walk import Visit


def single(value: float) -> float:
    """The nearest number in single precision."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def in_single_precision(price: Pricing) -> Pricing:
    """Each layer's figure and the running sum are kept in single precision."""

    def rounded(trace: Trace) -> Account:
        exact = price(trace)
        by_module = exact.by_module()
        total = 0.0
        for module in trace.modules:
            total = single(total + single(by_module.get(module.path, 0)))
        return exact + Account.of([("", "rounded to single precision", total - exact.total)])

    return rounded


def below_the_root(price: Pricing) -> Pricing:
    """The sum over the tree begins below the root: a model that is one layer costs nothing."""

    def summed(trace: Trace) -> Account:
        return Account({key: amount for key, amount in price(trace).items() if key[0]})

    return summed


def full_linear_with_bias(visit: Visit, module: Module) -> Charges:
    """K multiplications, K - 1 additions and the bias per output element."""
    bias = visit.call.output.numel if has_bias(module) else 0
    return [*full_linear(visit, module), ("linear bias", bias)]


THOP_2019_10 = {**THOP_0_0_30, **layers("linear", "Linear", full_linear_with_bias)}
THOP_2020_01 = {
    **THOP_2019_10,
    **layers("batchnorm", NORMALISATIONS, per_element("batch normalisation", 2)),
    **layers("pooling", POOLS.format("AvgPool"), thop.average_pool),
}
THOP_2020_04 = {name: rule for name, rule in THOP_0_0_31.items() if ".rnn." not in name}
THOP_2022_06 = {
    **THOP_0_0_31,
    **layers("normalization", "LayerNorm", per_element("layer normalisation", 2)),
    **layers("instancenorm", "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
             per_element("instance normalisation", 2)),
}  # fmt: skip
