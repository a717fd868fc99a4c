"""torch.profiler counts what it writes down: calls that raise, and much that is in no trace."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn

import flop_harness
from cells import bridges
from flop_harness.counters.protocol import UNPREDICTED
from flop_harness.records import Context
from flop_harness.report.analysis.verdict import verdict_lines
from layers import Sample

PROFILER = "torch-profiler"


class Catching(nn.Module):
    """Goes on with another layer where the first does not take its rows."""

    def __init__(self, bias: bool) -> None:
        super().__init__()
        self.unfit, self.last = nn.Linear(5, 4, bias=bias), nn.Linear(4, 3)

    def forward(self, x):
        try:
            return self.unfit(x)
        except RuntimeError:
            return self.last(x)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [(4,), (2, 4), (2, 7, 4)])
def test_a_product_that_raises_is_written_down_before(shape, bias):
    """By the rows of its input and the sizes of its weight, though they do not fit."""
    rows = torch.Size(shape[:-1]).numel()
    factory = partial(Sample, Catching(bias), (torch.rand(shape),))
    made = bridges(PROFILER, Context(grad=False), factory)["compute"]
    assert made.reference == rows * 4 * 3
    assert (made.reading, made.residual) == (2 * rows * (5 * 4 + 4 * 3), 0)


@pytest.mark.parametrize("padding", ["same", "valid", 0])
def test_padding_that_is_a_word_is_not_computed(padding):
    """Two images of 5 x 6 and a kernel of one: the same convolution whatever its padding is called."""
    layer = nn.Conv2d(3, 4, 1, padding=padding)
    factory = partial(Sample, layer, (torch.rand(2, 3, 5, 6),))
    made = bridges(PROFILER, Context(grad=False), factory)["compute"]
    macs = 2 * 4 * 5 * 6 * 3
    assert (made.reference, made.residual) == (macs, 0)
    assert made.reading == (0 if isinstance(padding, str) else 2 * macs)


# --------------------------------------------------------------------------------- sparse matrices

TO = {
    "dense": lambda matrix: matrix,
    "coo": torch.Tensor.to_sparse,
    "csr": torch.Tensor.to_sparse_csr,
    "csc": torch.Tensor.to_sparse_csc,
    "bsr": lambda matrix: matrix.to_sparse_bsr((2, 2)),
    "bsc": lambda matrix: matrix.to_sparse_bsc((2, 2)),
}
PAIRS = [
    ("dense", "dense"), ("dense", "coo"), ("dense", "csr"), ("dense", "csc"), ("dense", "bsc"),
    ("coo", "dense"), ("coo", "coo"), ("csr", "dense"), ("csr", "csr"), ("csr", "csc"),
    ("csc", "dense"), ("csc", "csr"), ("csc", "csc"), ("bsr", "dense"),
]  # fmt: skip
"""What torch multiplies on a CPU"""


class Product(nn.Module):
    """(4, 6) by (6, 8), of which the two blocks or lines of each upper half are stored."""

    def __init__(self, first: str, second: str, added: bool) -> None:
        super().__init__()
        left, right = torch.zeros(4, 6), torch.zeros(6, 8)
        left[:2] = right[:2] = 1
        self.left, self.right = TO[first](left), TO[second](right)
        self.added = added

    def forward(self, x):
        return torch.addmm(x, self.left, self.right) if self.added else self.left @ self.right


def profiled(first: str, second: str, added: bool = False):
    factory = partial(Sample, Product(first, second, added), (torch.rand(4, 8),))
    return bridges(PROFILER, Context(grad=False), factory)["compute"]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_products_of_matrices_of_each_layout_are_explained(first, second):
    assert profiled(first, second).residual == 0


@pytest.mark.parametrize("pair", [
    ("dense", "csr"), ("dense", "csc"), ("dense", "bsc"), ("coo", "dense"), ("csr", "dense"),
    ("csr", "csr"), ("csr", "csc"), ("csc", "dense"), ("csc", "csc"), ("bsr", "dense"),
])  # fmt: skip
def test_products_that_are_added_are_explained(pair):
    assert profiled(*pair, added=True).residual == 0


def test_a_matrix_in_columns_is_turned_to_rows_first():
    """Three products by their shapes, six columns, and twelve stored elements."""
    made = profiled("csc", "dense")
    assert made.reference == 2 * 6 * 8
    assert made.reading == 3 * 2 * 4 * 6 * 8 + 6 + 2 * 6


# ----------------------------------------------------------------------- what no trace tells


class Exponential(nn.Module):
    def forward(self, x):
        return torch.matrix_exp(x)


class Vectorised(nn.Module):
    def forward(self, x):
        return torch.vmap(lambda row: row @ torch.ones(6, 9))(x)


class Shortened(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Embedding(4, 3, max_norm=0.1)

    def forward(self, x):
        return self.rows(x.long())


CAUSES = {
    "exponential": (Exponential(), torch.rand(3, 3), "matrix exponential"),
    "vmap": (Vectorised(), torch.rand(5, 6), "vmap"),
    "max_norm": (Shortened(), torch.arange(4.0), "max_norm"),
}


@pytest.mark.parametrize("name", CAUSES)
def test_what_no_trace_tells_is_named_where_the_figure_is_not_explained(name):
    model, x, cause = CAUSES[name]
    run = flop_harness.compare(model, x, counters=(PROFILER,)).run
    open_ends = [line for line in verdict_lines(run) if "unexplained: " in line]
    assert open_ends and all(UNPREDICTED in line and cause in line for line in open_ends)


def test_nothing_is_named_where_all_is_in_the_trace():
    run = flop_harness.compare(nn.Linear(3, 2), torch.rand(5, 3), counters=(PROFILER,)).run
    assert [reading.warnings for reading in run.readings] == [()] * len(run.readings)
    assert all(bridge.explained for bridge in run.bridges)
