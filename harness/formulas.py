"""Operator and shapes -> primitive work; one small function for each family of operators.

An operator in none of these tables is *unsupported*: listed by name and count, never zero.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TypeAlias

from harness.records import Call, Dict, Tensor
from harness.work import FREE, Product, Work

Formula: TypeAlias = Callable[[Call], Work]

FORMULAS: dict[str, Formula] = {}


def formula(*names: str) -> Callable[[Formula], Formula]:
    """Register a formula for operators by name, without overload. A second one raises."""

    def register(function: Formula) -> Formula:
        for name in names:
            if name in FORMULAS:
                raise ValueError(f"a second formula for {name}")
            FORMULAS[name] = function
        return function

    return register


def work_of(call: Call) -> Work | None:
    """The work of one operator call, or None if there is no formula for it."""
    known = FORMULAS.get(call.packet)
    if known is None or (has_nested(call) and call.packet not in TAKES_NESTED):
        return None
    return known(call)


TAKES_NESTED = frozenset(
    f"aten.{name}"
    for name in "linear _native_multi_head_attention _transformer_encoder_layer_fwd".split()
)


def has_nested(call: Call) -> bool:
    return any(isinstance(arg, Dict) and arg.keys == ("NestedTensor",) for arg in call.args)


# --------------------------------------------------------------------------------- products


def product_of(rows: int, inner: int, columns: int, bias: bool = False, term: str = "") -> Product:
    """(rows x inner) @ (inner x columns)."""
    outputs = rows * columns
    return Product(rows * inner * columns, outputs, outputs if bias else 0, term)


@formula("aten.convolution", "aten._convolution", "aten.cudnn_convolution")
def convolution(call: Call) -> Work:
    """x (N, Cin, *in), weight (Cout, Cin/g, *k) or transposed (Cin, Cout/g, *k).

    Each output position sums Cin/g x k products; a transposed convolution spreads each input
    position over Cout/g x k products instead.
    """
    x, weight, bias = call.args[:3]
    transposed = call.argument(6, "transposed", False) is True
    positions = prod((x if transposed else call.output).shape[2:])
    macs = x.shape[0] * positions * weight.numel
    outputs = call.output.numel
    return Work((Product(macs, outputs, outputs if bias is not None else 0),))


@formula("aten.mkldnn_convolution", "aten.mps_convolution", "aten.miopen_convolution")
def plain_convolution(call: Call) -> Work:
    weight, bias = call.args[1:3]
    outputs = call.output.numel
    macs = outputs * prod(weight.shape[1:])
    return Work((Product(macs, outputs, outputs if bias is not None else 0),))


@formula("torchvision.deform_conv2d")
def deformable_convolution(call: Call) -> Work:
    """weight (Cout, Cin/g, kh, kw); the products only, not the sampling."""
    weight, bias = call.args[1], call.args[4]
    outputs = call.output.numel
    macs = outputs * prod(weight.shape[1:])
    return Work((Product(macs, outputs, outputs if bias is not None else 0),))


@formula("aten.mm", "aten._int_mm")
def mm(call: Call) -> Work:
    """(m, k) @ (k, n)."""
    x, y = call.args[:2]
    return Work((product_of(x.shape[0], x.shape[1], y.shape[1]),))


@formula("aten.addmm", "aten._addmm_activation")
def addmm(call: Call) -> Work:
    """bias + (m, k) @ (k, n)."""
    x, y = call.args[1:3]
    return Work((product_of(x.shape[0], x.shape[1], y.shape[1], bias=True),))


@formula("aten.bmm")
def bmm(call: Call) -> Work:
    """(b, m, k) @ (b, k, n)."""
    x, y = call.args[:2]
    return Work((product_of(x.shape[0] * x.shape[1], x.shape[2], y.shape[2]),))


@formula("aten.baddbmm")
def baddbmm(call: Call) -> Work:
    """bias + (b, m, k) @ (b, k, n)."""
    x, y = call.args[1:3]
    return Work((product_of(x.shape[0] * x.shape[1], x.shape[2], y.shape[2], bias=True),))


@formula("aten.addbmm")
def addbmm(call: Call) -> Work:
    """bias + the sum over b of (b, m, k) @ (b, k, n)."""
    x, y = call.args[1:3]
    return Work((product_of(x.shape[1], x.shape[0] * x.shape[2], y.shape[2], bias=True),))


@formula("aten.mv")
def mv(call: Call) -> Work:
    """(m, k) @ (k,)."""
    x = call.args[0]
    return Work((product_of(x.shape[0], x.shape[1], 1),))


@formula("aten.addmv")
def addmv(call: Call) -> Work:
    x = call.args[1]
    return Work((product_of(x.shape[0], x.shape[1], 1, bias=True),))


@formula("aten.dot", "aten.vdot")
def dot(call: Call) -> Work:
    return Work((product_of(1, call.args[0].numel, 1),))


@formula("aten.linear", "aten.mkldnn_linear", "aten._mps_linear")
def linear(call: Call) -> Work:
    """x (..., in) @ weight (out, in) transposed, where linear is one kernel."""
    x, weight = call.args[:2]
    inner = weight.shape[-1]
    rows = sum(part.numel for part in sequences(x)) // max(inner, 1)
    bias = call.argument(2, "bias") is not None
    return Work((product_of(rows, inner, weight.shape[0], bias),))


@formula("aten._trilinear")
def trilinear(call: Call) -> Work:
    """x1 (n, in1), weight (out, in1, in2), x2 (n, in2): x1 @ weight, then the result @ x2."""
    weight = call.args[1]
    out, in1, in2 = weight.shape[-3:]
    rows = call.output.numel // max(out, 1)
    first = Product(rows * out * in1 * in2, rows * out * in2)
    return Work((first, Product(rows * out * in2, rows * out)))


# -------------------------------------------------------------------------------- attention

QUERY_KEY, ATTENTION_VALUE = "attention product", "attention product"
PROJECTION = "attention projection"


def attention_products(query: Tensor, key: Tensor, value: Tensor) -> tuple[Product, Product]:
    """query (..., Hq, L, E), key (..., H, S, E), value (..., H, S, Ev); H divides Hq.

    Masks skip nothing: a causal product is charged whole.
    """
    heads = prod(query.shape[:-2])
    length, width = query.shape[-2:]
    source = key.shape[-2]
    return (
        product_of(heads * length, width, source, term=QUERY_KEY),
        product_of(heads * length, source, value.shape[-1], term=ATTENTION_VALUE),
    )


@formula(
    "aten._scaled_dot_product_flash_attention",
    "aten._scaled_dot_product_flash_attention_for_cpu",
    "aten._scaled_dot_product_efficient_attention",
    "aten._scaled_dot_product_cudnn_attention",
    "aten._scaled_dot_product_fused_attention_overrideable",
    "aten._scaled_dot_product_attention_math_for_mps",
)
def fused_attention(call: Call) -> Work:
    query, key, value = call.args[:3]
    scores = prod(query.shape[:-1]) * key.shape[-2]
    return softmax_work(attention_products(query, key, value), scores, prod(query.shape[:-1]))


@formula("aten._native_multi_head_attention")
def native_attention(call: Call) -> Work:
    """query (N, L, E), key and value (N, S, E); packed projection (3E, E); output (E, E)."""
    query, key, _value, embed, heads = call.args[:5]
    pairs = zip(sequences(query), sequences(key), strict=True)
    return Work(tuple(p for q, k in pairs for p in self_attention(q, k, embed, heads)))


def sequences(value: Tensor | Dict) -> tuple[Tensor, ...]:
    """A batch as it is; a nested tensor as batches of one."""
    if isinstance(value, Tensor):
        return (value,)
    return tuple(Tensor((1, *each.shape), each.dtype) for each in value.values[0])


def self_attention(query: Tensor, key: Tensor, embed: int, heads: int) -> tuple[Product, ...]:
    batch, length, _ = query.shape
    source = key.shape[1]
    head = Tensor((batch, heads, length, embed // heads), query.dtype)
    other = Tensor((batch, heads, source, embed // heads), query.dtype)
    return (
        product_of(batch * length, embed, embed, True, PROJECTION),
        product_of(batch * source, embed, 2 * embed, True, PROJECTION),
        *attention_products(head, other, other),
        product_of(batch * length, embed, embed, True, PROJECTION),
    )


@formula("aten._transformer_encoder_layer_fwd")
def encoder_layer(call: Call) -> Work:
    """The fused encoder layer: self-attention, then two linear layers of widths ffn and E."""
    source, embed, heads = call.args[:3]
    ffn = next(w for w in call.args[14:] if isinstance(w, Tensor) and len(w.shape) == 2).shape[0]
    products: list[Product] = []
    for part in sequences(source):
        rows = part.numel // embed
        products += self_attention(part, part, embed, heads)
        products.append(product_of(rows, embed, ffn, True, "linear"))
        products.append(product_of(rows, ffn, embed, True, "linear"))
    return Work(tuple(products))


# -------------------------------------------------------------------------------- recurrent

RECURRENT = "recurrent product"


@formula("aten.mkldnn_rnn_layer")
def mkldnn_rnn_layer(call: Call) -> Work:
    """input (T, N, in), weights (gates x hidden, in) and (gates x hidden, hidden), one direction."""
    x, input_weight, hidden_weight = call.args[:3]
    steps, biased = x.shape[0] * x.shape[1], call.argument(12, "has_biases") is True
    return Work(
        tuple(
            product_of(steps, weight.shape[1], weight.shape[0], biased, RECURRENT)
            for weight in (input_weight, hidden_weight)
        )
    )


@formula("aten._cudnn_rnn")
def cudnn_rnn(call: Call) -> Work:
    """input (T, N, in) or packed (sum of lengths, in); every weight matrix meets every step."""
    x, weights = call.args[:2]
    steps = x.numel // max(x.shape[-1], 1)
    matrices = [weight for weight in weights if len(weight.shape) == 2]
    biased = len(matrices) < len(weights)
    return Work(
        tuple(product_of(steps, w.shape[1], w.shape[0], biased, RECURRENT) for w in matrices)
    )


# --------------------------------------------------------------------------- everything else


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


MOVEMENT = """alias arange as_strided _assert_async bernoulli_ broadcast_to cat chunk clone
    constant_pad_nd contiguous copy_ detach detach_ diagonal dropout empty empty_like
    empty_strided expand fill fill_ flip full full_like gather index index_copy index_put
    index_put_ index_select im2col col2im lift_fresh linspace matrix_H narrow new_empty
    new_empty_strided new_full new_ones new_zeros ones ones_like permute pixel_shuffle
    pixel_unshuffle reflection_pad1d reflection_pad2d reflection_pad3d repeat
    replication_pad1d replication_pad2d replication_pad3d _reshape_alias reshape resize_
    roll scalar_tensor scatter scatter_ select select_scatter set_ slice slice_scatter split
    split_with_sizes squeeze squeeze_ stack t t_ tile to _to_copy transpose transpose_ tril
    triu unbind unfold unsafe_split unsafe_chunk _unsafe_view unsqueeze unsqueeze_ view
    view_as_complex view_as_real zero_ zeros zeros_like embedding masked_select
    channel_shuffle _local_scalar_dense item cudnn_is_acceptable rand randn normal_ uniform_
    randint sym_size sym_stride is_same_size _pack_padded_sequence _nested_tensor_size
    flatten unflatten expand_as view_as type_as movedim swapaxes atleast_1d meshgrid rot90
    tensor_split hsplit vsplit hstack vstack dstack concat concatenate is_nonzero equal
    nonzero feature_dropout alpha_dropout numpy_T mT ravel real imag upsample_nearest1d
    upsample_nearest2d upsample_nearest3d""".split()

for _name in MOVEMENT:
    formula(f"aten.{_name}")(lambda call: FREE)
