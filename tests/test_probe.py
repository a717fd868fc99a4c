"""The ones probe: what an operator multiplies, by running it, beside arithmetic from dimensions."""

from __future__ import annotations

from itertools import product
from math import prod

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision.ops import deform_conv2d

from flop_harness.conventions.catalogue import CONVENTIONS
from flop_harness.conventions.products import products
from flop_harness.formulas.padding import padding_macs
from flop_harness.proof.probe import Measured, NotProvable, measure, measurement
from flop_harness.records import Call, Tensor
from flop_harness.trace.recorder import record
from programs import Program

quick = settings(max_examples=25, deadline=None, derandomize=True)


def multiplying(function, *tensors: torch.Tensor, **options) -> list[Call]:
    """The distinct operators of a function of these tensors that multiply."""
    trace = record(Program(function), tensors, **options)
    return list(dict.fromkeys(visit.call for visit, _, _ in products(trace)))


def measured(function, *shapes: tuple[int, ...], device: str = "meta") -> list[Measured]:
    """What the probe says of each product of a function of tensors of these shapes."""
    tensors = (torch.rand(shape, device=device) for shape in shapes)
    return [measure(call) for call in multiplying(function, *tensors)]


def only_call(function, *shapes: tuple[int, ...]) -> Call:
    (call,) = multiplying(function, *(torch.rand(shape, device="meta") for shape in shapes))
    return call


# ------------------------------------------------------------------------------ convolutions


def on_data(length, kernel, stride, padding, dilation) -> tuple[int, int]:
    """(output, tap) pairs of an axis: those that read data, and all, by going through them."""
    outputs = (length + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    places = [
        o * stride + t * dilation - padding for o, t in product(range(outputs), range(kernel))
    ]
    return sum(0 <= place < length for place in places), len(places)


@st.composite
def convolutions(draw, axes: int):
    groups = draw(st.integers(1, 2))
    width, out = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    settings = [
        (draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(0, 2)),
         draw(st.integers(1, 2))) for _ in range(axes)
    ]  # fmt: skip
    lengths = [d * (k - 1) + 1 + draw(st.integers(0, 3)) for k, _, _, d in settings]
    return draw(st.integers(1, 2)), groups, width, out, lengths, settings


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_padding_is_what_ones_in_its_place_add(axes):
    """By going through the taps, by running it, and by the convention's arithmetic."""
    function = (F.conv1d, F.conv2d, F.conv3d)[axes - 1]

    @quick
    @given(convolutions(axes))
    def check(drawn):
        batch, groups, width, out, lengths, settings = drawn
        kernel, stride, padding, dilation = zip(*settings, strict=True)
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        call = only_call(lambda x, w: function(x, w, **options),
                         (batch, width, *lengths), (out, width // groups, *kernel))  # fmt: skip
        pairs = [on_data(n, *each) for n, each in zip(lengths, settings, strict=True)]
        inside, everything = (prod(each) for each in zip(*pairs, strict=True))
        channels = batch * out * width // groups
        found = measure(call)
        assert (found.reached, found.whole) == (channels * inside, channels * everything)
        assert padding_macs(call) == channels * (everything - inside)
        assert found.gap == ("padding" if any(padding) else "")

    check()


def test_padding_of_vgg16():
    """3 x 3 kernels with padding 1 on n x n: 3n - 2 of 3n taps of each axis read data."""
    torchvision = pytest.importorskip("torchvision")
    with torch.device("meta"):
        model, image = torchvision.models.vgg16().eval(), torch.rand(1, 3, 224, 224)
    trace = record(model, (image,))
    widths = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256), (256, 256),
              (256, 512), (512, 512), (512, 512), (512, 512), (512, 512), (512, 512)]  # fmt: skip
    sides = [224] * 2 + [112] * 2 + [56] * 3 + [28] * 3 + [14] * 3
    expected = sum(a * b * ((3 * n) ** 2 - (3 * n - 2) ** 2)
                   for (a, b), n in zip(widths, sides, strict=True))  # fmt: skip
    assert CONVENTIONS["padding"].price(trace).total == expected == 500_440_320
    convolved = sum(a * b * (3 * n) ** 2 for (a, b), n in zip(widths, sides, strict=True))
    charged = CONVENTIONS["macs"].price(trace).of_term("convolution")
    assert sum(charged.values()) == convolved == 15_346_630_656


