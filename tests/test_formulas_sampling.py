"""Formulas of pools, interpolation, sampling, folding and quantised layers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torchvision.ops import roi_align

from flop_harness.conventions.products import unsupported, without_products, works
from flop_harness.conventions.reference import reference
from flop_harness.formulas.resampling import covered
from flop_harness.proof import oracle
from flop_harness.proof.oracle import add_up, largest
from flop_harness.trace.recorder import record
from test_formulas import agree, priced, quick, some

aten = torch.ops.aten

# -------------------------------------------------------------------------------------- pools


@quick
@given(st.integers(1, 5), st.integers(1, 5), st.integers(2, 4), st.integers(2, 4))
def test_adaptive_max_pool(height, width, out_height, out_width):
    size = (out_height, out_width)
    agree(
        lambda x: F.adaptive_max_pool2d(x, size),
        lambda x: oracle.adaptively_pooled(x, size, largest),
        some(1, 2, height, width),
    )


def test_a_fractional_pool_compares_within_its_windows():
    said, _ = priced(lambda x: F.fractional_max_pool2d(x, 2, output_size=3), some(1, 2, 8, 8))
    assert said.comparisons == 2 * 3 * 3 * (4 - 1)


# ------------------------------------------------------------------------------ interpolation


@pytest.mark.parametrize(("mode", "shape", "taps"), [
    ("linear", (1, 2, 5), 2), ("bilinear", (1, 2, 5, 4), 4), ("bicubic", (1, 2, 5, 4), 16),
    ("trilinear", (1, 2, 3, 4, 5), 8),
])  # fmt: skip
def test_interpolation_is_a_weighted_sum_of_neighbours(mode, shape, taps):
    x = some(*shape)
    said, _ = priced(lambda x: F.interpolate(x, scale_factor=2, mode=mode), x)
    outputs = x.numel() * 2 ** (x.dim() - 2)
    assert (said.multiplications, said.additions) == (outputs * taps, outputs * (taps - 1))


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_a_copy_computes_nothing(mode):
    said, _ = priced(lambda x: F.interpolate(x, scale_factor=2, mode=mode), some(1, 2, 5, 4))
    assert not any(vars(said).values())


def read(length: int, size: int, mode: str) -> list[int]:
    """Inputs of an axis that each output depends on, by setting one at a time to 1."""
    units = torch.eye(length).reshape(length, 1, 1, length).expand(-1, -1, 4, -1)
    kept = F.interpolate(units, size=(4, size), mode=mode, antialias=True)[:, 0, 0]
    return (kept.abs() > 1e-9).sum(0).tolist()


@pytest.mark.parametrize(("mode", "support"), [("bilinear", 1), ("bicubic", 2)])
@pytest.mark.parametrize(("length", "size"), [(12, 5), (9, 4), (16, 4), (64, 10)])
def test_a_shrinking_axis_reads_more(mode, support, length, size):
    """Sizes at which no weight on the edge of the support is 0."""
    assert read(length, size, mode) == covered(length, size, support)


def test_a_smooth_interpolation_goes_by_rows_then_by_columns():
    """8 x 6 -> 4 x 3, factor 2: rows first (8 of 3 outputs), then columns (4 of 3)."""
    x = some(1, 2, 8, 6)
    said, _ = priced(lambda x: F.interpolate(x, size=(4, 3), mode="bilinear", antialias=True), x)
    across, down = sum(covered(6, 3, 1)), sum(covered(8, 4, 1))
    assert said.multiplications == 2 * (8 * across + 3 * down)
    assert said.additions == said.multiplications - 2 * (8 * 3 + 4 * 3)


@pytest.mark.parametrize(("name", "support"), [("bilinear", 1), ("bicubic", 2)])
def test_a_smooth_gradient_goes_to_all_that_an_element_covers(name, support):
    """8 x 6 made 4 x 3 each covers a window of both axes: two products and an addition there."""
    backward = getattr(aten, f"_upsample_{name}2d_aa_backward")
    said, _ = priced(lambda dy: backward(dy, [4, 3], [1, 2, 8, 6], False), some(1, 2, 4, 3))
    met = 2 * sum(covered(8, 4, support)) * sum(covered(6, 3, support))
    assert (said.additions, said.multiplications) == (met, 2 * met)
    if support == 1:  # four places wide, but for one that falls outside at either end
        assert met == 2 * (4 * 4 - 2) * (4 * 3 - 2)


# ----------------------------------------------------------------------------------- sampling


@pytest.mark.parametrize("axes", [2, 3])
def test_a_grid_of_linear_samples(axes):
    """Three channels at 5 positions: a place on each axis, its weights, a sum of 2^axes products."""
    x, grid = some(1, 3, *[4] * axes), some(1, *[1] * (axes - 1), 5, axes)
    said, _ = priced(lambda x, g: F.grid_sample(x, g, align_corners=False), x, grid)
    neighbours = 2**axes
    places = 5 * axes
    assert said.multiplications == places + 5 * neighbours * (axes - 1) + 3 * 5 * neighbours
    assert said.additions == places * (1 + 2) + 3 * 5 * (neighbours - 1)
    assert said.specials == places


def test_a_grid_of_nearest_samples_rounds_only():
    x, grid = some(1, 3, 4, 4), some(1, 1, 5, 2)
    said, _ = priced(lambda x, g: F.grid_sample(x, g, "nearest", align_corners=False), x, grid)
    assert (said.multiplications, said.additions, said.specials) == (10, 10, 10)


def test_a_grid_of_cubic_samples():
    """16 neighbours; 12 products and 13 additions for the four weights of an axis."""
    x, grid = some(1, 3, 4, 4), some(1, 1, 5, 2)
    said, _ = priced(lambda x, g: F.grid_sample(x, g, "bicubic", align_corners=False), x, grid)
    assert said.multiplications == 10 * (1 + 12) + 5 * 16 + 3 * 5 * 16
    assert said.additions == 10 * (1 + 1 + 13) + 3 * 5 * 15


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("axes", [2, 3])
def test_the_gradient_of_a_grid_of_linear_samples(axes, asked):
    """Of the grid, along each axis: a neighbour times the other axes' weights and the element; of the input, added."""
    backward = {2: aten.grid_sampler_2d_backward, 3: aten.grid_sampler_3d_backward}[axes]
    x, grid = some(1, 3, *[4] * axes), some(1, *[1] * (axes - 1), 5, axes)
    dy = some(1, 3, *[1] * (axes - 1), 5)
    said, _ = priced(lambda dy: backward(dy, x, grid, 0, 0, False, [asked, True]), dy)
    neighbours, places = 2**axes, 5 * axes
    met = 3 * 5 * neighbours
    weights = places + 5 * neighbours * (axes - 1)
    assert said.multiplications == weights + places + met * axes * axes + met * asked
    assert said.additions == places * (1 + 2) + met * axes + met * asked
    assert said.specials == places


