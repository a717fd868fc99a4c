"""What earlier versions of counters with hooks on layers charged, beside the rules of the current ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod

from flop_harness.conventions.products import products_inside
from flop_harness.counters import ptflops_pytorch, thop, torchinfo
from flop_harness.counters.pricing.copies import original, tallied
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.records import Module, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import subtree, subtree_after
from flop_harness.trace.walk import Visit, module_calls

Rule = Callable[[Visit, Module], Charges]
Pricing = Callable[[Trace], Account]


def by_layer(rules: Mapping[str, Rule]) -> Pricing:
    """What hooks of such rules charge: every call of a layer of a known type, by exact type."""
    return lambda trace: Account.of(
        (path, *charge) for _, path, charges in charged(trace, rules) for charge in charges
    )


def by_last_call(rules: Mapping[str, Rule]) -> Pricing:
    """As ``by_layer``, where a layer that is called again forgets its earlier calls."""

    def price(trace: Trace) -> Account:
        last = {index: (path, charges) for index, path, charges in charged(trace, rules)}
        return Account.of((path, *charge) for path, charges in last.values() for charge in charges)

    return price


def charged(trace: Trace, rules: Mapping[str, Rule]) -> Iterator[tuple[int, str, Charges]]:
    """Each call of a layer that had a hook, with the module that the sum finds its amount on.

    Hooks stand on what the model held before the pass, sums are made of what it holds afterwards.
    """
    hooked, held = set(subtree(trace, 0)), set(subtree_after(trace))
    for visit, module, index, suffix in tallied(trace):
        if module.type in rules and index in held and original(trace, index) in hooked:
            charges = rules[module.type](visit, module)
            yield index, visit.path, [(f"{term}{suffix}", amount) for term, amount in charges]


# --------------------------------------------------------------------------------------- thop


def has_bias(module: Module) -> bool:
    return any(name == "bias" for name, _ in module.parameters)


def bias_of(visit: Visit, module: Module) -> int:
    return visit.call.output.numel if has_bias(module) else 0


def biased_convolution(visit: Visit, module: Module) -> Charges:
    """Output elements x (Cin // groups x kernel + 1 with bias)."""
    charged = thop.convolution(visit, module)
    return [*charged, (f"{charged[0][0]} bias", bias_of(visit, module))]


def channelwise_biased_convolution(visit: Visit, module: Module) -> Charges:
    """Output elements x (kernel + 1 with bias) x Cin // groups: a bias for each input channel."""
    config = module.config
    fan_in = bias_of(visit, module) * config["in_channels"] // config["groups"]
    return [*thop.convolution(visit, module), ("convolution bias by input channel", fan_in)]


def full_linear(visit: Visit, module: Module) -> Charges:
    """K multiplications and K - 1 additions per output element."""
    n, k = visit.call.output.numel, module.config["in_features"]
    return [("linear", n * k), ("additions of linear layers", n * (k - 1))]


def per_element(name: str, factor: int) -> Rule:
    return lambda visit, module: [(name, factor * visit.call.args[0].numel)]


def windowed(name: str, extra: int) -> Rule:
    """(window + ``extra``) per output element; of a kernel size that is one number, its side."""

    def rule(visit: Visit, module: Module) -> Charges:
        size = module.config["kernel_size"]
        window = prod(size) if isinstance(size, tuple) else size
        return [(name, (window + extra) * visit.call.output.numel)]

    return rule


def adaptive_average_pool(visit: Visit, module: Module) -> Charges:
    """(input size // output size + 1) per output element."""
    x, y = visit.call.args[0], visit.call.output
    window = prod(a // b for a, b in zip(x.shape[2:], y.shape[2:], strict=True))
    return [("adaptive average pooling", (window + 1) * y.numel)]


def upsampled(bilinear: int) -> Rule:
    """A number per output element, which hangs on the mode; nearest neighbours are free."""
    factors = {**thop.UPSAMPLE, "nearest": 0, "bilinear": bilinear}

    def rule(visit: Visit, module: Module) -> Charges:
        return [("upsampling", visit.call.output.numel * factors.get(module.config["mode"], 0))]

    return rule


def layers(folder: str, names: str, rule: Rule) -> dict[str, Rule]:
    return {f"torch.nn.modules.{folder}.{name}": rule for name in names.split()}


CONVOLUTIONS = "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d"
NORMALISATIONS = "BatchNorm1d BatchNorm2d BatchNorm3d"
POOLS = "{0}1d {0}2d {0}3d"
UPSAMPLES = "Upsample UpsamplingBilinear2d UpsamplingNearest2d"

THOP_0_0_31 = {
    **layers("conv", CONVOLUTIONS, biased_convolution),
    **layers("batchnorm", f"{NORMALISATIONS} SyncBatchNorm", per_element("batch normalisation", 2)),
    **layers("activation", "LeakyReLU", per_element("LeakyReLU", 1)),
    **layers("pooling", POOLS.format("AvgPool"), thop.average_pool),
    **layers("pooling", POOLS.format("AdaptiveAvgPool"), adaptive_average_pool),
    **layers("linear", "Linear", thop.linear),
    **layers("upsampling", UPSAMPLES, upsampled(bilinear=11)),
    **{name: rule for name, rule in thop.RULES.items() if name.startswith("torch.nn.modules.rnn")},
}
THOP_0_0_30 = {
    **{name: rule for name, rule in THOP_0_0_31.items() if ".rnn." not in name},
    **layers("batchnorm", NORMALISATIONS, per_element("batch normalisation", 4)),
    **layers("pooling", POOLS.format("AvgPool"), windowed("average pooling", 1)),
    **layers("linear", "Linear", full_linear),
    **layers("upsampling", UPSAMPLES, upsampled(bilinear=13)),
}
THOP_0_0_22 = {
    **{name: rule for name, rule in THOP_0_0_30.items() if ".upsampling." not in name},
    **layers("conv", "Conv1d Conv2d Conv3d", channelwise_biased_convolution),
    **layers("activation", "ReLU ReLU6 LeakyReLU", per_element("ReLU", 1)),
    **layers("pooling", POOLS.format("MaxPool"), windowed("max pooling", 0)),
}
THOP_0_0_23 = {name: rule for name, rule in THOP_0_0_22.items() if "MaxPool" not in name}


# ------------------------------------------------------------------------ ptflops and torchinfo


def linear_with_one_bias(visit: Visit, module: Module) -> Charges:
    """As in the current version, but the bias of one row, however many there are."""
    x, y = visit.call.args[0], visit.call.output
    bias = y.shape[-1] if has_bias(module) else 0
    return [("linear", x.numel * y.shape[-1]), ("linear bias", bias)]


def convolution_on_output(visit: Visit, module: Module) -> Charges:
    """kernel x Cin x (Cout // g) and the bias per output position, transposed or not."""
    y, config = visit.call.output, module.config
    each = prod(config["kernel_size"]) * config["in_channels"] // config["groups"]
    term = "transposed convolution" if "Transpose" in module.type_name else "convolution"
    true = products_inside(visit).get(term, 0)
    return [
        (term, true),
        ("transposed convolution counted on its output", each * y.numel - true),
        (f"{term} bias", bias_of(visit, module)),
    ]


PTFLOPS_0_6 = {
    **{
        name: rule
        for name, rule in ptflops_pytorch.RULES.items()
        if not name.endswith(("LayerNorm", "DeformConv2d"))
    },
    **layers("conv", CONVOLUTIONS, convolution_on_output),
    **layers("linear", "Linear", linear_with_one_bias),
}


TORCHINFO_DEPTH = 4
"""How deep hooks went at the default ``depth=3``."""


def weights_of_rows(batched: bool) -> Pricing:
    """torchinfo before 0.1: weights of every row of the table, containers' too, no biases.

    A convolution's count for each place of its output map, others' once; ``batched``, all of them
    for each sample, and what a row holds in its parts for each place of its first two dimensions.
    """

    def price(trace: Trace) -> Account:
        return Account.of(
            (visit.path, term, amount)
            for visit, module in module_calls(trace)
            if (visit.path or not module.children) and visit.path.count(".") < TORCHINFO_DEPTH
            for term, amount in row_charges(trace, visit, module, batched)
        )

    return price


def row_charges(trace: Trace, visit: Visit, module: Module, batched: bool) -> Charges:
    size = torchinfo.output_size(visit.call.output)
    own = dict(module.parameters)
    weight = trace.parameters[own["weight"]].numel if "weight" in own else 0
    rows = size[0] if batched else 1
    times = rows * prod(size[2:]) if "Conv" in module.type_name else rows
    inner = {n for name, n in own.items() if "weight" in name and name != "weight"}
    for index in list(subtree(trace, visit.call.module))[1:]:
        inner |= {n for name, n in trace.modules[index].parameters if "weight" in name}
    parts = sum(trace.parameters[number].numel for number in inner)
    return [
        (f"{module.type_name} weights", weight * times),
        ("weights of the parts of a row", parts * (prod(size[:2]) if batched else 1)),
    ]


def averaged(price: Pricing) -> Pricing:
    """Divided by the batch, rounded down."""

    def by_sample(trace: Trace) -> Account:
        whole = price(trace)
        share = int(whole.total / ptflops_pytorch.batch_size(trace))
        return whole + Account.of([("", "layers averaged over the batch", share - whole.total)])

    return by_sample
