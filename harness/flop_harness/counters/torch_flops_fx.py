"""torch-flops 0.4.1: nodes of a torch.fx graph, 2K - 1 for each output of a product.

Rules after torch_flops/flops_ops.py and torch_flops/flops_engine.py of torch-flops 0.4.1. Modules,
functions and methods are known by their names alone; one that is not in its tables, such as a
transposed convolution, attention or ``bmm``, counts as nothing. It leaves the model in eval mode.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from math import prod
from typing import Any, TypeAlias

from flop_harness.counters.pricing.flops_profiler_rules import sized_positions
from flop_harness.counters.pricing.fx_graph import Node, captured, nodes, observed
from flop_harness.counters.pricing.layers import has_bias
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.counters.protocol import Answer, Counter, Quantity, positionally
from flop_harness.counters.usage import Usage
from flop_harness.records import Context, Module, Tensor, Trace
from flop_harness.records.account import Account


def product(term: str, per_output: int, outputs: int, bias: int = 0) -> Charges:
    """``per_output`` multiplications and one addition less, and the bias."""
    return [
        (term, per_output * outputs),
        ("2 FLOPs per MAC", per_output * outputs),
        ("K - 1 additions per output", -outputs),
        (f"{term} bias", bias),
    ]


# ----------------------------------------------------------------------------------- modules


def convolution(module: Module, x: Tensor, y: Tensor) -> Charges:
    config, bias = module.config, y.numel if has_bias(module) else 0
    window = prod(config["kernel_size"]) * (config["in_channels"] // config["groups"])
    return product("convolution", window, y.numel, bias)


def linear(module: Module, x: Tensor, y: Tensor) -> Charges:
    return product("linear", x.shape[-1], y.numel, y.numel if has_bias(module) else 0)


def window(module: Module) -> int:
    """Elements of a window; a size given as one number is taken for all of it."""
    kernel = module.config["kernel_size"]
    return kernel if isinstance(kernel, int) else prod(kernel)


def adaptive_window(x: Tensor, y: Tensor) -> int:
    """Of as many elements as the largest, where sizes do not divide: one more than the rest."""
    pairs = zip(x.shape[2:], y.shape[2:], strict=False)
    return prod(
        size // out if size % out == 0 else size - out * (size // out) + 1 for size, out in pairs
    )


Rule: TypeAlias = Callable[[Module, Tensor, Tensor], Charges]


def by_element(term: str, each: int = 1) -> Rule:
    return lambda module, x, y: [(term, each * y.numel)]


DIMENSIONS = (1, 2, 3)
MODULES: dict[str, Rule] = {
    "Linear": linear,
    **{f"Conv{n}d": convolution for n in DIMENSIONS},
    **{f"AvgPool{n}d": lambda module, x, y: [("average pooling", window(module) * y.numel)]
       for n in DIMENSIONS},
    **{f"MaxPool{n}d": lambda module, x, y: [("max pooling", (window(module) - 1) * y.numel)]
       for n in DIMENSIONS},
    **{f"AdaptiveAvgPool{n}d": lambda module, x, y:
       [("adaptive average pooling", adaptive_window(x, y) * y.numel)] for n in DIMENSIONS},
    **{f"AdaptiveMaxPool{n}d": lambda module, x, y:
       [("adaptive max pooling", (adaptive_window(x, y) - 1) * y.numel)] for n in DIMENSIONS},
    **{f"BatchNorm{n}d": by_element("batch normalisation", 4) for n in DIMENSIONS},
    **{f"InstanceNorm{n}d": by_element("instance normalisation", 4) for n in DIMENSIONS},
    "LayerNorm": by_element("layer normalisation", 4),
    "GroupNorm": by_element("group normalisation", 4),
    "GELU": by_element("GELU"),
    "ReLU": by_element("ReLU"),
    "LeakyReLU": by_element("LeakyReLU", 4),
}  # fmt: skip


# --------------------------------------------------------------------- functions and methods


def elementwise(term: str) -> Callable[[Node], Charges]:
    """Elements of the result; one where it is a number, as sizes are."""

    def charges(node: Node) -> Charges:
        if isinstance(node.output, Tensor):
            return [(term, node.output.numel)]
        return [("arithmetic of sizes", 1)]

    return charges


def matrix_product(node: Node) -> Charges:
    return product("matrix product", node.args[0].shape[-1], node.output.numel)


def functional_linear(node: Node) -> Charges:
    bias = node.argument(2, "bias")
    outputs = node.output.numel
    return product("linear", node.args[0].shape[-1], outputs, 0 if bias is None else outputs)


def functional_convolution(node: Node) -> Charges:
    """The bias is never added; without one by keyword, one for each group is taken off."""
    weight, keywords = node.argument(1, "weight").shape, dict(node.kwargs)
    macs, outputs = prod(weight[1:]) * node.output.numel, node.output.numel
    unbiased = keywords.get("bias") is None
    less = outputs * (keywords.get("groups") or 1) if unbiased else 0
    return [
        ("convolution", macs),
        ("2 FLOPs per MAC", macs),
        ("one addition less per output and group", -less),
    ]


def interpolated(node: Node) -> Charges:
    """The given size, without batch and channels; else by a scale to the power of the batch.

    A figure that is no integer is left out of the sum.
    """
    positions = sized_positions(node.argument(1, "size"), node.output)
    if positions is not None:
        return [("upsampling", positions)]
    x, scale = node.args[0], node.argument(2, "scale_factor")
    amount = x.numel * (prod(scale) if isinstance(scale, tuple) else scale ** x.shape[0])
    return [("upsampling", amount if isinstance(amount, int) else 0)]


def attention(node: Node) -> Charges:
    """Both products, and per score: scaling, mask, exponential, sum, division and dropout."""
    q, k, v = (each.shape for each in node.args[:3])
    rows = prod(q[:-1])
    scores = rows * k[-2]
    masked = node.argument(3, "attn_mask") is not None or node.argument(5, "is_causal", False)
    dropped = bool(node.argument(4, "dropout_p", 0.0))
    return [
        *product("attention product", q[-1], scores),
        *product("attention product", k[-2], rows * v[-1]),
        ("attention scaling", scores),
        ("attention mask", scores if masked else 0),
        ("softmax", 3 * scores - rows),
        ("dropout", scores if dropped else 0),
    ]


FUNCTIONS: dict[str, Callable[[Node], Charges]] = {
    "add": elementwise("addition"),
    "sub": elementwise("subtraction"),
    "mul": elementwise("multiplication"),
    "truediv": elementwise("division"),
    "eq": elementwise("comparison"),
    "matmul": matrix_product,
    "linear": functional_linear,
    **{f"conv{n}d": functional_convolution for n in DIMENSIONS},
    "leaky_relu": lambda node: [("LeakyReLU", 4 * node.output.numel)],
    "interpolate": interpolated,
    "scaled_dot_product_attention": attention,
}


def softmax(node: Node) -> Charges:
    """An exponential and a division per element, and the additions between them."""
    shape = node.args[0].shape
    rows = prod(shape) // shape[node.argument(1, "dim")]
    return [("softmax", 3 * prod(shape) - rows)]


def summed(node: Node) -> Charges:
    """Sizes that the sum keeps are struck off by their values, those of 1 before all."""
    x, y = node.args[0], node.output
    if not (left := [size for size in y.shape if size != 1]):
        return [("sum", x.numel - 1)]
    reduced = [size for size in x.shape if size != 1]
    for size in left:
        reduced.remove(size)
    return [("sum", prod(reduced) * (prod(left) - 1))]


METHODS: dict[str, Callable[[Node], Charges]] = {
    "exp": elementwise("exponential"),
    "div": elementwise("division"),
    "sum": summed,
    "softmax": softmax,
}


# -------------------------------------------------------------------------------- the whole


def charges(trace: Trace) -> Iterator[tuple[str, str, int]]:
    modules = {module.path: module for module in trace.modules}
    for node in nodes(trace):
        if node.op == "call_module":
            rule = MODULES.get(node.name)
            found = rule(modules[node.path], node.args[0], node.output) if rule else []
        else:
            table = FUNCTIONS if node.op == "call_function" else METHODS
            found = table[node.name](node) if node.name in table else []
        yield from ((node.path, *charge) for charge in found)


def price_compute(trace: Trace) -> Account:
    return Account.of(charges(trace))


def read(model: Any, args: tuple, kwargs: dict, context: Context) -> Answer:
    """``TorchFLOPsByFX(model)``, ``propagate(x)``, ``print_total_flops()`` as in its README.

    Without a GPU its default, the peak of memory, raises; the other way to measure it is asked for.
    """
    from torch_flops import TorchFLOPsByFX

    with redirect_stdout(StringIO()):
        counter = TorchFLOPsByFX(model, mem_func_name="memory_allocated")
        counter.propagate(*args)
        return Answer(compute=counter.print_total_flops(show=False))


COUNTER = Counter(
    id="torch-flops",
    distribution="torch-flops",
    description="TorchFLOPsByFX: modules, functions and methods of a torch.fx graph",
    source="torch_flops/flops_ops.py, torch_flops/flops_engine.py (0.4.1)",
    quantities={"compute": Quantity("total_flops", "FLOP", price_compute)},
    read=read,
    usage=Usage(
        imports="from torch_flops import TorchFLOPsByFX",
        call='counter = TorchFLOPsByFX(model, mem_func_name="memory_allocated")\n'
        "counter.propagate(*args)",
        figures={"compute": "counter.print_total_flops(show=False)"},
        parametric=True,
    ),
    contexts=(Context(grad=False, mode="eval"),),
    further=(Context(grad=True, mode="eval"),),
    inputs=positionally,
    observe=observed,
    capture=captured,
    overlay=("torch-flops==0.4.1", "tabulate==0.10.0"),
    by_operator=True,
    optional=True,
)
