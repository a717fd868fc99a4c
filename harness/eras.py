"""By which rules a released version of a counter is explained.

Each era was read in the source of its first and last release; a version in none of them is
explained by the rules of the present one, and what those leave over is a residual.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from harness.account import Account
from harness.conventions import products_inside
from harness.counters import Counter, ptflops_pytorch, thop, torchprofile
from harness.counters.recurrent import Charges
from harness.editions import (
    CONVOLUTIONS,
    NORMALISATIONS,
    POOLS,
    PTFLOPS_0_6,
    THOP_0_0_22,
    THOP_0_0_23,
    THOP_0_0_30,
    THOP_0_0_31,
    Pricing,
    Rule,
    averaged,
    by_last_call,
    by_layer,
    convolution_on_output,
    full_linear,
    has_bias,
    layers,
    linear_with_one_bias,
    per_element,
    weights_of_rows,
)
from harness.records import Module, Trace
from harness.releases import is_version
from harness.walk import Visit, functions


@dataclass(frozen=True)
class Era:
    """Versions that charged alike, written as in a requirement, and where their rules stand."""

    versions: str
    price: Pricing
    source: str

    def has(self, version: str) -> bool:
        return is_version(version) and any(
            SpecifierSet(each, prereleases=True).contains(Version(version))
            for each in self.versions.split(" or ")
        )


def as_of(counter: Counter, version: str) -> Counter:
    """The counter with the rules of that version, the present ones' where no others are known."""
    for era in ERAS.get(counter.id.partition("@")[0], ()):
        if era.has(version):
            compute = replace(counter.quantities["compute"], price=era.price, breakdown=None)
            quantities = {**counter.quantities, "compute": compute}
            return replace(counter, quantities=quantities, source=era.source)
    return counter


# ---------------------------------------------------------------------------------------- thop


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

# ------------------------------------------------------------------------------------- ptflops


def two_dimensional_linear(visit: Visit, module: Module) -> Charges:
    """Sizes of the first two dimensions of the input x the second of the output; no bias."""
    x, y = visit.call.args[0], visit.call.output
    charged = x.shape[0] * x.shape[1] * y.shape[1]
    true = x.numel * y.shape[-1]
    return [("linear", true), ("linear layer read as two-dimensional", charged - true)]


def linear_without_bias(visit: Visit, module: Module) -> Charges:
    return [("linear", visit.call.args[0].numel * visit.call.output.shape[-1])]


def sequence_first_attention(visit: Visit, module: Module) -> Charges:
    """Lengths and batch are read as of sequence-first inputs, whatever ``batch_first`` says."""
    query, key, value = visit.call.args[:3]
    (n, batch, width), k, v = query.shape, key.shape, value.shape
    heads = module.config["num_heads"]
    size = width // heads
    projections = n * width * width + k[0] * k[2] * k[2] + v[0] * v[2] * v[2]
    biased = any(name == "in_proj_bias" for name, _ in module.parameters)
    bias = (n + k[0] + v[0]) * width if biased else 0
    inside = heads * (n * size + n * k[0] * (2 * size + 1))
    charged = batch * (projections + bias + inside + n * width * (width + 1))
    true = products_inside(visit)
    why = "attention read sequence first, with biases, scaling and softmax"
    return [*true.items(), (why, charged - sum(true.values()))]


def with_weights(rules: Mapping[str, Rule]) -> Pricing:
    """Layer hooks, those that read weights among them, averaged over the batch."""

    def price(trace: Trace) -> Account:
        weighted = {name: partial(weighing, rule, trace)
                    for name, rule in ptflops_pytorch.WEIGHT_RULES.items()}  # fmt: skip
        return averaged(by_layer({**rules, **weighted}))(trace)

    return price


def weighing(rule, trace: Trace, visit: Visit, module: Module) -> Charges:  # type: ignore[no-untyped-def]
    return rule(visit, module, trace)  # type: ignore[no-any-return]


def beside_functions(price: Pricing, linear: bool = False) -> Pricing:
    """Patched functions beside the hooks; with ``linear``, ``F.linear`` among them."""

    def both(trace: Trace) -> Account:
        patched = [*ptflops_pytorch.function_charges(trace)]
        if linear:
            patched += linear_functions(trace)
        return price(trace) + Account.of(patched)

    return both


def linear_functions(trace: Trace):  # type: ignore[no-untyped-def]
    """Input elements x output features and the bias of each call of ``F.linear``."""
    for visit in functions(trace):
        if visit.call.name == "torch.nn.functional.linear":
            x, y = visit.call.argument(0, "input"), visit.call.output
            out = y.shape[-1]
            bias = out if visit.call.argument(2, "bias") is not None else 0
            label = "counted twice (hook and patched function)"
            yield visit.path, f"linear {label}", x.numel * out
            yield visit.path, f"linear bias {label}", bias


PTFLOPS_FIRST = {
    name: rule
    for name, rule in {**PTFLOPS_0_6, **layers("linear", "Linear", two_dimensional_linear)}.items()
    if not name.endswith(("MultiheadAttention", "GELU"))
} | layers("conv", CONVOLUTIONS, ptflops_pytorch.convolution)
PTFLOPS_0_5_2 = {**PTFLOPS_FIRST, **layers("linear", "Linear", linear_without_bias)}
PTFLOPS_0_6_4 = {n: rule for n, rule in PTFLOPS_0_6.items() if not n.endswith("MultiheadAttention")}
PTFLOPS_0_6_5 = {
    **PTFLOPS_0_6,
    **layers("activation", "MultiheadAttention", sequence_first_attention),
}
PTFLOPS_0_7_1 = {
    **ptflops_pytorch.RULES,
    **layers("conv", CONVOLUTIONS, convolution_on_output),
    **layers("linear", "Linear", linear_with_one_bias),
}
PTFLOPS_0_7_2 = {**ptflops_pytorch.RULES, **layers("conv", CONVOLUTIONS, convolution_on_output)}


