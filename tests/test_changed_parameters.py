"""Parameters that a forward pass puts in place of others: who reads them before says another number."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import flop_harness as harness

pytestmark = pytest.mark.filterwarnings("ignore")

BEFORE, FROZEN = 4 * 4 + 4, 4 * 4
READERS = ("numel", "ptflops-aten", "torchinfo")


class Changing(nn.Module):
    """Calls its layer after ``change`` was made to it, once."""

    def __init__(self, change, bias=True) -> None:
        super().__init__()
        self.change, self.layer, self.other = change, nn.Linear(4, 4, bias), nn.Linear(4, 9)

    def forward(self, x):
        change, self.change = self.change, None
        if change:
            change(self)
        return self.layer(x)


OTHER = 4 * 9 + 9


def wider(model) -> None:
    model.layer.weight = nn.Parameter(torch.rand(8, 4))
    model.layer.bias = nn.Parameter(torch.rand(8))


def another_layer(model) -> None:
    model.layer = nn.Linear(4, 8)


def without_the_other(model) -> None:
    del model.other


def without_bias(model) -> None:
    model.layer.bias = None


def frozen_in_place(model) -> None:
    model.layer.weight.requires_grad_(False)


def frozen_anew(model) -> None:
    model.layer.weight = nn.Parameter(torch.rand(4, 4), requires_grad=False)


WIDE = 8 * 4 + 8
CHANGES = {  # parameters afterwards, and of them trainable ones before
    wider: (WIDE + OTHER, BEFORE + OTHER),
    another_layer: (WIDE + OTHER, BEFORE + OTHER),
    without_the_other: (BEFORE, BEFORE + OTHER),
    without_bias: (4 * 4 + OTHER, BEFORE + OTHER),
    frozen_in_place: (BEFORE + OTHER, BEFORE + OTHER),
    frozen_anew: (BEFORE + OTHER, BEFORE + OTHER),
}


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_who_reads_before_the_pass_is_explained(change):
    """The reference is of the model as the pass leaves it."""
    after, trainable_before = CHANGES[change]
    run = harness.compare(Changing(change), torch.rand(2, 4), counters=READERS).run
    made = {(b.counter, b.context.variant): b for b in run.bridges if b.metric == "params"}
    assert made["numel", "trainable"].reading == trainable_before
    for bridge in made.values():
        assert (bridge.reference, bridge.residual) == (after, 0), bridge


LAYER, ROWS = 4 * 8 + 8, 3
WATCHING = (
    "thop", "ptflops-pytorch", "torchinfo", "pytorch-model-summary", "flopth", "torchsummary",
    "torchsummaryx",
)  # fmt: skip


class Undressed(nn.Module):
    """Takes its layer's bias away once it was called."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 8)

    def forward(self, x):
        y = self.layer(x)
        self.layer.bias = None
        return y


class Ensemble(nn.Module):
    """Its layer with each of two sets of parameters, by ``vmap``: hooks see them one set at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 8)

    def forward(self, x):
        sets = {name: torch.stack([one, one]) for name, one in self.layer.named_parameters()}
        called = torch.func.functional_call
        return torch.vmap(lambda held: called(self.layer, held, (x,)))(sets)


def told(model, metric: str) -> dict[str, int]:
    """By counter and variant; every figure is explained."""
    run = harness.compare(model, torch.rand(ROWS, 4), counters=WATCHING).run
    assert all(b.explained for b in run.bridges), [
        (b.counter, b.metric, b.residual, b.off) for b in run.bridges if not b.explained
    ]
    return {
        f"{b.counter} {b.context.variant}".strip(): b.reading
        for b in run.bridges
        if b.metric == metric
    }


def test_hooks_find_a_bias_that_is_taken_away_after_the_call():
    """Who reads after the pass does not: the layer has 8 parameters less then."""
    found = told(Undressed(), "params")
    assert found["thop"] == found["pytorch-model-summary total"] == found["torchinfo"] == LAYER
    assert told(Undressed(), "compute")["torchinfo"] == ROWS * LAYER


def test_hooks_find_no_trainable_parameters_under_vmap():
    found = told(Ensemble(), "params")
    assert found["pytorch-model-summary total"] == LAYER
    assert found["pytorch-model-summary trainable"] == 0


class Grown(nn.Module):
    """Makes its layer in the first call: it was a leaf to who put hooks on leaves before."""

    def forward(self, x):
        if not hasattr(self, "made"):
            self.made = nn.Linear(4, 8, device=x.device)
        return self.made(x)


class Growing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.part = Grown()

    def forward(self, x):
        return self.part(x)


def test_hooks_find_a_layer_that_is_made_below_a_leaf():
    assert told(Growing(), "compute")["torchsummaryx"] == 4 * 8
    assert told(Growing(), "params")["torchsummaryx"] == LAYER
