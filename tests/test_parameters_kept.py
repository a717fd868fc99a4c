"""Parameters are what an optimizer sees; beside them stands what a process keeps in memory of them."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import flop_harness as harness
from flop_harness.conventions.articles import NotApplicable
from flop_harness.conventions.catalogue import CONVENTIONS
from flop_harness.trace.storage import elements_kept

pytestmark = pytest.mark.filterwarnings("ignore")

SIZE = 4 * 4


class Held(nn.Module):
    """Parameters by name, of which the first multiplies the input."""

    def __init__(self, **parameters: torch.Tensor) -> None:
        super().__init__()
        for name, value in parameters.items():
            self.register_parameter(name, nn.Parameter(value, value.is_floating_point()))
        self.first = next(iter(parameters))

    def forward(self, x):
        return x @ getattr(self, self.first)


def transposed() -> Held:
    matrix = torch.rand(4, 4)
    return Held(a=matrix, b=matrix.t())


def a_slice_of_another() -> Held:
    table = torch.rand(4, 4)
    return Held(a=table, b=table[1:3])


def by_data() -> Held:
    model = Held(a=torch.rand(4, 4), b=torch.rand(4, 4))
    model.b.data = model.a.data
    return model


def expanded() -> Held:
    return Held(a=torch.rand(1, 1).expand(4, 4))


def overlapping_windows() -> Held:
    return Held(a=torch.rand(7).as_strided((4, 4), (1, 1)))


def columns_that_meet() -> Held:
    """The columns 0 to 3 and 2 to 5 of four rows."""
    table = torch.rand(4, 6)
    return Held(a=table[:, :4], b=table[:, 2:])


def bits_of_another() -> Held:
    matrix = torch.rand(4, 4)
    return Held(a=matrix, b=matrix.view(torch.int32))


VIEWS = {
    transposed: (2 * SIZE, SIZE),
    a_slice_of_another: (SIZE + 2 * 4, SIZE),
    by_data: (2 * SIZE, SIZE),
    expanded: (SIZE, 1),
    overlapping_windows: (SIZE, 7),
    columns_that_meet: (2 * SIZE, SIZE + 4 * 2),
    bits_of_another: (2 * SIZE, SIZE),
}


@pytest.mark.parametrize("make", VIEWS, ids=lambda make: make.__name__)
def test_views_are_parameters_that_take_no_memory(make):
    model = make()
    counted = harness.count(model, torch.rand(2, 4))
    parameters, kept = VIEWS[make]
    assert counted.params == parameters == sum(p.numel() for p in model.parameters())
    assert CONVENTIONS["kept-params"].price(counted.trace).total == kept
    assert f"in memory {kept} parameter" in repr(counted)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_neighbours_in_one_memory_share_nothing(device):
    """As recurrent layers keep their weights on a GPU."""
    flat = torch.empty(2 * SIZE, device=device)
    parameters = [nn.Parameter(flat[:SIZE].view(4, 4)), nn.Parameter(flat[SIZE:].view(4, 4).t())]
    assert elements_kept(parameters) == {}


def test_a_model_with_memory_for_each_parameter_has_no_such_figure():
    counted = harness.count(nn.Linear(4, 4), torch.rand(2, 4))
    with pytest.raises(NotApplicable):
        CONVENTIONS["kept-params"].price(counted.trace)
    assert "in memory" not in repr(counted)


PLACES = st.tuples(
    st.integers(0, 8), st.integers(1, 4), st.integers(1, 4), st.integers(0, 5), st.integers(0, 5)
)


@given(st.lists(PLACES, min_size=1, max_size=4))
def test_each_place_of_a_memory_is_kept_once(places):
    """Elements of strided views, one by one."""
    memory = torch.empty(64)
    views = [memory.as_strided((a, b), (s, t), start) for start, a, b, s, t in places]
    taken = {
        start + i * s + j * t for start, a, b, s, t in places for i in range(a) for j in range(b)
    }
    kept = elements_kept(views)
    assert sum(kept.get(id(view), view.numel()) for view in views) == len(taken)


# -------------------------------------------------------------------------------- distributed


def test_a_rank_keeps_its_shard_of_layers_that_are_cut(four):
    """The first layer's bias is cut with its columns; the second's, and the third layer, are whole."""
    from torch.distributed.tensor.parallel import (
        ColwiseParallel,
        RowwiseParallel,
        parallelize_module,
    )

    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8), nn.Linear(8, 8))
    model = parallelize_module(model, four, {"0": ColwiseParallel(), "2": RowwiseParallel()})
    counted = harness.count(model, torch.ones(5, 8))
    cut, whole = 8 * 16 + 16 + 16 * 8, 8 + 8 * 8 + 8
    assert counted.params == cut + whole
    assert CONVENTIONS["kept-params"].price(counted.trace).total == cut // 4 + whole


def test_a_rank_keeps_its_rows_of_what_is_sharded_in_training(four):
    """Of 6 rows the first of four has 2, as torch cuts them: by the next larger whole number."""
    from torch.distributed.fsdp import fully_shard

    model = nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 6))
    for layer in model:
        fully_shard(layer, mesh=four)
    fully_shard(model, mesh=four)
    counted = harness.count(model, torch.ones(5, 8))
    assert counted.params == 16 * 8 + 16 + 6 * 16 + 6
    kept = (16 * 8 + 16) // 4 + 2 * 16 + 2
    assert CONVENTIONS["kept-params"].price(counted.trace).total == kept
