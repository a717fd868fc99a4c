"""Operators that a model calls by their own names: who watches functions is not told which they are."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

import flop_harness as harness

pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.rand(3, 4)
MACS = 3 * 4 * 8
ATEN = torch.ops.aten
WAYS = {
    "packet": lambda x, w: ATEN.linear(x, w.T),
    "overload": lambda x, w: ATEN.linear.default(x, w.T),
    "matmul": lambda x, w: ATEN.matmul(x, w),
    "bmm": lambda x, w: ATEN.bmm.default(x[None], w[None]),
    "einsum": lambda x, w: ATEN.einsum("ij,jk->ik", [x, w]),
}


class Weighted(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.way, self.weight = way, nn.Parameter(torch.rand(4, 8))

    def forward(self, x):
        return self.way(x, self.weight)


def readings(model) -> dict[str, tuple[int, int]]:
    run = harness.compare(model, X, counters=("ultralytics-thop", "deepspeed", "torch")).run
    return {b.counter: (b.reading, b.residual) for b in run.bridges if b.metric == "compute"}


@pytest.mark.parametrize("way", WAYS)
def test_who_watches_functions_counts_nothing(way):
    told = readings(Weighted(WAYS[way]))
    assert told.pop("torch") == (2 * MACS, 0)
    assert set(told.values()) <= {(0, 0)}  # of those that could be installed


def test_a_function_taken_by_name_before_is_told():
    linear = nn.functional.linear
    told = readings(Weighted(lambda x, w: linear(x, w.T)))
    assert told.get("ultralytics-thop", (MACS, 0)) == (MACS, 0)
    assert told.get("deepspeed", (0, 0)) == (0, 0)


def test_a_graph_of_operators():
    graph = make_fx(lambda x: torch.bmm(x[None], torch.ones(1, 4, 8)))(X)
    told = readings(graph)
    assert told["torch"] == (2 * MACS, 0)
    assert told.get("ultralytics-thop", (0, 0)) == (0, 0)