def test_the_gradient_of_nearest_samples_is_added_once():
    x, grid, dy = some(1, 3, 4, 4), some(1, 1, 5, 2), some(1, 3, 1, 5)
    said, _ = priced(lambda dy: aten.grid_sampler_2d_backward(dy, x, grid, 1, 0, False, [True, True]), dy)  # fmt: skip
    assert (said.multiplications, said.additions, said.specials) == (10, 10 + 15, 10)


@pytest.mark.parametrize("asked", [True, False])
def test_the_gradient_of_a_grid_of_cubic_samples(asked):
    """16 neighbours of each of 3 x 5 elements; four weights and four slopes on each of 10 axes."""
    x, grid, dy = some(1, 3, 4, 4), some(1, 1, 5, 2), some(1, 3, 1, 5)
    said, _ = priced(lambda dy: aten.grid_sampler_2d_backward(dy, x, grid, 2, 0, False, [asked, True]), dy)  # fmt: skip
    met = 3 * 5 * 16
    assert said.multiplications == 10 * (1 + 12 + 8 + 1) + met * (3 + 3 + 2 * asked)
    assert said.additions == 10 * (1 + 1 + 13 + 9) + met * (1 + 1 + asked)
    assert said.specials == 10


def test_a_box_is_the_mean_of_its_samples():
    """Two boxes, three channels, 2 x 2 cells of 2 x 2 samples each."""
    boxes = torch.tensor([[0.0, 0, 0, 3, 3], [0, 1, 1, 4, 4]])
    said, _ = priced(lambda x: roi_align(x, boxes, 2, sampling_ratio=2), some(1, 3, 6, 6))
    cells, positions = 2 * 3 * 4, 2 * 4 * 4
    assert said.divisions == cells
    assert said.multiplications == cells * 4 * 4 + positions * 4
    assert said.additions == cells * (4 - 1) + cells * 4 * 3 + positions * 2 * 2


def test_a_box_whose_samples_hang_on_its_size_has_no_formula():
    class Boxes(torch.nn.Module):
        def forward(self, x, boxes):
            return roi_align(x, boxes, 2)

    made = record(Boxes(), (some(1, 3, 6, 6), torch.tensor([[0.0, 0, 0, 3, 3]])), execute=True)
    assert without_products(made) == {"torchvision.roi_align": 1}
    assert unsupported(made) == {}


# ------------------------------------------------------------------------------------ folding


@quick
@given(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1), st.integers(1, 2))
def test_what_is_folded_back_is_added_where_it_overlaps(kernel, stride, padding, dilation):
    """As many additions as pieces that lie inside, less one for each place that is reached."""
    size = (6, 7)
    options = {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation}
    ones = F.unfold(torch.ones(1, 1, *size), **options)
    pieces = F.fold(torch.ones_like(ones), size, **options)
    said, _ = priced(lambda x: F.fold(x, size, **options), ones.repeat(2, 3, 1))
    assert said.additions == 2 * 3 * int(pieces.sum() - (pieces > 0).sum())