def test_padding_is_a_part_of_the_reference_alone_where_there_is_a_convolution():
    trace = record(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)), (torch.rand(2, 4),))
    assert CONVENTIONS["padding"].price(trace).total == 0


@quick
@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.integers(0, 1), st.integers(1, 4)
)
def test_a_transposed_convolution_multiplies_what_it_crops(kernel, stride, padding, extra, length):
    """Every input meets every tap; those that fall off the cropped output do not reach it."""
    padding, extra = min(padding, (kernel - 1) // 2), min(extra, stride - 1)
    size = (length - 1) * stride - 2 * padding + kernel + extra
    if size < 1:
        return
    (found,) = measured(
        lambda x, w: F.conv_transpose1d(x, w, stride=stride, padding=padding, output_padding=extra),
        (2, 3, length), (3, 4, kernel),
    )  # fmt: skip
    places = [i * stride + t - padding for i, t in product(range(length), range(kernel))]
    assert found.whole == 2 * 3 * 4 * length * kernel
    assert found.reached == 2 * 3 * 4 * sum(0 <= place < size for place in places)
    assert found.gap == ("cropping" if padding or extra else "")


@pytest.mark.parametrize("transposed", [False, True])
def test_the_gradients_of_a_convolution(transposed):
    """Both take as many products as the forward pass; what it pads with, they lose."""
    x, w = Tensor((2, 4, 5)), Tensor((4, 6, 3) if transposed else (6, 4, 3))
    outputs = 2 * (5 - 1) - 2 + 3 if transposed else 3
    dy = Tensor((2, 6, outputs))
    mask = (True, True, False)
    args = (dy, x, w, None, (2,), (1,), (1,), transposed, (0,), 1, mask)
    found = measure(Call("operator", "aten.convolution_backward.default", args, (), (x, w, None)))
    places = [o * 2 + t - 1 for o, t in product(range(5 if transposed else 3), range(3))]
    each = 2 * 6 * 4
    inside = sum(0 <= place < (outputs if transposed else 5) for place in places)
    assert found.products == ((each * len(places), 2 * 4 * 5), (each * len(places), 6 * 4 * 3))
    assert found.reached == 2 * each * inside


def test_a_deformable_convolution_at_rest_is_a_plain_one():
    """Two of four channels of nine weights for each of 2 x 6 x 5 x 6 outputs."""
    (found,) = measured(
        lambda x, o, w: deform_conv2d(x, o, w, padding=1), (2, 4, 5, 6), (2, 18, 5, 6), (6, 2, 3, 3),
        device="cpu",
    )  # fmt: skip
    assert found.whole == 2 * 6 * 30 * 2 * 9
    assert found.reached == 2 * 6 * 2 * (3 * 5 - 2) * (3 * 6 - 2)


# ---------------------------------------------------------------------------- matrix products

m, k, n, b = 3, 5, 4, 2
PRODUCTS = {
    "mm": (torch.mm, ((m, k), (k, n)), m * k * n),
    "addmm": (torch.addmm, ((n,), (m, k), (k, n)), m * k * n),
    "scaled addmm": (lambda c, x, y: torch.addmm(c, x, y, beta=0.5, alpha=3), ((n,), (m, k), (k, n)),
                     m * k * n),
    "bmm": (torch.bmm, ((b, m, k), (b, k, n)), b * m * k * n),
    "baddbmm": (torch.baddbmm, ((b, m, n), (b, m, k), (b, k, n)), b * m * k * n),
    "addbmm": (torch.addbmm, ((m, n), (b, m, k), (b, k, n)), b * m * k * n),
    "mv": (torch.mv, ((m, k), (k,)), m * k),
    "addmv": (torch.addmv, ((m,), (m, k), (k,)), m * k),
    "dot": (torch.dot, ((k,), (k,)), k),
    "linear": (F.linear, ((b, m, k), (n, k)), b * m * k * n),
    "linear with bias": (F.linear, ((b, m, k), (n, k), (n,)), b * m * k * n),
    "matmul": (torch.matmul, ((b, m, k), (k, n)), b * m * k * n),
    "einsum": (lambda x, y: torch.einsum("bmk,kn->bnm", x, y), ((b, m, k), (k, n)), b * m * k * n),
    "einsum that sums nothing": (lambda x, y: torch.einsum("m,n->mn", x, y), ((m,), (n,)), m * n),
}  # fmt: skip


@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name):
    function, shapes, macs = PRODUCTS[name]
    found = measured(function, *shapes)
    assert sum(each.whole for each in found) == sum(each.reached for each in found) == macs


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.int64, torch.complex64])
def test_other_numbers_than_single_precision(dtype):
    x, y = torch.ones(m, k, dtype=dtype), torch.ones(k, n, dtype=dtype)
    (call,) = multiplying(torch.mm, x, y)
    assert measure(call).whole == m * k * n


