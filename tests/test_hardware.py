"""What a GPU's own counters said of a pass, beside the reference: the published measurement by arithmetic."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from bench.hardware import FFMA, RANGES, Kernel, Layer, kernels, layers, tile_of
from flop_harness import count

MEASURED = Path(__file__).parents[1] / "results/hardware/resnet18-h100.csv"
HEADER = ["ID", RANGES, "Kernel Name", FFMA]
ROW = [
    "0",
    '7  "<default domain>:model:none" "<default domain>:layer1.0:none"',
    "gemm<float>(int)",
    "1,234",
]


@pytest.fixture(scope="module")
def measured() -> list[Layer]:
    with MEASURED.open() as lines:
        rows = csv.DictReader(lines)
        found = [Kernel(row["module"], row["kernel"], int(row["ffma"])) for row in rows]
    return layers(found, "resnet18")


def test_a_row_of_ncu_is_a_kernel_of_the_innermost_module():
    told = io.StringIO("==PROF== Disconnected\n")
    told.seek(0, io.SEEK_END)
    csv.writer(told, quoting=csv.QUOTE_ALL).writerows((HEADER, ["", "", "", "inst"], ROW))
    assert list(kernels(told.getvalue())) == [Kernel("layer1.0", "gemm", 1234)]


def test_the_layers_are_all_that_the_reference_counts(measured):
    assert sum(layer.macs for layer in measured) == count("torchvision:resnet18").macs


def test_kernels_that_name_their_tile_multiply_whole_tiles_and_nothing_else(measured):
    """Positions, output channels and windows, each to the next multiple of the tile's side."""
    tiled = [layer for layer in measured if layer.tile]
    assert len(tiled) == 19
    assert [layer.ffma for layer in tiled] == [layer.tiled for layer in tiled]


def test_where_the_tiles_fit_the_device_multiplies_as_often_as_the_reference_says(measured):
    """56 x 56 positions, 64 channels and 64 x 3 x 3 products are multiples of 32, 32 and 8."""
    counted = {layer.module: layer.ffma for layer in measured}
    assert counted["layer1.0.conv1"] == 56 * 56 * 64 * (64 * 3 * 3)


def test_the_others_multiply_no_less_and_as_often_for_each_output(measured):
    """How much more they do, no name of a kernel tells."""
    others = [layer for layer in measured if not layer.tile]
    assert [layer.module for layer in others] == ["conv1", "fc"]
    for layer in others:
        each, rest = divmod(layer.ffma, layer.rows * layer.columns)
        assert rest == 0
        assert each >= layer.inner


def test_tiles_are_read_from_the_name_of_a_kernel():
    assert tile_of([Kernel("", "sm80_fprop_tilesize32x64x8_stage3", 0)]) == (32, 64, 8)
    assert tile_of([Kernel("", "implicit_convolve_sgemm", 0)]) == ()