# -------------------------------------------------------------------------------- torchprofile


def without_linear(trace: Trace) -> Account:
    """No handler for ``aten::linear``, which torch traces since 1.8 where it traced ``addmm``."""
    present = torchprofile.price_compute(trace)
    return Account({key: n for key, n in present.items() if not key[1].startswith("linear")})


def without_normalisation(price: Pricing) -> Pricing:
    """No handler for batch normalisation."""

    def rest(trace: Trace) -> Account:
        return Account({key: n for key, n in price(trace).items() if "normalisation" not in key[1]})

    return rest


# --------------------------------------------------------------------------------------- table

HOOKS, BASIC = "thop/count_hooks.py", "thop/vision/basic_hooks.py"

ERAS: Mapping[str, tuple[Era, ...]] = {
    "thop": (
        Era("<0.0.23,>=0.0.22 or >=0.0.23.post1906241153,<0.0.23.post1907171430",
            in_single_precision(by_last_call(THOP_0_0_22)), f"{HOOKS} (0.0.22)"),
        Era(">=0.0.23.post1907171430,<0.0.30,!=0.0.23.post1908061459",
            in_single_precision(by_last_call(THOP_0_0_23)), f"{HOOKS} (0.0.23.post1907171430)"),
        Era("==0.0.23.post1908061459 or >=0.0.30.post190806,<0.0.31.post1910280903",
            in_single_precision(by_layer(THOP_0_0_30)), f"{HOOKS} (0.0.30.post1908302010)"),
        Era(">=0.0.31.post1910280903,<0.0.31.post2001170342",
            in_single_precision(by_layer(THOP_2019_10)), f"{HOOKS} (0.0.31.post1910280903)"),
        Era("==0.0.31.post2001170342", in_single_precision(by_layer(THOP_2020_01)),
            f"{HOOKS} (0.0.31.post2001170342)"),
        Era("==0.0.31.post2004070130", by_layer(THOP_2020_04), f"{BASIC} (0.0.31.post2004070130)"),
        Era(">=0.0.31.post2004101309,<0.0.32 or >=0.0.4.post0,<0.0.4.post2109101449",
            below_the_root(by_layer(THOP_2020_04)), f"{BASIC} (0.0.31.post2004101309)"),
        Era(">=0.0.4.post2109101449,<0.0.5.post2206100352", by_layer(THOP_0_0_31),
            f"{BASIC}, thop/rnn_hooks.py (0.0.4.post2110061704)"),
        Era("==0.0.5.post2206100352", by_layer(THOP_2022_06), f"{BASIC} (0.0.5.post2206100352)"),
    ),
    "ptflops-pytorch": (
        Era("<0.5.2", averaged(by_layer(PTFLOPS_FIRST)), "ptflops/flops_counter.py (0.3)"),
        Era(">=0.5.2,<0.6.1", averaged(by_layer(PTFLOPS_0_5_2)), "ptflops/flops_counter.py (0.6)"),
        Era(">=0.6.1,<0.6.4", with_weights(PTFLOPS_0_5_2), "ptflops/flops_counter.py (0.6.3)"),
        Era("==0.6.4", with_weights(PTFLOPS_0_6_4), "ptflops/flops_counter.py (0.6.4)"),
        Era(">=0.6.5,<0.6.7", with_weights(PTFLOPS_0_6_5), "ptflops/flops_counter.py (0.6.5)"),
        Era(">=0.6.7,<0.7", with_weights(PTFLOPS_0_6), "ptflops/flops_counter.py (0.6.9)"),
        Era("==0.7", with_weights(PTFLOPS_0_7_1), "ptflops/pytorch_ops.py (0.7)"),
        Era("==0.7.1", beside_functions(with_weights(PTFLOPS_0_7_1), linear=True),
            "ptflops/pytorch_ops.py, ptflops/pytorch_engine.py (0.7.1)"),
        Era(">=0.7.1.1,<0.7.2", beside_functions(with_weights(PTFLOPS_0_7_1)),
            "ptflops/pytorch_ops.py, ptflops/pytorch_engine.py (0.7.1.1)"),
        Era(">=0.7.2,<0.7.5", beside_functions(with_weights(PTFLOPS_0_7_2)),
            "ptflops/pytorch_ops.py (0.7.4)"),
    ),
    "torchinfo": (
        Era("<0.0.9", weights_of_rows(batched=False), "torchinfo/layer_info.py (0.0.5)"),
        Era(">=0.0.9,<0.1.2", weights_of_rows(batched=True), "torchinfo/layer_info.py (0.0.9)"),
    ),
    "torchprofile": (
        Era("<0.0.3", without_normalisation(without_linear), "torchprofile/handlers.py (0.0.2)"),
        Era("<0.0.4", without_linear, "torchprofile/handlers.py (0.0.3)"),
    ),
}  # fmt: skip
"""Counter -> its earlier eras"""