# ------------------------------------------------------------------------- exactness and parts


def test_a_sum_beyond_single_precision_is_taken_in_double():
    """2^24 + 1 is the first whole number that single precision does not have."""
    inner = 2**24 + 1
    (found,) = measured(torch.dot, (inner,), (inner,))
    assert found.whole == inner


def test_a_sum_that_may_be_rounded_is_no_proof(monkeypatch):
    monkeypatch.setitem(measurement.EXACT, torch.float32, 8)
    monkeypatch.setitem(measurement.EXACT, torch.float64, 8)
    assert measured(torch.mm, (2, 7), (7, 2))[0].whole == 28
    with pytest.raises(NotProvable, match="rounded"):
        measured(torch.mm, (2, 8), (8, 2))


PARTED = {
    "matrices": (torch.bmm, ((3, 5, 4), (3, 4, 7)), 3 * 5 * 4 * 7),
    "linear": (F.linear, ((3, 5, 4), (7, 4)), 3 * 5 * 4 * 7),
    "convolution": (lambda x, w: F.conv2d(x, w, groups=2), ((3, 4, 5, 6), (6, 2, 3, 2)),
                    3 * 6 * 3 * 5 * 2 * 3 * 2),
    "transposed": (lambda x, w: F.conv_transpose2d(x, w, groups=2), ((3, 4, 5, 6), (4, 3, 3, 2)),
                   3 * 4 * 30 * 3 * 3 * 2),
}  # fmt: skip


