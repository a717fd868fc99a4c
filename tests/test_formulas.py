"""Each formula against the scalar oracle: the naive algorithm carried out and counted."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from flop_harness.conventions.products import works
from flop_harness.proof import oracle
from flop_harness.records.work import Product
from flop_harness.trace.recorder import record
from programs import Program

quick = settings(max_examples=25, deadline=None, derandomize=True)


@dataclass(frozen=True)
class Operations:
    additions: int = 0
    multiplications: int = 0
    comparisons: int = 0
    divisions: int = 0
    specials: int = 0


def priced(function, *tensors: torch.Tensor) -> tuple[Operations, list[Product]]:
    """What the formulas say of a function: operations in all, products with K - 1 additions."""
    made = record(Program(function), tensors, execute=True)
    done = [work for _, work in works(made)]
    assert None not in done, [visit.call.name for visit, work in works(made) if work is None]
    products = [product for work in done for product in work.products]
    extra = sum(product.flops - product.macs for product in products)
    return (
        Operations(
            sum(work.additions for work in done) + extra,
            sum(work.multiplications + work.macs for work in done),
            sum(work.comparisons for work in done),
            sum(work.divisions for work in done),
            sum(work.specials for work in done),
        ),
        products,
    )


def carried_out(naive, expected, *tensors: torch.Tensor) -> Operations:
    """What the naive algorithm does; its result has to be torch's."""
    arrays = [oracle.scalars(tensor) for tensor in tensors]
    oracle.forget()
    result = naive(*arrays)
    done = Operations(**oracle.done)
    np.testing.assert_allclose(oracle.numbers(result), expected.double(), rtol=1e-3, atol=1e-4)
    return done


def agree(function, naive, *tensors: torch.Tensor) -> Operations:
    """The formulas and the oracle count the same; gives what they count."""
    said, _ = priced(function, *tensors)
    done = carried_out(naive, function(*tensors), *tensors)
    assert said == done
    return said


def some(*shape: int) -> torch.Tensor:
    """Numbers away from zero, so that no comparison hangs on rounding."""
    torch.manual_seed(sum(shape))
    return torch.rand(shape) + 0.25


# ------------------------------------------------------------------------------ convolutions

small = st.integers(1, 3)


@st.composite
def convolutions(draw, axes: int):
    groups, batch = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    width, out = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    per_axis = [
        tuple(draw(st.integers(low, high)) for _ in range(axes))
        for low, high in ((1, 2), (1, 2), (0, 1), (1, 2))
    ]
    kernel, stride, padding, dilation = per_axis
    sizes = [
        d * (k - 1) + 1 + draw(st.integers(0, 2)) for k, d in zip(kernel, dilation, strict=True)
    ]
    x, weight = some(batch, width, *sizes), some(out, width // groups, *kernel)
    options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    return x, weight, some(out) if draw(st.booleans()) else None, options


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_convolution(axes):
    function = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]

    @quick
    @given(convolutions(axes))
    def check(drawn):
        x, weight, bias, options = drawn
        tensors = (x, weight) if bias is None else (x, weight, bias)
        agree(
            lambda *t: function(*t, **options),
            lambda *a: oracle.convolution(*a, **options),
            *tensors,
        )

    check()


def test_convolution_by_arithmetic():
    """3 -> 6 channels, kernel 3, on 6 x 6 with stride 3: 2 x 2 x 6 outputs of 27 products."""
    said, (product,) = priced(lambda x, w, b: F.conv2d(x, w, b, 3), some(1, 3, 6, 6),
                              some(6, 3, 3, 3), some(6))  # fmt: skip
    assert (product.macs, product.outputs, product.bias) == (648, 24, 24)
    assert (said.multiplications, said.additions) == (648, 24 * 26 + 24)


