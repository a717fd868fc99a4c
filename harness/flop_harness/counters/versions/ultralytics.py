"""What earlier versions of ultralytics-thop charged: thop's rules, then more and more of its own."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from flop_harness.conventions.products import products_inside
from flop_harness.conventions.reference import settled
from flop_harness.counters import thop, ultralytics_thop
from flop_harness.counters.pricing.matched import corrected
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.versions.layers import Pricing, Rule, layers
from flop_harness.records import Module, Trace
from flop_harness.records.account import Account
from flop_harness.trace.walk import Visit

TRANSPOSED = "ConvTranspose1d ConvTranspose2d ConvTranspose3d"


def trilinear_too(visit: Visit, module: Module) -> Charges:
    """thop's costs of a mode, and 31 for trilinear."""
    each = {**thop.UPSAMPLE, "trilinear": 31}.get(module.config["mode"], 0)
    return [("upsampling", each * visit.call.output.numel)]


def convolution_on_input(visit: Visit, module: Module) -> Charges:
    """Input elements x second dimension of the output // groups x kernel."""
    x, y, config = visit.call.args[0], visit.call.output, module.config
    charged = x.numel * (y.shape[1] // config["groups"]) * prod(config["kernel_size"])
    return corrected(products_inside(visit), "transposed convolution", charged)


ULTRALYTICS_2_0_15: Mapping[str, Rule] = {
    **thop.RULES,
    **layers("upsampling", "Upsample UpsamplingBilinear2d UpsamplingNearest2d", trilinear_too),
}
ULTRALYTICS_2_0_16: Mapping[str, Rule] = {
    **ULTRALYTICS_2_0_15, **layers("conv", TRANSPOSED, convolution_on_input),
}  # fmt: skip
ULTRALYTICS_2_1_4 = {
    name: rule
    for name, rule in ultralytics_thop.RULES.items()
    if not name.endswith(("Embedding", "._MaxUnpoolNd"))
} | layers("rnn", "RNN GRU LSTM", thop.sequence)
ULTRALYTICS_2_1_3 = {n: rule for n, rule in ULTRALYTICS_2_1_4.items() if not n.endswith("Bilinear")}
ULTRALYTICS_2_1_2 = {
    **{name: rule for name, rule in ULTRALYTICS_2_1_3.items()
       if not name.endswith(("MultiheadAttention", "LogSoftmax", "Softmin", "Softmax2d"))},
    **layers("pooling", "AvgPool1d AvgPool2d AvgPool3d", thop.average_pool),
    **layers("conv", "Conv1d Conv2d Conv3d", thop.convolution),
    **layers("conv", TRANSPOSED, convolution_on_input),
    **layers("rnn", "RNNCell GRUCell LSTMCell", thop.cell),
}  # fmt: skip


def by_ancestor(rules: ultralytics_thop.Rules) -> Pricing:
    """Modules alone, each by the rule of its nearest ancestor that has one."""
    return lambda trace: settled(ultralytics_thop.module_charges(trace, rules))


def beside_functions(*left_out: str) -> Pricing:
    """Modules and products written as functions, without those of these names."""

    def price(trace: Trace) -> Account:
        functions = ultralytics_thop.function_charges(trace, left_out)
        return settled((*ultralytics_thop.module_charges(trace), *functions))

    return price


LATER = (ultralytics_thop.MULTI_HEAD, "torch.nn.functional.linear", "aten.linear")
EINSUM = ("torch.einsum", "aten.einsum")
