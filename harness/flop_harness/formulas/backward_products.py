"""The products of backward passes: as many for the gradient of each operand as forward."""

from __future__ import annotations

from math import prod

from flop_harness.formulas.attention import ATTENTION_VALUE, QUERY_KEY, Lengths, packed_sizes
from flop_harness.formulas.products import overlaps, product_of, sequences
from flop_harness.formulas.recurrent import RECURRENT
from flop_harness.formulas.registry import formula
from flop_harness.records import Call, Tensor
from flop_harness.records.work import Product, Work


@formula("aten.convolution_backward", "aten.convolution_backward_overrideable")
def convolution_gradients(call: Call) -> Work:
    """dy (N, Cout, *out), x (N, Cin, *in), weight (Cout, Cin/g, *k) or transposed (Cin, Cout/g, *k).

    The gradients of x, of the weight and of the bias, each if it is asked for. The gradient of x is
    a transposed convolution of dy, or a plain one where forward it is transposed.
    """
    dy, x, weight = call.args[:3]
    stride, padding, dilation, transposed, _, groups, wanted = call.args[-7:]
    settings = (stride, padding, dilation, groups)
    macs = convolution_macs(call)
    sums = None
    if transposed is not True:
        sums = overlaps(dy.shape, weight.shape, x.shape, *settings)
    both = (
        Product(macs, x.numel, term="convolution", added=sums),
        Product(macs, weight.numel, term="convolution"),
    )
    products = tuple(one for one, asked in zip(both, wanted[:2], strict=True) if asked)
    channels = dy.shape[1]
    return Work(products, "reduction", additions=wanted[2] * max(dy.numel - channels, 0))


def convolution_macs(call: Call) -> int:
    """Multiplications of the forward pass, and of the gradient of each operand."""
    dy, x, weight = call.args[:3]
    positions = x.numel if call.args[-4] is True else dy.numel
    return positions * prod(weight.shape[1:])


@formula("torchvision._deform_conv2d_backward")
def deformable_convolution_gradients(call: Call) -> Work:
    """Of what was sampled, and of the weight; the products only, not the sampling."""
    dy, _, weight = call.args[:3]
    macs, columns = dy.numel * prod(weight.shape[1:]), dy.numel // max(weight.shape[0], 1)
    groups = call.args[-3]
    sampled = columns * prod(weight.shape[1:]) * groups
    return Work((Product(macs, sampled), Product(macs, weight.numel)))


@formula("aten.linear_backward", "aten.mkldnn_linear_backward")
def linear_gradients(call: Call) -> Work:
    """x (..., in), dy (..., out), weight (out, in): of x, of the weight and of the bias."""
    x, dy, weight, wanted = call.args[:4]
    out, inner = weight.shape
    rows = x.numel // max(inner, 1)
    both = product_of(rows, out, inner, term="linear"), product_of(out, rows, inner, term="linear")
    products = tuple(one for one, asked in zip(both, wanted[:2], strict=True) if asked)
    return Work(products, "reduction", additions=wanted[2] * max(dy.numel - out, 0))


@formula("aten.mkldnn_linear_backward_input")
def linear_gradient_of_the_input(call: Call) -> Work:
    dy, weight = call.args[1:3]
    out, inner = weight.shape
    return Work((product_of(dy.numel // max(out, 1), out, inner),))


@formula("aten.mkldnn_linear_backward_weights")
def linear_gradient_of_the_weight(call: Call) -> Work:
    dy, _, weight, biased = call.args[:4]
    out, inner = weight.shape
    sums = biased * max(dy.numel - out, 0)
    return Work((product_of(out, dy.numel // max(out, 1), inner),), "reduction", additions=sums)


@formula("aten.matmul_backward")
def matmul_gradients(call: Call) -> Work:
    """dy (..., m, n) @ y transposed, x (..., m, k) transposed @ dy; vectors without m, or n.

    Of nested tensors each by itself.
    """
    dy, x, _, wanted = call.args[:4]
    pairs = zip(sequences(dy), sequences(x), strict=True)
    macs = sum(out.numel * each.shape[-1] for out, each in pairs)
    sizes = (each.numel for each in call.args[1:3])
    return Work(
        tuple(Product(macs, size) for size, asked in zip(sizes, wanted, strict=True) if asked)
    )


ATTENTION_GRADIENTS = (
    "aten._scaled_dot_product_flash_attention_backward",
    "aten._scaled_dot_product_efficient_attention_backward",
    "aten._scaled_dot_product_cudnn_attention_backward",
    "aten._scaled_dot_product_fused_attention_overrideable_backward",
    "aten._cudnn_attention_backward",
)
"""On other devices than a CPU"""


@formula("aten._scaled_dot_product_flash_attention_for_cpu_backward", *ATTENTION_GRADIENTS)
def attention_gradients(call: Call) -> Work:
    """do, query (N, H, L, E), key (N, H, S, E), value (N, H, S, Ev)."""
    query, key, value = call.args[1:4]
    rows = prod(query.shape[:-1])
    sizes = rows, rows * key.shape[-2], query.shape[-1], value.shape[-1]
    return of_attention(*sizes, key.numel, value.numel)


@formula("aten._flash_attention_backward", "aten._efficient_attention_backward")
def flash_attention_gradients(call: Call, lengths: Lengths | None = None) -> Work:
    return of_attention(*packed_sizes(call, lengths), call.args[2].numel, call.args[3].numel)


def of_attention(rows: int, scores: int, width: int, other: int, keys: int, values: int) -> Work:
    """Five products: the scores once more, as no kernel keeps them; dv, d(weights), dq and dk.

    Beside them the softmax, from the logarithm of the sums that was kept, and its gradient:
    w (dw - the sum of o do in the row).
    """
    return Work(
        (
            Product(scores * width, scores, term=QUERY_KEY),
            Product(scores * other, values, term=ATTENTION_VALUE),
            Product(scores * other, scores, term=ATTENTION_VALUE),
            Product(scores * width, rows * width, term=QUERY_KEY),
            Product(scores * width, keys, term=QUERY_KEY),
        ),
        "softmax",
        additions=2 * scores + rows * max(other - 1, 0),
        multiplications=scores + rows * other,
        specials=scores,
    )


@formula("aten._cudnn_rnn_backward", "aten.miopen_rnn_backward")
def recurrent_gradients(call: Call) -> Work:
    """For each weight matrix the gradient of what it met, and its own; element-wise work not."""
    x, weights = call.args[:2]
    return of_matrices(x.numel // max(x.shape[-1], 1), weights)


@formula("aten.mkldnn_rnn_layer_backward")
def mkldnn_rnn_layer_gradients(call: Call) -> Work:
    x, *weights = call.args[:3]
    return of_matrices(x.shape[0] * x.shape[1], weights)


def of_matrices(steps: int, weights: list[Tensor]) -> Work:
    matrices = [weight.shape for weight in weights if len(weight.shape) == 2]
    return Work(
        tuple(
            product
            for out, inner in matrices
            for product in (
                product_of(steps, out, inner, term=RECURRENT),
                product_of(out, steps, inner, term=RECURRENT),
            )
        )
    )
