"""torch.profiler counts what it writes down: calls that raise, and much that is in no trace."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

import flop_harness
from cells import bridges
from flop_harness import counters
from flop_harness.counters.pricing import torch_profiler_events as events
from flop_harness.counters.protocol import Answer
from flop_harness.records import Context
from flop_harness.trace.copying import copied
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


UNFIT = {
    "conv2d": (lambda x: F.conv2d(x, torch.ones(4, 5, 3, 3)), (2, 3, 6, 6), 2 * 2 * 4 * 4 * 4 * 27),
    "matmul": (lambda x: x @ torch.ones(5, 4), (2, 6), 2 * 2 * 5 * 4),
    "bmm": (lambda x: torch.bmm(x, torch.ones(2, 5, 4)), (2, 3, 6), 2 * 2 * 3 * 5 * 4),
    "add": (lambda x: x + torch.ones(5), (2, 6), 2 * 6),
    "mul": (lambda x: x * torch.ones(5), (2, 6), 2 * 6),
}
"""Operations whose operands do not fit, and FLOPs that are written down: by the second's sizes"""


@pytest.mark.parametrize("name", UNFIT)
def test_what_raises_is_written_down_before(name):
    function, shape, flops = UNFIT[name]

    class Goes(nn.Module):
        def forward(self, x):
            try:
                return function(x)
            except RuntimeError:
                return x.relu()

    made = bridges(PROFILER, Context(grad=False), partial(Sample, Goes(), (torch.rand(shape),)))
    assert made["compute"].reference == 0
    assert (made["compute"].reading, made["compute"].residual) == (flops, 0)


class Step(nn.Module):
    """The gradients of the parameters of a checkpointed part, which is run again for them."""

    def __init__(self, function, **parts) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        with torch.enable_grad():
            output = checkpoint(partial(self.function, self), x, use_reentrant=False)
            return torch.autograd.grad(output.sum(), list(self.parameters()))


def matrix(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.rand(shape))


def twice(m, x):
    return m.b(m.a(x).relu())


FIRST, SECOND = 2 * 4 * 7 * 7 * 27, 2 * 5 * 5 * 5 * 36  # MACs of two convolutions of 3 x 3
IN, OUT = 2 * 8 * 6, 2 * 6 * 5  # and of two matrices
STEPS = {
    # its backward pass is no conv2d to the profiler
    "conv2d": (
        lambda: Step(twice, a=nn.Conv2d(3, 4, 3), b=nn.Conv2d(4, 5, 3)),
        (2, 3, 9, 9), 2 * 2 * (FIRST + SECOND),
    ),
    "conv2d padded by a word": (
        lambda: Step(twice, a=nn.Conv2d(3, 4, 3), b=nn.Conv2d(4, 5, 3, padding="same")),
        (2, 3, 9, 9), 2 * 2 * FIRST,
    ),
    "linear": (
        lambda: Step(twice, a=nn.Linear(8, 6), b=nn.Linear(6, 5)), (2, 8), 2 * (3 * IN + 4 * OUT),
    ),
    "matmul": (
        lambda: Step(lambda m, x: (x @ m.a) @ m.b, a=matrix(8, 6), b=matrix(6, 5)),
        (2, 8), 2 * (3 * IN + 4 * OUT),
    ),
    # forward, again, and two in the backward pass: of 2 x 6 elements each
    "mul": (
        lambda: Step(lambda m, x: m.a(x) * m.b, a=nn.Linear(8, 6), b=matrix(6)),
        (2, 8), 2 * 3 * IN + 4 * 2 * 6,
    ),
    "einsum": (
        lambda: Step(lambda m, x: torch.einsum("bi,io->bo", x @ m.a, m.b),
                     a=matrix(8, 6), b=matrix(6, 5)),
        (2, 8), 2 * (3 * IN + 4 * OUT),
    ),
    "einsum that sums nothing": (
        lambda: Step(lambda m, x: torch.einsum("bi,i->bi", x, m.a), a=matrix(8)),
        (2, 8), 3 * 2 * 8,
    ),
    "tensordot": (
        lambda: Step(lambda m, x: torch.tensordot(x @ m.a, m.b, 1), a=matrix(8, 6), b=matrix(6, 5)),
        (2, 8), 2 * (3 * IN + 4 * OUT),
    ),
    "several matrices": (
        lambda: Step(lambda m, x: torch.linalg.multi_dot([x, m.a, m.b]),
                     a=matrix(8, 6), b=matrix(6, 5)),
        (2, 8), 2 * (3 * IN + 4 * OUT),
    ),
}  # fmt: skip


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("name", STEPS)
def test_a_checkpoint_is_written_down_to_where_it_stops(name, grad):
    """It has all that it needs as its last operator begins, which is charged and does not run."""
    make, shape, flops = STEPS[name]
    made = bridges(PROFILER, Context(grad=grad), lambda: Sample(make(), (torch.rand(shape),)))
    assert (made["compute"].reading, made["compute"].residual) == (flops, 0)


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


