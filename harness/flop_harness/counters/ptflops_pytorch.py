"""ptflops 0.7.5, pytorch backend: hooks on layers of known type, and patched functions beside them.

A layer whose forward goes through a patched function is charged by both. Rules after
ptflops/pytorch_ops.py and ptflops/pytorch_engine.py of ptflops 0.7.5.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Iterator
from math import prod
from typing import Any

from flop_harness.conventions.products import ATTENTION_FUNCTIONS, products_inside
from flop_harness.counters.protocol import Counter, Quantity, by_keyword
from flop_harness.counters.ptflops_aten import price_params
from flop_harness.counters.ptflops_call import reader, usage
from flop_harness.counters.recurrent import Charges
from flop_harness.records import Call, Context, Dict, Module, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import summed
from flop_harness.trace.walk import Visit, functions, module_calls

# ------------------------------------------------------------------------------ module hooks


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
    biased = any(name == "bias" for name, _ in module.parameters)
    return [
        (term, true),
        (f"unbatched {term} read as a batch", each * positions - true),
        (f"{term} bias", x.shape[0] * prod(y.shape[1:]) if biased else 0),
    ]


def linear(visit: Visit, module: Module) -> Charges:
    x, y = visit.call.args[0], visit.call.output
    rows = prod(x.shape[:-1])
    biased = any(name == "bias" for name, _ in module.parameters)
    return [
        ("linear", x.shape[-1] * y.shape[-1] * rows),
        ("linear bias", y.shape[-1] * rows if biased else 0),
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
    held = dict(module.parameters)
    return {n: Tensor(trace.parameters[held[n]].shape) for n in names if n in held}


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
    biased = any(name == "bias" for name, _ in module.parameters)
    return [
        ("convolution", products * positions),
        ("deformable sampling", kernel * (25 if masked else 24) * positions),
        ("convolution bias", y.numel if biased else 0),
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
    for visit, module in module_calls(trace):
        times = sums[visit.call.module]
        if not hooked(module) or not times:
            continue
        if module.type in RULES:
            charges = RULES[module.type](visit, module)
        else:
            charges = WEIGHT_RULES[module.type](visit, module, trace)
        for term, amount in charges:
            yield visit.path, term, amount
            yield visit.path, f"{term} of a shared module counted again", amount * (times - 1)


# -------------------------------------------------------------------------- patched functions


def first_numel(call: Call) -> int:
    return call.argument(0, "input").numel


def interpolated(call: Call) -> int | float:
    """Output elements as computed from ``size``, or from a scale that may be a float."""
    x, size = call.argument(0, "input"), call.argument(1, "size")
    spatial = len(x.shape) - 2
    if size is not None:
        positions = prod(size) if isinstance(size, tuple) else int(size) ** spatial
        return positions * prod(x.shape[:2])
    scale = call.argument(2, "scale_factor")
    if type(scale) is tuple and len(scale) == spatial:
        return x.numel * int(prod(int(s) for s in scale))
    return x.numel * scale**spatial


def matrix_product(call: Call) -> int:
    x = call.args[0] if call.args else call.argument(0, "input")
    other = call.argument(1, "mat2" if call.name.endswith("mm") else "other")
    return x.numel * other.shape[-1]


def added_product(call: Call) -> int:
    mat1, mat2 = call.argument(1, "mat1"), call.argument(2, "mat2")
    return mat1.numel * mat2.shape[-1]


def broadcast(call: Call) -> int:
    """Elements of the result, shapes aligned at the left."""
    x, y = call.argument(0, "input"), call.argument(1, "other")
    shapes = [value.shape for value in (x, y) if isinstance(value, Tensor)]
    if not shapes:
        return 1
    longest = max(map(len, shapes))
    padded = [(*shape, *[1] * (longest - len(shape))) for shape in shapes]
    return prod(map(max, *padded)) if len(padded) > 1 else prod(padded[0])


F, T, M = "torch.nn.functional", "torch", "torch.Tensor"
ELEMENT_FUNCTIONS = {
    **{f"{F}.{name}": label for name, label in {
        "relu": "ReLU", "prelu": "PReLU", "elu": "ELU", "relu6": "ReLU6", "gelu": "GELU",
        "silu": "SiLU", "softmax": "softmax"}.items()},
    **{f"{F}.avg_pool{n}d": "average pooling" for n in DIMENSIONS},
    **{f"{F}.max_pool{n}d": "max pooling" for n in DIMENSIONS},
    **{f"{F}.adaptive_avg_pool{n}d": "adaptive average pooling" for n in DIMENSIONS},
    **{f"{F}.adaptive_max_pool{n}d": "adaptive max pooling" for n in DIMENSIONS},
}  # fmt: skip
FUNCTIONS: dict[str, tuple[str, Callable[[Call], Any]]] = {
    **{name: (label, first_numel) for name, label in ELEMENT_FUNCTIONS.items()},
    f"{F}.upsample": ("upsampling", interpolated),
    f"{F}.interpolate": ("upsampling", interpolated),
    **{f"{space}.{name}": ("matrix product", matrix_product)
       for space in (T, M) for name in ("matmul", "mm", "bmm")},
    **dict.fromkeys((f"{T}.addmm", f"{M}.addmm", f"{T}.baddbmm"), ("matrix product", added_product)),
    **{f"{space}.mul": ("multiplication", broadcast) for space in (T, M)},
    **{f"{space}.add": ("addition", broadcast) for space in (T, M)},
}  # fmt: skip


def function_charges(trace: Trace) -> Iterator[tuple[str, str, Any]]:
    for visit in functions(trace):
        if visit.call.name not in FUNCTIONS:
            continue
        label, amount = FUNCTIONS[visit.call.name]
        if label == "matrix product" and visit.inside(*ATTENTION_FUNCTIONS):
            label = "attention product"
        yield visit.path, twice(trace, visit, label), amount(visit.call)
        adds = visit.call.name.endswith(("addmm", "baddbmm"))
        if adds and visit.call.argument(3, "beta", 1) != 0:
            bias = twice(trace, visit, f"{label} bias")
            yield visit.path, bias, visit.call.argument(0, "input").numel


def twice(trace: Trace, visit: Visit, label: str) -> str:
    """The label, or that it is counted twice, if the module around has a hook for the same."""
    innermost = next((c for c in reversed(visit.around) if c.level == "module"), None)
    nested = any(FUNCTIONS.get(c.name, ("",))[0] == label for c in visit.around)
    if nested:
        return f"{label} counted again by a nested function"
    if innermost is None or not hooked(trace.modules[innermost.module]):
        return label
    return f"{label} counted twice (hook and patched function)"


# ------------------------------------------------------------------------------------- total


def batch_size(trace: Trace) -> int:
    """Lengths of the first positional input of each call of the root; 1 where there is none."""
    inputs = (v.call.args[0] if v.call.args else None for v, _ in module_calls(trace)
              if v.call.module == 0)  # fmt: skip
    return sum(map(length_of, inputs))


def length_of(value: Any) -> int:
    if value is None:
        return 1
    if isinstance(value, Tensor):
        return value.shape[0]
    return len(value.values if isinstance(value, Dict) else value)


def price_compute(trace: Trace) -> Account:
    """Module charges averaged over the batch, plus function charges of the whole batch."""
    hooks, patched = Account.of(module_charges(trace)), Account.of(function_charges(trace))
    averaged = int(hooks.total / batch_size(trace) + patched.total)
    whole = hooks.total + patched.total
    return hooks + patched + Account.of([("", "layers averaged over the batch", averaged - whole)])


COUNTER = Counter(
    id="ptflops-pytorch",
    distribution="ptflops",
    description="ptflops' pytorch backend: layer hooks and patched functions",
    source="ptflops/pytorch_ops.py, ptflops/pytorch_engine.py (0.7.5)",
    quantities={
        "compute": Quantity("MACs", "MAC", price_compute),
        "params": Quantity("params", "parameter", price_params),
    },
    read=reader("pytorch"),
    usage=usage("pytorch"),
    contexts=(Context(grad=True, mode="eval"),),
    further=(
        Context(grad=False, mode="eval"),
        Context(grad=True, mode="eval", variant="keywords"),
    ),
    inputs=by_keyword,
    hooks=lambda path, kind: kind in RULES or kind in WEIGHT_RULES,
)