@pytest.mark.parametrize("name", PARTED)
def test_what_is_too_large_is_run_in_parts(name, monkeypatch):
    function, shapes, macs = PARTED[name]
    monkeypatch.setattr(measurement, "MOST_MACS", macs // 7)
    (found,) = measured(function, *shapes)
    assert found.whole == macs
    assert "parts" in found.method


def test_parts_make_up_the_whole():
    found = list(measurement.parts({"m": 7, "n": 5, "k": 9}, ("m", "n"), lambda each: each["m"] <= 3
                                   and each["n"] <= 3))  # fmt: skip
    assert sum(times * part["m"] * part["n"] for times, part in found) == 7 * 5
    assert all(part["k"] == 9 for _, part in found)


# ---------------------------------------------------------------------------------- attention


@quick
@given(st.integers(1, 2), st.integers(1, 4), st.integers(1, 5), st.integers(1, 3))
def test_fused_attention(heads, length, source, width):
    """Every query meets every key, and every weight every value."""
    shapes = (2, heads, length, width), *[(2, heads, source, width)] * 2
    (found,) = measured(F.scaled_dot_product_attention, *shapes, device="cpu")
    each = 2 * heads * length * source * width
    assert found.products == (
        (each, 2 * heads * length * source),
        (each, 2 * heads * length * width),
    )
    assert found.reached == found.whole == 2 * each


def test_a_causal_mask_skips_what_is_charged():
    """Of 4 x 4 scores 4 + 3 + 2 + 1 remain."""
    shapes = [(1, 2, 4, 3)] * 3
    (found,) = measured(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
                        *shapes, device="cpu")  # fmt: skip
    assert found.whole == 2 * 2 * 16 * 3
    assert found.reached == 2 * 2 * 10 * 3
    assert found.gap == "masking"


# ------------------------------------------------------------------------------- whole layers


def by_kernel(model: nn.Module, *inputs: torch.Tensor) -> dict[str, Measured]:
    """What the probe says of each operator that a CPU runs without gradients."""
    trace = record(model.eval(), inputs)
    calls = dict.fromkeys(visit.call for visit, _, _ in products(trace))
    return {call.packet: measure(call) for call in calls}


def test_much_attention_is_run_in_parts(monkeypatch):
    monkeypatch.setattr(measurement, "MOST_MACS", 2 * 3 * 16 * 8)
    (found,) = measured(F.scaled_dot_product_attention, *[(5, 3, 4, 8)] * 3, device="cpu")
    assert found.whole == 2 * 5 * 3 * 16 * 8
    assert "5 parts" in found.method


def test_the_fast_path_of_attention():
    """Three projections and one of 3 x 5 rows, and twice 5 x 5 x 8 products for each of three."""
    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    x = torch.rand(3, 5, 8)
    found = by_kernel(Attention(layer), x)
    assert found["aten._native_multi_head_attention"].whole == 4 * 15 * 8 * 8 + 2 * 3 * 25 * 8


class Attention(nn.Module):
    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x, x, x)[0]


def test_the_fused_encoder_layer():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    found = by_kernel(layer, torch.rand(3, 5, 8))
    expected = 4 * 15 * 8 * 8 + 2 * 3 * 25 * 8 + 2 * 15 * 8 * 16
    assert found["aten._transformer_encoder_layer_fwd"].whole == expected


def test_a_fused_recurrent_layer():
    """Four gates of 4 read 5 and 4 numbers at each of 3 steps of 2 sequences."""
    found = by_kernel(nn.LSTM(5, 4), torch.rand(3, 2, 5))
    assert found["aten.mkldnn_rnn_layer"].whole == 3 * 2 * 4 * 4 * (5 + 4)


@pytest.mark.filterwarnings("ignore:.*quantize:UserWarning")
@pytest.mark.parametrize("groups", [1, 2])
def test_a_quantised_convolution(groups):
    """40 channels of 3 x 3 do not fit into eight bits at once."""
    weight = torch.quantize_per_tensor(torch.rand(4, 40 // groups, 3, 3), 0.1, 0, torch.qint8)
    packed = torch.ops.quantized.conv2d_prepack(weight, None, [1, 1], [1, 1], [1, 1], groups)
    x = torch.quantize_per_tensor(torch.rand(1, 40, 5, 6), 0.1, 0, torch.quint8)
    (call,) = multiplying(lambda x: torch.ops.quantized.conv2d(x, packed, 0.1, 0), x, execute=True)
    found = measure(call)
    assert found.whole == 4 * 30 * 40 // groups * 9
    assert found.reached == 4 * 40 // groups * (3 * 5 - 2) * (3 * 6 - 2)


# -------------------------------------------------------------------------- what has no proof


def test_an_operator_without_a_probe_says_so():
    call = Call("operator", "aten.no_such_product.default", (), (), Tensor((2,)))
    with pytest.raises(NotProvable, match=r"aten\.no_such_product"):
        measure(call)


def test_an_operator_without_a_kernel_here_says_so():
    x, w = Tensor((1, 2, 5, 5)), Tensor((3, 2, 3, 3))
    args = (x, w, (0, 0), (1, 1), (1, 1), 1, False, False, False)
    call = Call("operator", "aten.cudnn_convolution.default", args, (), Tensor((1, 3, 3, 3)))
    with pytest.raises(NotProvable, match="no kernel"):
        measure(call)