@pytest.mark.parametrize(("kind", "times"), [(nn.LSTM, 3), (nn.GRU, 1)])
def test_the_steps_of_quantised_cells_call_what_counts(kind, times):
    """Three sequences of five steps, two layers of eight there and back."""
    layer = kind(4, 8, num_layers=2, bidirectional=True).eval()
    model = torch.ao.quantization.quantize_dynamic(nn.Sequential(layer), {kind})
    factory = partial(Sample, model, (torch.rand(5, 3, 4),))
    made = bridges(PROFILER, Context(grad=False, mode="eval"), factory)["compute"]
    assert made.reading == times * 5 * 3 * 2 * 2 * 8 and made.residual == 0


# ------------------------------------------------------------- what no trace tells is observed


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


class UsedTwice(nn.Module):
    """The gradients of two products are added up where both lead."""

    def __init__(self, create_graph: bool = False) -> None:
        super().__init__()
        self.create_graph = create_graph

    def forward(self, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            y = (x @ torch.ones(4, 3)).sum() + (x @ torch.ones(4, 5)).sum()
            return torch.autograd.grad(y, x, create_graph=self.create_graph)


class Turned(nn.Module):
    """A batch norm of rows that were columns."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(3).eval()

    def forward(self, x):
        return self.norm(x.transpose(1, 2))


def per_sample(model, x):
    def loss(weight, row):
        return F.linear(row, weight).pow(2).sum()

    return torch.vmap(torch.func.grad(loss), (None, 0))(model, x)


class PerSample(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(4, 6))

    def forward(self, x):
        return per_sample(self.weight, x)


class Flexible(nn.Module):
    def forward(self, x):
        from torch.nn.attention.flex_attention import flex_attention

        return flex_attention(x, x, x)


class OfLengths(nn.Module):
    """Sequences of three and of five."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 4)

    def forward(self, x):
        return self.layer(torch.nested.as_nested_tensor([x[:3], x], layout=torch.jagged))


OBSERVED = {
    "strides": (Turned(), torch.rand(2, 5, 3), 3, "elements that do not lie in a row"),
    "max_norm": (Shortened(), torch.arange(4.0), None, "rows of an embedding beyond max_norm"),
    "exponential": (Exponential(), torch.rand(3, 3), None, "in a matrix exponential"),
    # a row by a matrix, then all five at once
    "vmap": (Vectorised(), torch.rand(5, 6), 2 * (1 + 5) * 6 * 9, "vmap or jvp turn into others"),
    "per sample": (PerSample(), torch.rand(5, 6), None, "inside MmBackward0"),
    "flexible attention": (Flexible(), torch.rand(1, 2, 16, 8), None, ""),
    "nested": (OfLengths(), torch.rand(5, 6), 2 * (3 + 5) * 6 * 4, ""),
    "twice": (UsedTwice(), torch.rand(2, 4), None, ""),
}
"""Model, input, FLOPs where arithmetic tells them, and words of a term"""


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("name", OBSERVED)
def test_what_no_trace_tells_is_observed(name, grad):
    model, x, flops, term = OBSERVED[name]
    factory = lambda: Sample(copied(model, real=True), (x,))  # noqa: E731 - a run writes into an embedding
    made = bridges(PROFILER, Context(grad=grad), factory)["compute"]
    assert (made.residual, bool(made.off)) == (0, False)
    assert flops in (None, made.reading)
    assert any(term in step.term for step in made.steps)


def test_what_it_says_itself_is_not_looked_at(monkeypatch):
    """A figure that is not what its rules make of the events stays unexplained."""
    counter = counters.find_one(PROFILER)
    monkeypatch.setitem(
        counters.counters(),
        PROFILER,
        replace(counter, read=lambda *given: Answer(counter.read(*given).compute + 1)),
    )
    made = bridges(PROFILER, Context(grad=False), lambda: Sample(Vectorised(), (torch.rand(5, 6),)))
    assert made["compute"].residual == 1


def event(name: str, shapes: list, values: list, dtypes: list | None = None) -> SimpleNamespace:
    return SimpleNamespace(
        name=name, input_shapes=shapes, concrete_inputs=values, cpu_parent=None, cpu_children=(),
        input_dtypes=dtypes or ["float" if value is None else "" for value in values],
    )  # fmt: skip


def test_events_are_priced_by_the_sizes_of_their_inputs():
    """Two images of 4 x 6, each second place; rows and columns; the first of what is added."""
    image = [[2, 3, 4, 6], [8, 3, 1, 1], [], [], [], [], []]
    seen = [
        event("aten::conv2d", image, [None, None, None, [2, 2], [0, 0], [1, 1], 1]),
        event("aten::conv2d", image, [None, None, None, [1, 1], "same", [1, 1], 1]),
        event("aten::addmm", [[8], [5, 4], [4, 8], [], []], [None, None, None, 1, 1]),
        event("aten::add", [[7, 3], [3], []], [None, None, 1]),
        event("aten::add_", [[7, 3], [3], []], [None, None, 1]),
        event("aten::mul", [[], [7]], [None, None], ["float", "float"]),
        event("aten::mul", [[], [7]], [None, None], ["", "float"]),
    ]
    priced = [(name, events.flops(name, args)) for name, args, _ in events.written(seen)]
    assert priced == [("aten::conv2d", 2 * 2 * 2 * 3 * 3 * 8), ("aten::conv2d", 0),
                      ("aten::addmm", 2 * 5 * 4 * 8), ("aten::add", 7 * 3),
                      ("aten::mul", 1), ("aten::mul", 0)]  # fmt: skip


KNOWN = [nn.Conv2d(3, 4, 3), nn.LSTM(6, 4), nn.TransformerEncoderLayer(6, 2, 8), nn.BatchNorm2d(3)]


@pytest.mark.parametrize("model", KNOWN, ids=lambda model: type(model).__name__)
def test_what_a_trace_tells_is_priced_by_it(model):
    shape = (2, 3, 6, 6) if "2d" in type(model).__name__ else (2, 3, 6)
    made = bridges(PROFILER, Context(grad=False), lambda: Sample(model, (torch.rand(shape),)))
    assert not any(" inside " in step.term for step in made["compute"].steps)


@pytest.mark.parametrize(
    ("model", "x"),
    [(nn.Linear(3, 2), torch.rand(5, 3)), (UsedTwice(create_graph=True), torch.rand(2, 4))],
)
def test_all_is_explained_where_all_is_in_the_trace(model, x):
    run = flop_harness.compare(model, x, counters=(PROFILER,)).run
    assert [reading.warnings for reading in run.readings] == [()] * len(run.readings)
    assert all(bridge.explained for bridge in run.bridges)