@st.composite
def transposed(draw, axes: int):
    groups = draw(st.integers(1, 2))
    width, out = groups * draw(st.integers(1, 2)), draw(st.integers(1, 2))
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    stride = tuple(draw(st.integers(1, 3)) for _ in range(axes))
    padding = tuple(draw(st.integers(0, (k - 1) // 2)) for k in kernel)
    extra = tuple(draw(st.integers(0, s - 1)) for s in stride)
    x = some(draw(st.integers(1, 2)), width, *(draw(st.integers(1, 3)) for _ in range(axes)))
    options = {"stride": stride, "padding": padding, "output_padding": extra, "groups": groups}
    return x, some(width, out, *kernel), options


@pytest.mark.parametrize("axes", [1, 2])
def test_transposed_convolution(axes):
    """Products follow the input, cut off or not; those that meet in an output are added."""
    function = (F.conv_transpose1d, F.conv_transpose2d)[axes - 1]

    @quick
    @given(transposed(axes))
    def check(drawn):
        x, weight, options = drawn
        said = agree(
            lambda x, w: function(x, w, **options),
            lambda x, w: oracle.transposed_convolution(x, w, **options),
            x, weight,
        )  # fmt: skip
        assert said.multiplications == x.numel() * weight[0].numel()

    check()


def test_gaps_of_a_transposed_convolution_add_nothing():
    """3 inputs, stride 3, kernel 2: six outputs of one product each; a bias for all eight."""
    said, (product,) = priced(
        lambda x, w, b: F.conv_transpose1d(x, w, b, 3), some(1, 1, 3), some(1, 1, 2), some(1)
    )
    assert (product.macs, product.outputs, product.bias) == (6, 8, 8)
    assert (said.multiplications, said.additions) == (6, 8)


def test_a_dilated_transposed_convolution_overlaps_less():
    """Two inputs spread over places 0, 2 and 1, 3: no two products meet, of either channel of 2."""
    said, _ = priced(
        lambda x, w: F.conv_transpose1d(x, w, dilation=2), some(1, 2, 2), some(2, 1, 2)
    )
    assert (said.multiplications, said.additions) == (8, 4)  # the two channels meet in 4 outputs


@pytest.mark.parametrize("transposed", [False, True])
def test_gradients_of_a_convolution(transposed):
    """For the input and the weight as many products as forward: 16 positions of 2 x 3 x 9."""
    x, weight = some(1, 3, 4, 4), some(*((3, 2) if transposed else (2, 3)), 3, 3)
    options = ([1, 1], [1, 1], [1, 1], transposed, [0, 0], 1)

    def gradients(x, weight):
        dy = torch.ones(1, 2, 4, 4)
        return torch.ops.aten.convolution_backward(
            dy, x, weight, None, *options, [True, True, False]
        )

    _, products = priced(gradients, x, weight)
    assert [(p.macs, p.outputs) for p in products] == [(864, 48), (864, 54)]


# ---------------------------------------------------------------------------- matrix products


@quick
@given(small, small, small, small)
def test_products_of_matrices(b, m, k, n):
    x, y, bias = some(m, k), some(k, n), some(n)
    xs, ys = some(b, m, k), some(b, k, n)
    agree(torch.mm, oracle.matrix_product, x, y)
    agree(torch.addmm, lambda c, x, y: oracle.plus(oracle.matrix_product(x, y), c), bias, x, y)
    agree(torch.bmm, oracle.batched_product, xs, ys)
    agree(
        torch.baddbmm,
        lambda c, x, y: oracle.plus(oracle.batched_product(x, y), c),
        some(b, m, n), xs, ys,
    )  # fmt: skip


@quick
@given(small, small, small)
def test_products_with_vectors(b, m, k):
    column = lambda x, y: oracle.matrix_product(x, y[:, None])[:, 0]  # noqa: E731
    agree(torch.mv, column, some(m, k), some(k))
    agree(torch.addmv, lambda c, x, y: oracle.plus(column(x, y), c), some(m), some(m, k), some(k))
    agree(
        torch.dot, lambda x, y: oracle.matrix_product(x[None], y[:, None])[0, 0], some(k), some(k)
    )


def test_in_place_products_count_too():
    said, (product,) = priced(lambda c, x, y: c.addmm_(x, y), some(3, 5), some(3, 4), some(4, 5))
    assert (product.macs, product.bias, said.additions) == (3 * 4 * 5, 15, 3 * 5 * 3 + 15)


def test_nothing_is_added_that_is_multiplied_by_zero():
    _, (product,) = priced(
        lambda c, x, y: torch.addmm(c, x, y, beta=0), some(5), some(3, 4), some(4, 5)
    )
    assert product.bias == 0


def test_distances_between_many_rows():
    """Above 25 rows |a|^2 - 2 a b + |b|^2 is one product of width 4 + 2 for 30 x 26 distances."""
    said, (product,) = priced(torch.cdist, some(30, 4), some(26, 4))
    norms = (30 + 26) * 4
    assert product.macs == 30 * (4 + 2) * 26
    assert said.multiplications == product.macs + norms + 30 * 4
    assert said.additions == 30 * 26 * 5 + norms - (30 + 26)
    assert said.specials == said.comparisons == 30 * 26


def test_an_affine_grid_is_a_product():
    """2 x 3 for each of 4 x 5 positions, in two batches."""
    _, (product,) = priced(lambda t: F.affine_grid(t, (2, 1, 4, 5), False), some(2, 2, 3))
    assert product.macs == 2 * 4 * 5 * 3 * 2


def test_a_sum_of_products():
    """addbmm: the sum over b lengthens each sum of products."""

    def naive(c, x, y):
        long = oracle.matrix_product(np.concatenate(list(x), 1), np.concatenate(list(y), 0))
        return oracle.plus(long, c)

    agree(torch.addbmm, naive, some(2, 4), some(3, 2, 5), some(3, 5, 4))


@quick
@given(small, small, small, st.booleans(), st.booleans())
def test_linear(n, width, out, biased, deep):
    x = some(2, n, width) if deep else some(n, width)

    def naive(x, weight, bias=None):
        rows = oracle.matrix_product(x.reshape(-1, width), weight.T)
        rows = rows if bias is None else oracle.plus(rows, bias)
        return rows.reshape(*x.shape[:-1], out)

    agree(F.linear, naive, x, some(out, width), *([some(out)] if biased else []))


def test_bilinear():
    agree(
        lambda x, w, y: F.bilinear(x, y, w),
        oracle.bilinear, some(2, 3), some(4, 3, 5), some(2, 5),
    )  # fmt: skip


@quick
@given(small, small, small, small, small)
def test_attention(heads, length, source, width, out):
    """Both products and the softmax between them; the scaling is not charged."""
    q, k, v = some(heads, length, width), some(heads, source, width), some(heads, source, out)

    def fused(q, k, v):
        return F.scaled_dot_product_attention(q[None], k[None], v[None], scale=1.0)[0]

    said, products = priced(fused, q, k, v)
    done = carried_out(oracle.attention, fused(q, k, v), q, k, v)
    assert said.multiplications - done.multiplications in (0, q.numel() + k.numel())  # math kernel
    assert astuple(said)[0] == done.additions and astuple(said)[2:] == astuple(done)[2:]
    assert sum(p.macs for p in products) == heads * length * source * (width + out)


# --------------------------------------------------------------------------------- recurrence


@pytest.mark.parametrize(("kind", "gates"), [(nn.RNNCell, 1), (nn.GRUCell, 3), (nn.LSTMCell, 4)])
def test_products_of_a_recurrent_cell(kind, gates):
    """Each gate reads the input (5) and the state (4), on two rows."""
    _, products = priced(kind(5, 4).forward, some(2, 5))
    assert sum(product.macs for product in products) == 2 * gates * 4 * (5 + 4)
    assert sum(product.bias for product in products) == 2 * gates * 4 * 2


@pytest.mark.parametrize(("layers", "both"), [(1, False), (2, False), (2, True)])
def test_products_of_a_recurrent_layer(layers, both):
    """LSTM 5 -> 4 on 3 steps of 2: later layers read the 4 (or 8) of the layer before."""
    layer = nn.LSTM(5, 4, layers, bidirectional=both)
    directions = 2 if both else 1
    widths = [5] + [4 * directions] * (layers - 1)
    expected = 3 * 2 * directions * sum(4 * 4 * (width + 4) for width in widths)
    _, products = priced(lambda x: layer(x)[0], some(3, 2, 5))
    assert sum(product.macs for product in products) == expected


@pytest.mark.parametrize("device", [
    "cpu",
    "meta",
])  # fmt: skip
def test_a_recurrent_layer_without_bias_adds_none(device):
    layer = nn.LSTM(5, 4, bias=False, device=device)
    trace = record(layer, (torch.rand(3, 2, 5, device=device),))
    done = [work for _, work in works(trace) if work is not None]
    assert sum(product.bias for work in done for product in work.products) == 0


# ----------------------------------------------------------------------------- normalisations


def by_channel(x: np.ndarray, normalise) -> np.ndarray:
    """``normalise`` each channel of (N, C, L), given all that belongs to it in one row."""
    made = oracle.empty(x.shape)
    for channel in range(x.shape[1]):
        flat = x[:, channel].reshape(-1)
        made[:, channel] = np.array(normalise(flat, channel), dtype=object).reshape(
            x[:, channel].shape
        )
    return made


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_with_known_statistics(affine):
    def naive(x, mean, variance, weight=None, bias=None):
        def channel(values, c):
            pair = ([weight[c]] * len(values), [bias[c]] * len(values)) if affine else ()
            return oracle.normalised(values, mean[c], variance[c], *pair)

        return by_channel(x, channel)

    tensors = (some(2, 3, 4), some(3), some(3), *((some(3), some(3)) if affine else ()))
    agree(F.batch_norm, naive, *tensors)


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_in_training(affine):
    def naive(x, weight=None, bias=None):
        def channel(values, c):
            pair = ([weight[c]] * len(values), [bias[c]] * len(values)) if affine else ()
            return oracle.normalised(values, *oracle.statistics(values), *pair)

        return by_channel(x, channel)

    pair = (some(3), some(3)) if affine else ()
    agree(lambda x, *p: F.batch_norm(x, None, None, *p, training=True), naive, some(2, 3, 4), *pair)


def layer_norm(x, weight=None, bias=None):
    return oracle.by_row(
        lambda row: oracle.normalised(row, *oracle.statistics(row), weight, bias), x
    )


def test_layer_norm():
    agree(lambda x, w, b: F.layer_norm(x, (5,), w, b), layer_norm, some(2, 3, 5), some(5), some(5))
    agree(lambda x: F.layer_norm(x, (5,)), layer_norm, some(2, 3, 5))


def test_layer_norm_without_bias():
    agree(lambda x, w: F.layer_norm(x, (5,), w), layer_norm, some(2, 3, 5), some(5))


def test_group_norm():
    def naive(x, weight, bias):
        rows = x.reshape(2 * 2, -1)
        pairs = [np.repeat(p, 3).reshape(2, -1) for p in (weight, bias)]
        made = [
            oracle.normalised(row, *oracle.statistics(row), *(p[number % 2] for p in pairs))
            for number, row in enumerate(rows)
        ]
        return np.array(made, dtype=object).reshape(x.shape)

    agree(lambda x, w, b: F.group_norm(x, 2, w, b), naive, some(2, 4, 3), some(4), some(4))


# --------------------------------------------------------------------- softmax and reductions


@quick
@given(small, st.integers(1, 4))
def test_softmax(rows, size):
    agree(lambda x: torch.softmax(x, -1), oracle.softmax, some(rows, size))
    agree(lambda x: torch.log_softmax(x, -1), oracle.log_softmax, some(rows, size))


@quick
@given(small, small)
def test_reductions(rows, size):
    for function, merge in (
        (lambda x: x.sum(1), oracle.add_up),
        (lambda x: x.mean(1), lambda row: oracle.mean(list(row))),
        (lambda x: x.amax(1), oracle.largest),
        (lambda x: x.max(1)[0], oracle.largest),
    ):
        naive = lambda x, merge=merge: np.array([merge(row) for row in x], dtype=object)  # noqa: E731
        agree(function, naive, some(rows, size))


# -------------------------------------------------------------------------------------- pools


@quick
@given(st.integers(1, 2), st.integers(1, 3), st.integers(1, 2), st.integers(0, 1))
def test_pools(kernel, extra, stride, padding):
    padding = min(padding, kernel // 2)
    window, steps, border = (kernel,) * 2, (stride,) * 2, (padding,) * 2
    x = some(1, 2, kernel + extra, kernel + 2)
    agree(
        lambda x: F.max_pool2d(x, kernel, stride, padding),
        lambda x: oracle.pooled(oracle.padded(x, border, -1e9), window, steps, oracle.largest),
        x,
    )
    agree(
        lambda x: F.avg_pool2d(x, kernel, stride, padding),
        lambda x: oracle.pooled(oracle.padded(x, border), window, steps, oracle.mean),
        x,
    )


def test_pools_in_three_dimensions():
    x, window = some(1, 2, 3, 4, 3), (2, 1, 2)
    agree(lambda x: F.max_pool3d(x, window),
          lambda x: oracle.pooled(x, window, window, oracle.largest), x)  # fmt: skip
    agree(lambda x: F.avg_pool3d(x, window),
          lambda x: oracle.pooled(x, window, window, oracle.mean), x)  # fmt: skip


@quick
@given(st.integers(1, 5), st.integers(1, 5), st.integers(2, 4), st.integers(2, 4))
def test_adaptive_average_pool(height, width, out_height, out_width):
    size = (out_height, out_width)
    agree(
        lambda x: F.adaptive_avg_pool2d(x, size),
        lambda x: oracle.adaptively_pooled(x, size, oracle.mean),
        some(1, 2, height, width),
    )
