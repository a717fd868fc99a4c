"""Gradients that a model takes on its way, through operators on functions: forward and input products."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch._higher_order_ops.map import map as mapped
from torch._higher_order_ops.scan import scan
from torch._higher_order_ops.while_loop import while_loop

import flop_harness as harness
from programs import calls_by_scan

pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.ones(3, 2, 4)
LAYER = 2 * 4 * 4
"""Products of the layer on one of three parts"""


class Through(nn.Module):
    def __init__(self, run) -> None:
        super().__init__()
        self.layer, self.run = nn.Linear(4, 4), run

    def forward(self, x):
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(self.run(self.layer, x).sum(), x)
        return gradient


def by_map(layer, x):
    return mapped(lambda part: torch.tanh(layer(part)), x)


def by_condition(layer, x):
    return torch.cond(x.sum() > 0, lambda x: layer(x), lambda x: layer(layer(x)), (x,))


def by_loop(layer, x):
    return while_loop(lambda i, x: i < 2, lambda i, x: (i + 1, layer(x)), (torch.tensor(0), x))[1]


def by_scan(layer, x):
    def combine(carry, part):
        return torch.tanh(layer(carry) + part), carry + part

    return scan(combine, torch.zeros(2, 4), x, dim=0)[1]


WAYS = {
    by_map: (3 + 3) * LAYER,
    by_condition: (3 + 3) * LAYER,
    by_loop: 2 * (3 + 3) * LAYER,
    # the first carry wants no gradient, the last is not in the output
    by_scan: (calls_by_scan(3) + 1) * LAYER,
}


@pytest.mark.parametrize("run", WAYS, ids=lambda run: run.__name__)
def test_they_count_as_what_they_are_made_of(run):
    assert harness.count(Through(run), X).macs == WAYS[run]


@pytest.mark.parametrize("run", [by_map, by_condition])
def test_counters_of_layers_and_functions_are_explained(run):
    run = harness.compare(Through(run), X, counters=("thop", "ptflops-pytorch")).run
    assert not run.failures
    assert {each.status for each in run.readings} == {"ok"}
    assert all(bridge.explained for bridge in run.bridges), run.bridges


def test_torch_is_as_it_was_afterwards():
    """Its own kernel for gradients of a condition refuses what is not taken out of the model."""
    harness.count(Through(by_condition), X)
    layer, x = nn.Linear(4, 4), X.clone().requires_grad_()
    with pytest.raises(AssertionError, match="FakeTensor"):
        torch.ops.higher_order.cond(x.sum() > 0, lambda x: layer(x), lambda x: x, (x,))
