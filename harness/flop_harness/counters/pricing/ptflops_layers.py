"""ptflops 0.7.5, pytorch backend: what its hooks charge for a layer of known type.

Rules after ptflops/pytorch_ops.py of ptflops 0.7.5.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Iterator
from math import prod

from flop_harness.conventions.products import products_inside
from flop_harness.counters.pricing.copies import tallied
from flop_harness.counters.pricing.layers import biased, tensors_of
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.records import Dict, Module, Tensor, Trace
from flop_harness.trace.tree import summed
from flop_harness.trace.walk import Visit


def convolution(visit: Visit, module: Module) -> Charges:
    """kernel x Cin x (Cout // g) per output position (transposed: input position), plus bias.

    Positions and batch are read as of a batched input.
    """
    x, y, config = visit.call.args[0], visit.call.output, module.config
    transposed = "Transpose" in module.type_name
    positions = x.shape[0] * prod((x if transposed else y).shape[2:])
    each = (
        prod(config["kernel_size"])
        * config["in_channels"]
        * (config["out_channels"] // config["groups"])
    )
    term = "transposed convolution" if transposed else "convolution"
    true = products_inside(visit).get(term, 0)
    return [
        (term, true),
        (f"unbatched {term} read as a batch", each * positions - true),
        (f"{term} bias", x.shape[0] * prod(y.shape[1:]) if biased(visit, module) else 0),
    ]


def linear(visit: Visit, module: Module) -> Charges:
    x, y = visit.call.args[0], visit.call.output
    rows = prod(x.shape[:-1])
    return [
        ("linear", x.shape[-1] * y.shape[-1] * rows),
        ("linear bias", y.shape[-1] * rows if biased(visit, module) else 0),
    ]


def per_output(name: str) -> Callable[[Visit, Module], Charges]:
    return lambda visit, module: [(name, visit.call.output.numel)]


def per_input(name: str) -> Callable[[Visit, Module], Charges]:
    return lambda visit, module: [(name, visit.call.args[0].numel)]


def normalisation(name: str) -> Callable[[Visit, Module], Charges]:
    """1 per input element, 2 where ``module.affine`` (a LayerNorm has no such attribute)."""

    def rule(visit: Visit, module: Module) -> Charges:
        return [(name, visit.call.args[0].numel * (2 if module.config.get("affine") else 1))]

    return rule


# Per hidden element of a step: what is charged beyond the matrix products and the bias.
ARITHMETIC = {"RNN": 1, "GRU": 7, "LSTM": 10}


def weights(trace: Trace, module: Module, *names: str) -> dict[str, Tensor]:
    held = tensors_of(trace, module)
    return {name: held[name] for name in names if name in held}


def sequence(visit: Visit, module: Module, trace: Trace) -> Charges:
    """Forward weights of each layer x the first two dimensions, doubled if bidirectional."""
    x, config = visit.call.args[0], module.config
    if isinstance(x, Dict):
        raise ValueError("a packed sequence has no second dimension")
    times = x.shape[0] * x.shape[1] * (2 if config["bidirectional"] else 1)
    layers = range(config["num_layers"])
    names = [f"weight_{side}_l{layer}" for layer in layers for side in ("ih", "hh")]
    products = times * sum(w.numel for w in weights(trace, module, *names).values())
    biases = [f"bias_{side}_l{layer}" for layer in layers for side in ("ih", "hh")]
    bias = times * sum(b.numel for b in weights(trace, module, *biases).values())
    kind = module.type_name
    arithmetic = times * len(layers) * ARITHMETIC[kind] * config["hidden_size"]
    true = products_inside(visit).get("recurrent product", 0)
    return [
        ("recurrent product", true),
        ("recurrent layers, directions or steps counted differently", products - true),
        ("recurrent bias", bias),
        ("recurrent cell arithmetic", arithmetic),
    ]


def cell(visit: Visit, module: Module, trace: Trace) -> Charges:
    batch = visit.call.args[0].shape[0]
    products = sum(w.numel for w in weights(trace, module, "weight_ih", "weight_hh").values())
    bias = sum(b.numel for b in weights(trace, module, "bias_ih", "bias_hh").values())
    arithmetic = ARITHMETIC[module.type_name.removesuffix("Cell")] * module.config["hidden_size"]
    return [
        ("recurrent product", batch * products),
        ("recurrent bias", batch * bias),
        ("recurrent cell arithmetic", batch * arithmetic),
    ]


def attention(visit: Visit, module: Module) -> Charges:
    """Projections, scaling, the two products, softmax and the output projection, from shapes."""
    query, key, value = visit.call.args
    batch, length = (0, 1) if module.config["batch_first"] else (1, 0)
    n, heads = query.shape[batch], module.config["num_heads"]
    (q, k, v), (ql, kl, vl) = (
        tuple(t.shape[2] for t in (query, key, value)),
        tuple(t.shape[length] for t in (query, key, value)),
    )
    biased = any(name == "in_proj_bias" for name, _ in module.parameters)
    pairs = heads * ql * kl
    true = products_inside(visit)
    projections = n * (ql * q * q + kl * k * k + vl * v * v + ql * v * v)
    attended = n * pairs * (q // heads + v // heads)
    seen_projections = true.get("attention projection", 0)
    seen_products = true.get("attention product", 0)
    return [
        ("attention projection", seen_projections),
        ("attention projection read from input widths", projections - seen_projections),
        ("attention product", seen_products),
        ("attention product read from input lengths", attended - seen_products),
        ("attention bias", n * ((ql + kl + vl) * q if biased else 0) + n * ql * v),
        ("attention scaling", n * ql * q),
        ("attention softmax", n * pairs),
    ]


def timm_attention(visit: Visit, module: Module) -> Charges:
    """Scaling, both products and softmax from the input's shape; its projections are left out.

    They would be charged as linear layers, but the sum over the tree stops at what has a hook.
    """
    batch, length, _ = visit.call.args[0].shape
    heads, width = module.config["num_heads"], module.config["head_dim"]
    pairs = batch * heads * length * length
    true = products_inside(visit)
    return [
        *true.items(),
        ("attention product read from input lengths", 2 * pairs * width - sum(true.values())),
        ("attention scaling", batch * length * heads * width),
        ("attention softmax", pairs),
    ]


def upsample(visit: Visit, module: Module) -> Charges:
    """Elements of the first sample times the length it has, i.e. the first sample's elements."""
    return [("upsampling", prod(visit.call.output.shape[1:]))]


def deformable_convolution(visit: Visit, module: Module) -> Charges:
    x, y, config = visit.call.args[0], visit.call.output, module.config
    positions, kernel = x.shape[0] * prod(y.shape[2:]), prod(config["kernel_size"])
    products = kernel * config["in_channels"] * (config["out_channels"] // config["groups"])
    masked = len(visit.call.args) == 3 and visit.call.args[2] is not None
    return [
        ("convolution", products * positions),
        ("deformable sampling", kernel * (25 if masked else 24) * positions),
        ("convolution bias", y.numel if biased(visit, module) else 0),
    ]


def table(folder: str, names: str, rule: Callable) -> dict[str, Callable]:
    return {f"torch.nn.modules.{folder}.{name}": rule for name in names.split()}


DIMENSIONS = (1, 2, 3)
RULES: dict[str, Callable[[Visit, Module], Charges]] = {
    **table("conv", "Conv1d Conv2d Conv3d", convolution),
    **table("conv", "ConvTranspose1d ConvTranspose2d ConvTranspose3d", convolution),
    **table("activation", "ReLU", per_output("ReLU")),
    **table("activation", "PReLU", per_output("PReLU")),
    **table("activation", "ELU", per_output("ELU")),
    **table("activation", "LeakyReLU", per_output("LeakyReLU")),
    **table("activation", "ReLU6", per_output("ReLU6")),
    **table("activation", "GELU", per_output("GELU")),
    **table("pooling", "MaxPool1d MaxPool2d MaxPool3d", per_input("max pooling")),
    **table("pooling", "AvgPool1d AvgPool2d AvgPool3d", per_input("average pooling")),
    **table("pooling", "AdaptiveMaxPool1d AdaptiveMaxPool2d AdaptiveMaxPool3d",
            per_input("adaptive max pooling")),
    **table("pooling", "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d",
            per_input("adaptive average pooling")),
    **table("batchnorm", "BatchNorm1d BatchNorm2d BatchNorm3d",
            normalisation("batch normalisation")),
    **table("instancenorm", "InstanceNorm1d InstanceNorm2d InstanceNorm3d",
            normalisation("instance normalisation")),
    **table("normalization", "GroupNorm", normalisation("group normalisation")),
    **table("normalization", "LayerNorm", normalisation("layer normalisation")),
    **table("linear", "Linear", linear),
    **table("upsampling", "Upsample", upsample),
    **table("activation", "MultiheadAttention", attention),
    "torchvision.ops.deform_conv.DeformConv2d": deformable_convolution,
    "timm.layers.attention.Attention": timm_attention,
    "timm.models.vision_transformer.Attention": timm_attention,  # where earlier versions have it
}  # fmt: skip
WEIGHT_RULES = {
    **table("rnn", "RNN GRU LSTM", sequence),
    **table("rnn", "RNNCell GRUCell LSTMCell", cell),
}


def hooked(module: Module) -> bool:
    return module.type in RULES or module.type in WEIGHT_RULES


def module_charges(trace: Trace) -> Iterator[tuple[str, str, int]]:
    sums = Counts({0: 1}) if hooked(trace.modules[0]) else summed(trace, hooked)
    for visit, module, index, suffix in tallied(trace):
        times = sums[index]
        if not hooked(module) or not times:
            continue
        if module.type in RULES:
            charges = RULES[module.type](visit, module)
        else:
            charges = WEIGHT_RULES[module.type](visit, module, trace)
        for term, amount in charges:
            yield visit.path, term + suffix, amount
            yield visit.path, f"{term} of a shared module counted again", amount * (times - 1)
