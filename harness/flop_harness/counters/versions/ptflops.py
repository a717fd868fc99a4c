"""What ptflops charged from 0.1 to 0.7.4."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from flop_harness.conventions.products import products_inside
from flop_harness.counters import ptflops_pytorch
from flop_harness.counters.pricing import ptflops_layers
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.versions.layers import (
    CONVOLUTIONS,
    PTFLOPS_0_6,
    Pricing,
    Rule,
    averaged,
    by_layer,
    convolution_on_output,
    layers,
    linear_with_one_bias,
)
from flop_harness.records import Module, Trace
from flop_harness.records.account import Account
from flop_harness.trace.walk import Visit, functions


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
} | layers("conv", CONVOLUTIONS, ptflops_layers.convolution)
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
