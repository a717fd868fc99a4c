"""What thop charged between 2019 and 2022, beside the rules of its layers."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import partial

from flop_harness.conventions.reference import parameter_term
from flop_harness.counters import thop
from flop_harness.counters.pricing.copies import original
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.versions.layers import (
    NORMALISATIONS,
    POOLS,
    THOP_0_0_30,
    THOP_0_0_31,
    UPSAMPLES,
    Pricing,
    Rule,
    charged,
    full_linear,
    has_bias,
    layers,
    per_element,
    upsampled,
)
from flop_harness.records import Module, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import (
    all_parameters,
    applied,
    own_parameters,
    subtree,
    subtree_after,
    summed,
)
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


def by_hook(rules: Mapping[str, Rule]) -> Pricing:
    """As ``by_layer``, where a module that is held in several places has a hook for each."""

    def price(trace: Trace) -> Account:
        hooks = applied(trace)
        calls = [(hooks[original(trace, index)], path, charge)
                 for index, path, charges in charged(trace, rules) for charge in charges]  # fmt: skip
        again = [(path, f"{term} of a shared module counted again", amount * (times - 1))
                 for times, path, (term, amount) in calls]  # fmt: skip
        return Account.of([(path, *charge) for _, path, charge in calls] + again)

    return price


def over_the_tree(rules: Mapping[str, Rule]) -> Pricing:
    """By a sum that knows the hooks it has put on: what stands on copies of layers is not found."""
    return lambda trace: thop.price_compute(trace, rules, copies=False)


def of_leaves(trace: Trace) -> Account:
    """Parameters of the modules that hold no others, called or not; one that several hold, for each."""
    hooked, seen = set(subtree(trace, 0)), set[int]()
    entries = []
    for index in subtree_after(trace):
        module = trace.modules[index]
        if module.children or original(trace, index) not in hooked:
            continue
        for number, elements in own_parameters(trace, index).items():
            again = " counted again" if number in seen else ""
            entries.append((module.path, f"{parameter_term(module)}{again}", elements))
            seen.add(number)
    return Account.of(entries)


def of_hooked(rules: Mapping[str, Rule]) -> Pricing:
    """Parameters of the modules that have a hook, called or not, once for each place in the tree."""

    def price(trace: Trace) -> Account:
        sums = summed(trace, partial(thop.leaf_of_sum, rules=rules))
        held = [(trace.modules[index], sum(all_parameters(trace, index).values()), sums[index])
                for index in subtree(trace, 0) if index and trace.modules[index].type in rules]  # fmt: skip
        return Account.of(
            entry
            for module, elements, times in held
            if times
            for entry in (
                (module.path, parameter_term(module), elements),
                (module.path, f"{parameter_term(module)} counted again", elements * (times - 1)),
            )
        )

    return price


def below_the_root(price: Pricing) -> Pricing:
    """The sum over the tree begins below the root: a model that is one layer costs nothing."""

    def below(trace: Trace) -> Account:
        return Account({key: amount for key, amount in price(trace).items() if key[0]})

    return below


def full_linear_with_bias(visit: Visit, module: Module) -> Charges:
    """K multiplications, K - 1 additions and the bias per output element."""
    bias = visit.call.output.numel if has_bias(module) else 0
    return [*full_linear(visit, module), ("linear bias", bias)]


THOP_2019_08 = {name: rule for name, rule in THOP_0_0_30.items() if ".upsampling." not in name}
THOP_2019_10 = {
    **THOP_0_0_30,
    **layers("linear", "Linear", full_linear_with_bias),
    **layers("upsampling", UPSAMPLES, upsampled(bilinear=11)),
}
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
