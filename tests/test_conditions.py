"""Operators on functions: what counters see of branches, masks of blocks, what a rank does."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import flop_harness as harness
from flop_harness.conventions.catalogue import CONVENTIONS

pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.ones(2, 4)
LAYER = 2 * 4 * 4


class Branching(nn.Module):
    """``torch.cond`` on whether the sum is above zero, perhaps after a layer of its own."""

    def __init__(self, if_true, if_false, before: bool = False) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4) if before else nn.Identity()
        self.layer = nn.Linear(4, 4)
        self.branches = (if_true, if_false)

    def forward(self, x):
        self.first(x)
        branches = [lambda x, branch=branch: branch(self.layer, x) for branch in self.branches]
        return torch.cond(x.sum() > 0, *branches, (x,))


def once(layer, x):
    return layer(x)


def twice(layer, x):
    return layer(layer(x))


def within(layer, x):
    """A condition in a branch: twice above 5, else once."""
    return torch.cond(x.sum() > 5, lambda x: twice(layer, x), lambda x: once(layer, x), (x,))


def by_matmul(layer, x):
    return x @ layer.weight.T + once(layer, x) * 0


def told(model: nn.Module, x: torch.Tensor) -> set[int]:
    """What torch's counter says in each of its contexts, all of it explained."""
    run = harness.compare(model, x, counters=("torch",)).run
    assert not run.failures
    assert run.bridges and all(bridge.explained for bridge in run.bridges), run.bridges
    return {int(bridge.reading) for bridge in run.bridges if bridge.context.device == "cpu"}


@pytest.mark.parametrize(
    ("branches", "x", "ran", "said"),
    [
        ((twice, once), X, 2, 2),
        ((twice, once), -X, 1, 2),
        ((once, twice), X, 1, 2),
        ((once, once), X, 1, 1),
        ((within, once), X, 2, 2),
        ((once, within), X, 1, 2),
    ],
)
def test_torch_means_to_count_the_larger_branch(branches, x, ran, said):
    model = Branching(*branches)
    assert harness.count(model, x).macs == ran * LAYER
    assert told(model, x) == {2 * said * LAYER}


@pytest.mark.parametrize(("x", "ran"), [(X, 2), (-X, 1)])
def test_torch_adds_both_branches_up_where_something_was_counted_before(x, ran):
    """Its table is copied without the rows that are there already."""
    model = Branching(twice, once, before=True)
    assert harness.count(model, x).macs == (1 + ran) * LAYER
    assert told(model, x) == {2 * (1 + 2 + 1) * LAYER}


def test_of_branches_with_other_operators_torch_counts_both():
    """The larger count of each operator: mm of the one, addmm of the other."""
    model = Branching(by_matmul, twice)
    assert harness.count(model, X).macs == 2 * LAYER
    assert told(model, X) == {2 * (1 + 2) * LAYER}


def test_a_branch_that_is_not_taken_changes_nothing():
    """Not the inputs that it would write to, nor the draws that follow."""

    def written(layer, x):
        x.add_(1)
        return layer(torch.rand_like(x))

    class Drawing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            layer = self.layer
            y = torch.cond(x.sum() > 0, lambda x: once(layer, x), lambda x: written(layer, x), (x,))
            return layer(y) if bool((x == 1).all()) else y

    x = X.clone()
    assert harness.count(Drawing(), x).macs == 2 * LAYER
    assert torch.equal(x, X)


class Catching(nn.Module):
    """Goes on with its last layer where the first two do not fit."""

    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.Sequential(nn.Linear(4, 4), nn.Linear(5, 4))
        self.last = nn.Linear(4, 4)

    def forward(self, x):
        try:
            return self.parts(x)
        except RuntimeError:
            return self.last(x)


def test_for_every_counter_what_raised_is_not_what_it_had_counted():
    """For torch a module that has raised stays under way; for others its call never was."""
    run = harness.compare(Catching(), X, counters=("all",)).run
    assert not run.failures
    wrong = [(b.counter, b.residual, b.off) for b in run.bridges if not b.explained]
    assert run.bridges and wrong == []


# ----------------------------------------------------------------------------- masks of blocks


def causal(b, h, i, j):
    return i >= j


class Flex(nn.Module):
    def __init__(self, mask_mod=causal, length: int = 64, block: int = 16, inside: bool = False):
        super().__init__()
        from torch.nn.attention.flex_attention import create_block_mask

        self.make = lambda: create_block_mask(
            mask_mod, None, None, length, length, device="cpu", BLOCK_SIZE=block
        )
        self.mask = None if inside else self.make()

    def forward(self, q):
        from torch.nn.attention.flex_attention import flex_attention

        return flex_attention(q, q, q, block_mask=self.mask or self.make())


def blocks(model: nn.Module, q: torch.Tensor) -> tuple[int, int]:
    trace = harness.count(model, q).trace
    return tuple(int(CONVENTIONS[name].price(trace).total) for name in ("macs", "block-macs"))


@pytest.mark.parametrize("inside", [False, True])
def test_a_mask_of_blocks_tells_the_blocks_that_are_run_and_the_square(inside):
    """Causal: 4 + 3 + 2 + 1 of the 4 x 4 blocks."""
    q = torch.ones(2, 3, 64, 8)
    square = 2 * 3 * 64 * 64 * (8 + 8)
    assert blocks(Flex(inside=inside), q) == (square, square * 10 // 16)


def test_blocks_at_the_edge_count_what_is_within_the_square():
    """Of 40 positions in blocks of 16 the last block has 8."""
    q = torch.ones(1, 2, 40, 4)
    rows = 16 * 16 + 16 * 32 + 8 * 40
    assert blocks(Flex(length=40), q) == (2 * 40 * 40 * 8, 2 * rows * 8)


def test_without_a_mask_of_blocks_the_convention_does_not_apply():
    from flop_harness.conventions.articles import NotApplicable

    trace = harness.count(nn.Linear(4, 4), X).trace
    for name in ("block-macs", "rank-macs"):
        with pytest.raises(NotApplicable):
            CONVENTIONS[name].price(trace)


# -------------------------------------------------------------------------------- one of several


def test_a_rank_does_its_part_of_layers_that_are_cut(four):
    """The columns of the first layer and the rows of the second are cut in four; the third is whole."""
    from torch.distributed.tensor.parallel import (
        ColwiseParallel,
        RowwiseParallel,
        parallelize_module,
    )

    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8), nn.Linear(8, 8))
    model = parallelize_module(model, four, {"0": ColwiseParallel(), "2": RowwiseParallel()})
    trace = harness.count(model, torch.ones(5, 8)).trace
    cut, whole = 5 * (8 * 16 + 16 * 8), 5 * 8 * 8
    assert CONVENTIONS["macs"].price(trace).total == cut + whole
    assert CONVENTIONS["rank-macs"].price(trace).total == cut // 4 + whole
