"""What earlier releases of thop charge, by arithmetic, where models share, copy, make or never call layers."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from flop_harness.counters import counters
from flop_harness.counters.versions.rules import as_of
from flop_harness.trace.recorder import record

LAYER, OPERATIONS, WEIGHTS = 2 * 8 * 8, 2 * 8 * 15, 8 * 9
"""Of a layer: products on two rows; these with additions, as thop counted in 2019; parameters"""
X = torch.ones(2, 8)
AUGUST, BUFFERS, APRIL, TREE, ROOT = (
    f"0.0.{rest}" for rest in
    ("30.post1908302010", "31.post2004070130", "31.post2004101309", "31.post2005241907", "4.post2110061704")
)  # fmt: skip
"""Sums over all modules in single precision, in double; over the tree; by hooks; from the root on"""


def said(version: str, model: nn.Module, x: torch.Tensor = X) -> tuple[int, int]:
    """(compute, parameters) as the release's rules have them."""
    counter = as_of(counters()["thop"], version)
    trace = record(model.eval(), (x,), hooks=counter.hooks)
    prices = (counter.quantities[metric].price for metric in ("compute", "params"))
    compute, params = (int(price(trace).total) for price in prices)
    return compute, params


class CopiesAndDrops(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x):
        return copy.deepcopy(self.layer)(self.layer(x))


class CopiesAndKeeps(CopiesAndDrops):
    """The layer, a copy that it keeps, the layer again: the copy has the sum of the first call too."""

    def forward(self, x):
        x = self.layer(x)
        self.copy = copy.deepcopy(self.layer)
        return self.layer(self.copy(x))


class Shares(nn.Module):
    """One layer in two parts of the model, called in both."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.Linear(8, 8)
        self.parts = nn.Sequential(nn.Sequential(layer), nn.Sequential(layer))

    def forward(self, x):
        return self.parts(x)


class NeverCalls(CopiesAndDrops):
    def __init__(self) -> None:
        super().__init__()
        self.never, self.embedding = nn.Linear(8, 8), nn.Embedding(8, 5)

    def forward(self, x):
        return self.layer(x)


@pytest.mark.parametrize(
    ("model", "version", "compute", "params"),
    [
        (CopiesAndDrops, AUGUST, OPERATIONS, WEIGHTS),
        (CopiesAndDrops, TREE, LAYER, WEIGHTS),
        (CopiesAndDrops, ROOT, LAYER, WEIGHTS),
        (CopiesAndKeeps, AUGUST, 4 * OPERATIONS, 2 * WEIGHTS),
        (CopiesAndKeeps, TREE, 2 * LAYER, WEIGHTS),  # it knows the hooks that it has put on
        (CopiesAndKeeps, ROOT, 4 * LAYER, WEIGHTS),
        (Shares, AUGUST, 2 * 2 * OPERATIONS, WEIGHTS),  # two hooks, two calls, one sum
        (Shares, TREE, 2 * 2 * 2 * LAYER, 2 * WEIGHTS),  # two hooks, two calls, in two places
        (NeverCalls, BUFFERS, LAYER, 2 * WEIGHTS + 40),
        (NeverCalls, APRIL, LAYER, 2 * WEIGHTS),  # an embedding has no rule
        (NeverCalls, TREE, LAYER, WEIGHTS),
    ],
)
def test_models_that_share_copy_or_never_call_layers(model, version, compute, params):
    assert said(version, model()) == (compute, params)


@pytest.mark.parametrize(
    ("version", "factor"),
    {"0.0.22": 0, "0.0.30.post190806": 0, AUGUST: 13, "0.0.31.post1910280903": 11, TREE: 11, ROOT: 11}.items(),
)  # fmt: skip
def test_upsampling_by_interpolation_and_none_by_neighbours(version, factor):
    model = nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Upsample(scale_factor=2))
    assert said(version, model, torch.ones(1, 3, 4, 4)) == (factor * 3 * 8 * 8, 0)
