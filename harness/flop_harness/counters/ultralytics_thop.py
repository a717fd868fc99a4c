"""ultralytics-thop 2.2.3: a fork of thop that also counts products written as functions.

A module is charged by the rule of its nearest ancestor that has one; a product outside of every
such module is charged where it is called. Rules after thop/profile.py, thop/vision/basic_hooks.py,
thop/vision/calc_func.py and thop/rnn_hooks.py of ultralytics-thop 2.2.3.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Container, Iterator, Mapping
from math import prod
from typing import Any

from flop_harness.conventions.products import products_inside
from flop_harness.conventions.reference import Charge, parameter_charges, settled
from flop_harness.counters import thop
from flop_harness.counters.pricing.layers import kernel_of, kind_of
from flop_harness.counters.pricing.matched import corrected
from flop_harness.counters.pricing.recurrent import Charges, cell_products, sequence_cells
from flop_harness.counters.pricing.ultralytics_functions import MULTI_HEAD, outside, product
from flop_harness.counters.protocol import Counter, Quantity, every, positionally
from flop_harness.counters.thop import Rule, qualified
from flop_harness.records import Context, Dict, Module, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import subtree
from flop_harness.trace.walk import Visit, module_calls

PROJECTION, PRODUCT = "attention projection", "attention product"

# -------------------------------------------------------------------------------- module rules


def convolution(visit: Visit, module: Module) -> Charges:
    """Positions of the output (transposed: of the input) x channels // groups x kernel."""
    x, y, config = visit.call.args[0], visit.call.output, module.config
    transposed = "Transpose" in kind_of(module)
    volume, other = (x, y) if transposed else (y, x)
    kernel = kernel_of(visit, module)
    channels = other.shape[-len(kernel) - 1] // config["groups"]
    term = "transposed convolution" if transposed else "convolution"
    return corrected(products_inside(visit), term, volume.numel * channels * prod(kernel))


def bilinear(visit: Visit, module: Module) -> Charges:
    config = module.config
    charged = (config["in1_features"] + 1) * config["in2_features"] * visit.call.output.numel
    return corrected(products_inside(visit), "bilinear", charged)


def softmax(visit: Visit, module: Module) -> Charges:
    """3n - 1 for each row of n; one more per element (Softmin) or per row (LogSoftmax)."""
    x, kind = visit.call.args[0], kind_of(module)
    dim = -3 if kind == "Softmax2d" else module.config["dim"]
    if dim is None:
        dim = 0 if len(x.shape) in (0, 1, 3) else 1
    size = x.shape[dim] if x.shape else 1
    rows = x.numel // size if size else 0
    more = {"Softmin": x.numel, "LogSoftmax": rows}.get(kind, 0)
    return [("softmax", rows * softmax_row(size) + more)]


def softmax_row(size: int) -> int:
    """An exponential and a division per element, and the additions between them."""
    return 2 * size + max(size - 1, 0)


def average_pool(visit: Visit, module: Module) -> Charges:
    """One per input element of each window, padding only if it is averaged, and one per output."""
    x, y, config = visit.call.args[0], visit.call.output, module.config
    dims = int(kind_of(module)[-2])
    kernel, stride, padding = (
        value if isinstance(value, tuple) else (value,) * dims
        for value in (config["kernel_size"], config["stride"], config["padding"])
    )
    windows = 1
    for size, out, k, s, p in zip(
        x.shape[-dims:], y.shape[-dims:], kernel, stride, padding, strict=True
    ):
        low, high = (-p, size + p) if config["count_include_pad"] else (0, size)
        windows *= sum(max(min(i * s - p + k, high) - max(i * s - p, low), 0) for i in range(out))
    return [("average pooling", prod(x.shape[:-dims]) * windows + y.numel)]