# ---------------------------------------------------------------------------------- quantised


def quantised() -> torch.nn.Module:
    nn = torch.ao.nn.quantized
    net = torch.nn.Sequential(
        nn.Quantize(0.1, 0, torch.quint8), nn.Conv2d(3, 4, 3, groups=1), torch.nn.MaxPool2d(2),
        torch.nn.Flatten(), nn.Linear(4 * 4, 5), nn.DeQuantize(),
    )  # fmt: skip
    return net.eval()


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_layer_multiplies_as_much():
    """3 -> 4 channels, kernel 3, on 6 x 6, then 16 -> 5: packed weights are looked into."""
    made = record(quantised(), (some(1, 3, 6, 6),), execute=True)
    assert unsupported(made) == {}
    assert reference(made).by_term() == {"convolution": 4 * 16 * 27, "linear": 16 * 5}
    done = [work for _, work in works(made)]
    assert sum(work.comparisons for work in done) == 2 * 3 * 36 + 4 * 4 * 3  # bounds, pool
    assert sum(work.divisions for work in done) == 3 * 36


class Quantising(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.ao.nn.quantized.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layer(torch.quantize_per_tensor(x, 0.1, 0, torch.quint8)).dequantize()


@pytest.mark.filterwarnings("ignore")
def test_a_quantised_layer_counts_without_being_run():
    """On meta torch says that quantising gives floats, which no quantised layer takes."""
    made = record(Quantising(), (some(2, 4),))
    assert (reference(made).total, made.executed) == (2 * 4 * 5, False)


def test_numbers_that_are_drawn_are_not_computed():
    said, _ = priced(lambda x: torch.bernoulli(x / 2) + torch.randn_like(x), some(2, 3))
    assert (said.additions, said.divisions, said.multiplications) == (6, 6, 0)


def test_dropout_masks_and_scales():
    said, _ = priced(lambda x: torch.native_dropout(x, 0.5, True)[0], some(2, 3))
    assert said.multiplications == 12
    assert not any(vars(priced(lambda x: F.dropout(x, training=False), some(2, 3))[0]).values())


def test_weights_are_normalised_by_row():
    """v (g / |v|) on 4 x 6: squares, sums, four roots, four quotients, products."""

    def naive(v, g):
        return np.array(
            [[value * scale for value in row] for row, scale in (
                (row, g[n, 0] / oracle.sqrt(add_up(value * value for value in row)))
                for n, row in enumerate(v)
            )],
            dtype=object,
        )  # fmt: skip

    agree(lambda v, g: torch._weight_norm(v, g, 0), naive, some(4, 6), some(4, 1))


# ------------------------------------------------------------------------- rarer quantised layers


def multiplications(module, *inputs) -> int:
    return reference(record(module, inputs, execute=True)).total


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_a_dynamic_recurrent_layer_multiplies_as_the_plain_one(kind, layers):
    """Weights that are packed out of sight, in both directions."""
    options = {"num_layers": layers, "bidirectional": True}
    plain = getattr(torch.nn, kind)(4, 3, **options)
    packed = getattr(torch.ao.nn.quantized.dynamic, kind)(4, 3, **options)
    x = torch.rand(5, 2, 4)
    gates, wide = {"LSTM": 4, "GRU": 3}[kind], 2 * 3
    widths = [4, wide][:layers]
    by_hand = sum(2 * 10 * gates * 3 * (width + 3) for width in widths)
    assert (
        multiplications(packed, x)
        == by_hand
        == reference(record(plain.to("meta"), (x.to("meta"),))).total
    )


@pytest.mark.parametrize(("kind", "gates"), [("LSTM", 4), ("GRU", 3), ("RNN", 1)])
def test_a_dynamic_cell(kind, gates):
    cell = getattr(torch.ao.nn.quantized.dynamic, f"{kind}Cell")(4, 3)
    assert multiplications(cell, torch.rand(2, 4)) == 2 * gates * 3 * (4 + 3)


def test_a_dynamic_and_a_transposed_convolution():
    """4 x 4 outputs of 4 channels of 3 x 2 x 2 products; 5 x 5 inputs of 3 channels of 4 x 2 x 2."""
    dynamic = torch.ao.nn.quantized.dynamic.Conv2d(3, 4, 2)
    assert multiplications(dynamic, torch.rand(1, 3, 5, 5)) == 16 * 4 * 3 * 4
    transposed = torch.ao.nn.quantized.ConvTranspose2d(3, 4, 2)
    x = torch.quantize_per_tensor(torch.rand(1, 3, 5, 5), 0.1, 0, torch.quint8)
    assert multiplications(transposed, x) == 25 * 3 * 4 * 4
