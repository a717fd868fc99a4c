"""Everything that computes and is no product: softmax, normalisation, element-wise work, pooling."""

from __future__ import annotations

from math import prod

from harness.formulas.registry import Formula, formula
from harness.records import Call, Tensor
from harness.work import Product, Work


def softmax_work(products: tuple[Product, ...], elements: int, rows: int) -> Work:
    """A softmax over ``rows`` rows: maximum, shift, exponential, sum, division; beside products."""
    return Work(
        products,
        "softmax",
        additions=elements + (elements - rows),
        comparisons=elements - rows,
        divisions=elements,
        specials=elements,
    )


@formula("aten._softmax", "aten._safe_softmax", "aten.softmax")
def softmax(call: Call) -> Work:
    x, dim = call.args[0], call.argument(1, "dim")
    size = x.shape[dim] if x.shape else 1
    return softmax_work((), x.numel, x.numel // max(size, 1))


@formula("aten._log_softmax")
def log_softmax(call: Call) -> Work:
    """x - max - log(sum(exp(x - max)))."""
    x, dim = call.args[0], call.argument(1, "dim")
    rows = x.numel // max(x.shape[dim] if x.shape else 1, 1)
    reduced = x.numel - rows
    return Work(
        (),
        "softmax",
        additions=2 * x.numel + reduced,
        comparisons=reduced,
        specials=x.numel + rows,
    )


@formula(
    "aten.native_batch_norm", "aten._native_batch_norm_legit", "aten.cudnn_batch_norm",
    "aten._native_batch_norm_legit_no_training", "aten._batch_norm_with_update",
    "aten.miopen_batch_norm",
)  # fmt: skip
def batch_norm(call: Call) -> Work:
    """Per channel 1 / sqrt(variance + eps); per element a shift and a scale; then the affine pair.

    In training the mean and the variance are computed too. Updates of running statistics are not.
    """
    x, weight, bias = call.args[:3]
    channels = x.shape[1] if len(x.shape) > 1 else 1
    training = call.argument(5, "training", False) is True
    return normalisation(x.numel, channels, weight, bias, statistics=training)


def normalisation(
    elements: int, groups: int, weight: object, bias: object, statistics: bool
) -> Work:
    """Normalise ``elements`` in ``groups`` groups that share a mean and a variance."""
    # mean: n - 1 additions, a division; variance: n subtractions, n squares, n - 1 additions,
    # a division; each per group
    own = statistics * (elements - groups)
    scaled, shifted = weight is not None, bias is not None
    return Work(
        (),
        "normalisation",
        additions=elements + groups + shifted * elements + 2 * own + statistics * elements,
        multiplications=elements + scaled * elements + statistics * elements,
        divisions=groups + 2 * statistics * groups,
        specials=groups,
    )


@formula("aten.native_layer_norm")
def layer_norm(call: Call) -> Work:
    x, shape, weight, bias = call.args[:4]
    return normalisation(x.numel, x.numel // max(prod(shape), 1), weight, bias, True)


@formula("aten.native_group_norm")
def group_norm(call: Call) -> Work:
    x, weight, bias, batch = call.args[:4]
    return normalisation(x.numel, batch * call.args[6], weight, bias, True)


# operations per output element: additions, multiplications, comparisons, divisions, specials
ELEMENTWISE: dict[str, tuple[str, tuple[int, int, int, int, int]]] = {
    "add sub rsub": ("element-wise", (1, 0, 0, 0, 0)),
    "mul": ("element-wise", (0, 1, 0, 0, 0)),
    "div reciprocal": ("element-wise", (0, 0, 0, 1, 0)),
    "neg abs sign": ("element-wise", (0, 0, 0, 0, 0)),
    "maximum minimum eq ne lt le gt ge logical_and logical_or logical_not where masked_fill":
        ("element-wise", (0, 0, 1, 0, 0)),
    "sqrt exp log log2 log10 log1p expm1 sin cos tan erf":
        ("element-wise", (0, 0, 0, 0, 1)),
    "rsqrt": ("element-wise", (0, 0, 0, 1, 1)),
    "addcmul": ("element-wise", (1, 2, 0, 0, 0)),
    "relu threshold": ("activation", (0, 0, 1, 0, 0)),
    "hardtanh": ("activation", (0, 0, 2, 0, 0)),
    "leaky_relu _prelu_kernel": ("activation", (0, 1, 1, 0, 0)),
    "tanh": ("activation", (0, 0, 0, 0, 1)),
    # 1 / (1 + exp(-x))
    "sigmoid": ("activation", (1, 0, 0, 1, 1)),
    # x / (1 + exp(-x))
    "silu": ("activation", (1, 0, 0, 1, 1)),
    # clamp(x / 6 + 1 / 2, 0, 1), by 6 as a division
    "hardsigmoid": ("activation", (1, 0, 2, 1, 0)),
    "hardswish": ("activation", (1, 1, 2, 1, 0)),
    # x > 0 ? x : a (exp(x) - 1)
    "elu": ("activation", (1, 1, 1, 0, 1)),
    # x / 2 (1 + erf(x / sqrt 2)), both halvings as multiplications
    "gelu": ("activation", (1, 3, 0, 0, 1)),
    # x tanh(log(1 + exp(x)))
    "mish": ("activation", (1, 1, 0, 0, 3)),
}  # fmt: skip


def elementwise(kind: str, each: tuple[int, int, int, int, int]) -> Formula:
    def per_element(call: Call) -> Work:
        n = call.output.numel if isinstance(call.output, Tensor) else 1
        additions, multiplications, comparisons, divisions, specials = (n * one for one in each)
        return Work((), kind, additions, multiplications, comparisons, divisions, specials)

    return per_element


for _names, (_kind, _each) in ELEMENTWISE.items():
    for _name in _names.split():
        formula(f"aten.{_name}", f"aten.{_name}_")(elementwise(_kind, _each))


@formula("aten.clamp", "aten.clamp_")
def clamp(call: Call) -> Work:
    """One comparison per bound and element."""
    bounds = sum(call.argument(i, name) is not None for i, name in ((1, "min"), (2, "max")))
    return Work((), "element-wise", comparisons=bounds * call.output.numel)


@formula("aten.pow", "aten.pow_")
def power(call: Call) -> Work:
    """A square is a multiplication; any other power a special function."""
    n = call.output.numel
    if call.argument(1, "exponent") == 2:
        return Work((), "element-wise", multiplications=n)
    return Work((), "element-wise", specials=n)


@formula("aten.sum", "aten.mean")
def reduction(call: Call) -> Work:
    """n - 1 additions per result; a mean divides each once."""
    x, outputs = call.args[0], call.output.numel
    divisions = outputs if call.packet == "aten.mean" else 0
    return Work((), "reduction", additions=x.numel - outputs, divisions=divisions)


@formula("aten.amax", "aten.amin", "aten.max", "aten.min", "aten.argmax", "aten.argmin")
def extremum(call: Call) -> Work:
    first = call.output[0] if isinstance(call.output, tuple) else call.output
    return Work((), "reduction", comparisons=call.args[0].numel - first.numel)


@formula(
    "aten.max_pool2d_with_indices", "aten.max_pool3d_with_indices", "aten.max_pool2d",
    "aten.max_pool3d", "aten.mkldnn_max_pool2d",
)  # fmt: skip
def max_pool(call: Call) -> Work:
    """k - 1 comparisons per output; padding is compared as if it were data."""
    first = call.output[0] if isinstance(call.output, tuple) else call.output
    kernel = call.args[1]
    spatial = 3 if "3d" in call.packet else 2
    window = prod(kernel) if len(kernel) > 1 else kernel[0] ** spatial
    return Work((), "pooling", comparisons=first.numel * (window - 1))


@formula("aten.avg_pool2d", "aten.avg_pool3d")
def avg_pool(call: Call) -> Work:
    """k - 1 additions and a division per output; padding is added as if it were data."""
    kernel = call.args[1]
    spatial = 3 if "3d" in call.packet else 2
    window = prod(kernel) if len(kernel) > 1 else kernel[0] ** spatial
    n = call.output.numel
    return Work((), "pooling", additions=n * (window - 1), divisions=n)


@formula("aten._adaptive_avg_pool2d", "aten._adaptive_avg_pool3d")
def adaptive_avg_pool(call: Call) -> Work:
    """Windows from floor(i in / out) to ceil((i + 1) in / out) along each axis."""
    x, output, size = call.args[0], call.output, call.args[1]
    spatial = len(size)
    lengths = [
        sum(-(-(i + 1) * n // m) - i * n // m for i in range(m))
        for n, m in zip(x.shape[-spatial:], size, strict=True)
    ]
    summands = prod(x.shape[:-spatial]) * prod(lengths)
    return Work((), "pooling", additions=summands - output.numel, divisions=output.numel)