def adaptive_average_pool(visit: Visit, module: Module) -> Charges:
    """One per input element of each window that torch cuts, and one per output element."""
    x, y = visit.call.args[0], visit.call.output
    pairs = zip(x.shape, y.shape, strict=True)
    windows = prod(
        o if i == o else sum(-(-(j + 1) * i // o) - j * i // o for j in range(o)) for i, o in pairs
    )
    return [("adaptive average pooling", windows + y.numel)]


UPSAMPLE = {"linear": 5, "bilinear": 11, "bicubic": 259, "trilinear": 31}


def upsample(visit: Visit, module: Module) -> Charges:
    return [("upsampling", visit.call.output.numel * UPSAMPLE.get(module.config["mode"], 0))]


def cell(visit: Visit, module: Module) -> Charges:
    x, config = visit.call.args[0], module.config
    kind, hidden = kind_of(module).removesuffix("Cell"), config["hidden_size"]
    batch = x.shape[0] if len(x.shape) == 2 else 1
    products = batch * cell_products(kind, config["input_size"], hidden)
    return [
        ("recurrent product", products),
        ("recurrent cell arithmetic", batch * thop.cell_extra(kind, hidden, config["bias"])),
    ]


def steps_of(x: Any) -> int:
    """Cell evaluations: a packed sequence's own, else the first dimensions."""
    if isinstance(x, Dict):
        return sum(x.values[1])
    return prod(x.shape[:-1])


def sequence(visit: Visit, module: Module) -> Charges:
    """All layers, directions and projections; every step that there is."""
    config, kind = module.config, kind_of(module)
    steps, hidden, width = steps_of(visit.call.args[0]), config["hidden_size"], config["proj_size"]
    seen = width or hidden  # what the next step and the next layer read
    cells = sequence_cells({**config, "hidden_size": seen})
    gates = cell_products(kind, 0, 1)
    each = [gates * hidden * (inputs + seen) + hidden * width for inputs in cells]
    extra = len(cells) * thop.cell_extra(kind, hidden, config["bias"])
    return [
        *corrected(products_inside(visit), "recurrent product", steps * sum(each)),
        ("recurrent cell arithmetic", steps * extra),
    ]


def attention(visit: Visit, module: Module) -> Charges:
    config = module.config
    appended = any(name == "bias_k" for name, _ in module.parameters) + config["add_zero_attn"]
    return attended(visit, config, config["batch_first"], appended)


def attended(visit: Visit, config: Mapping, batch_first: bool, appended: int) -> Charges:
    """Projections, both products and softmax, by the output's shape and the weights' or key's."""
    out = visit.call.output
    out, weights = out if isinstance(out, tuple) else (out, None)
    unbatched = len(out.shape) == 2
    rows = -2 if batch_first or unbatched else 0
    batch = 1 if unbatched else out.shape[0 if batch_first else 1]
    length, width = out.shape[rows], config["embed_dim"]
    keys = weights.shape[-1] if weights is not None else visit.call.args[1].shape[rows] + appended
    widths = config["kdim"] + config["vdim"]
    projections = batch * width * (2 * length * width + (keys - appended) * widths)
    true = products_inside(visit)
    return [
        *corrected(true, PROJECTION, projections),
        *corrected(true, PRODUCT, batch * 2 * length * keys * width),
        ("attention softmax", batch * config["num_heads"] * length * softmax_row(keys)),
    ]


def table(folder: str, names: str, rule: Rule | None) -> dict[str, Rule | None]:
    return dict.fromkeys(qualified(folder, names), rule)


Rules = Mapping[str, Rule | None]
"""None: registered as free. Bases stand for the families below them."""

RULES: Rules = {
    **table("padding", "_ConstantPadNd _ReflectionPadNd _ReplicationPadNd _CircularPadNd", None),
    **table("dropout", "_DropoutNd", None),
    **table("conv", "Conv1d Conv2d Conv3d", convolution),
    **table("conv", "ConvTranspose1d ConvTranspose2d ConvTranspose3d", convolution),
    **table("batchnorm", "_BatchNorm", thop.normalisation("batch normalisation")),
    **table("instancenorm", "_InstanceNorm", thop.normalisation("instance normalisation")),
    **table("normalization", "LayerNorm", thop.normalisation("layer normalisation")),
    **table("normalization", "GroupNorm", thop.normalisation("group normalisation")),
    **table("normalization", "RMSNorm", thop.normalisation("RMS normalisation")),
    **table("activation", "PReLU", thop.prelu),
    **table("activation", "Softmax LogSoftmax Softmin Softmax2d", softmax),
    **table("activation", "ReLU ReLU6 LeakyReLU", None),
    **table("activation", "MultiheadAttention", attention),
    **table("pooling", "MaxPool1d MaxPool2d MaxPool3d FractionalMaxPool2d FractionalMaxPool3d "
            "AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d _MaxUnpoolNd", None),
    **table("pooling", "AvgPool1d AvgPool2d AvgPool3d", average_pool),
    **table("pooling", "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d",
            adaptive_average_pool),
    **table("linear", "Linear", thop.linear),
    **table("linear", "Bilinear", bilinear),
    **table("linear", "Identity", None),
    **table("upsampling", "Upsample UpsamplingBilinear2d UpsamplingNearest2d", upsample),
    **table("rnn", "RNNCell GRUCell LSTMCell", cell),
    **table("rnn", "RNN GRU LSTM", sequence),
    **table("container", "Sequential ModuleList ModuleDict ParameterList ParameterDict", None),
    **table("flatten", "Flatten Unflatten", None),
    **table("fold", "Unfold", None),
    **table("pixelshuffle", "PixelShuffle PixelUnshuffle", None),
    **table("channelshuffle", "ChannelShuffle", None),
    **table("sparse", "Embedding", thop.nothing),
}  # fmt: skip


def rule_of(module: Module, rules: Rules = RULES) -> Rule | None:
    """The rule of the nearest ancestor that has one."""
    return next((rules[base] for base in module.bases if base in rules), None)


NAMED = ("input", "query", "key", "value")


def positional(visit: Visit) -> Visit:
    """The call with its keywords in the order of ``forward``, as the tool's hooks get it."""
    given = dict(visit.call.kwargs)
    values = [given.pop(name) for name in NAMED if name in given]
    args = (*visit.call.args, *values, *given.values())
    return visit._replace(call=visit.call._replace(args=args, kwargs=()))


def module_charges(trace: Trace, rules: Rules = RULES) -> Iterator[Charge]:
    """Every call of a module that was there before the forward pass."""
    held = set(subtree(trace, 0))
    for visit, module in module_calls(trace):
        rule = rule_of(module, rules) if visit.call.module in held else None
        if rule is not None:
            yield from ((visit, *charge) for charge in rule(positional(visit), module))


def breakdown(trace: Trace) -> dict[str, int]:
    """Each place in the tree, what is below it included; below a shared module only the first time."""
    own: Counts[int] = Counts()
    for visit, _, amount in module_charges(trace):
        own[visit.call.module] += amount
    sums: dict[str, int] = {}
    counted: set[int] = set()

    def enter(index: int, prefix: str) -> int:
        total = own[index]
        names = {child: name for name, child in reversed(trace.modules[index].children)}
        for child, name in reversed(names.items()):
            sums[prefix + name] = enter(child, f"{prefix}{name}.")
            total += 0 if child in counted else sums[prefix + name]
            counted.add(child)
        return total

    enter(0, "")
    return sums


# -------------------------------------------------------------------------------- functions


def multi_head(visit: Visit) -> Charges:
    """``multi_head_attention_forward`` by the rule for the layer, as if its sequence came first."""
    key, value, width, heads = visit.call.args[1:5]
    config = {
        "embed_dim": width,
        "num_heads": heads,
        "kdim": key.shape[-1],
        "vdim": value.shape[-1],
    }
    appended = (visit.call.args[7] is not None) + visit.call.args[9]
    return attended(visit, config, False, appended)


def function_charges(trace: Trace, left_out: Container[str] = ()) -> Iterator[Charge]:
    """Products written as functions, but for those of these names, which are not looked into."""
    for visit in outside(trace, lambda module: rule_of(module) is not None):
        if visit.call.packet in left_out:
            continue
        rule = multi_head if visit.call.name == MULTI_HEAD else product
        yield from ((visit, *charge) for charge in rule(visit))


# -------------------------------------------------------------------------------- totals


def price_compute(trace: Trace) -> Account:
    return settled((*module_charges(trace), *function_charges(trace)))


def price_params(trace: Trace) -> Account:
    """Distinct parameters; those that a lazy module has not created have no elements."""
    return parameter_charges(trace, lambda p: 0 if p.lazy and not p.shape else p.numel)


COUNTER = Counter(
    id="ultralytics-thop",
    distribution="ultralytics-thop",
    description="hooks on layers of known kind, and products written as functions, under no_grad",
    source="thop/profile.py, thop/vision/basic_hooks.py, thop/rnn_hooks.py (2.2.3)",
    quantities={
        "compute": Quantity("MACs", "MAC", price_compute, breakdown),
        "params": Quantity("params", "parameter", price_params),
    },
    read=thop.read,
    usage=thop.USAGE,
    contexts=(Context(mode="eval"),),
    inputs=positionally,
    hooks=every,
    fast_path=False,
    overlay=("ultralytics-thop==2.2.3",),
)
