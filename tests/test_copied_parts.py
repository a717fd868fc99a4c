"""Deep copies that a forward pass makes of its parts: hooks, and sums kept on modules, go with them."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

import flop_harness as harness

pytestmark = pytest.mark.filterwarnings("ignore")

ROWS = 3
X = torch.rand(ROWS, 4)
MACS, BIAS = ROWS * 4 * 8, ROWS * 8
"""of one pass through a layer of four to eight"""


class Passing(nn.Module):
    """A copy is called, and forgotten."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 8)

    def forward(self, x):
        return copy.deepcopy(self.layer)(x)


class Kept(Passing):
    """As with a target network: made of the layer after its call, and from then on a part."""

    def forward(self, x):
        y = self.layer(x)
        self.target = copy.deepcopy(self.layer)
        return y + self.target(x)


class KeptBefore(Passing):
    """As above, but made before the layer is called."""

    def forward(self, x):
        self.target = copy.deepcopy(self.layer)
        return self.layer(x) + self.target(x)


class Network(nn.Module):
    """A copy of several layers after they were called."""

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))

    def forward(self, x):
        return copy.deepcopy(self.net)(self.net(x))


class Dropped(Passing):
    """A layer that is no part any more after its call."""

    def forward(self, x):
        y = self.layer(x)
        del self.layer
        return y


COMPUTE = {  # what a counter says; MACs, of calflops and DeepSpeed FLOPs
    Passing: {
        "thop": 0, "ptflops-pytorch": 0, "torchinfo": MACS + BIAS, "fvcore": MACS,
        "ultralytics-thop": 0, "calflops": 0, "deepspeed": 0, "torchscan": MACS,
    },
    Kept: {
        "thop": 3 * MACS, "ptflops-pytorch": 3 * (MACS + BIAS) // ROWS,
        "torchinfo": 2 * (MACS + BIAS), "ultralytics-thop": MACS,
        "calflops": 3 * 2 * MACS, "deepspeed": 3 * 2 * MACS, "torchscan": 2 * MACS,
    },
    KeptBefore: {
        "thop": 2 * MACS, "ptflops-pytorch": 2 * (MACS + BIAS) // ROWS,
        "torchinfo": 2 * (MACS + BIAS), "ultralytics-thop": MACS,
        "calflops": 2 * 2 * MACS, "deepspeed": 2 * 2 * MACS, "torchscan": 2 * MACS,
    },
    Network: {
        "thop": 2 * MACS, "torchinfo": 2 * (2 * MACS + BIAS + ROWS * 4), "fvcore": 2 * 2 * MACS,
        "ultralytics-thop": 2 * MACS, "torchscan": 2 * 2 * MACS,
        "calflops": 2 * 2 * MACS + BIAS, "deepspeed": 2 * 2 * MACS + BIAS,  # and a ReLU
    },
    Dropped: {
        "thop": 0, "ptflops-pytorch": 0, "torchinfo": MACS + BIAS, "fvcore": MACS,
        "ultralytics-thop": MACS, "calflops": 0, "deepspeed": 0, "torchscan": MACS,
    },
}  # fmt: skip


@pytest.mark.parametrize("model", COMPUTE, ids=lambda model: model.__name__)
def test_figures_of_copied_parts_are_explained(model):
    run = harness.compare(model(), X, counters=(*COMPUTE[model], "torchsummary")).run
    told = {bridge.counter: bridge for bridge in run.bridges if bridge.metric == "compute"}
    assert {"thop", "torchinfo"} <= told.keys()  # others may have to be installed first
    assert {name: b.reading for name, b in told.items()} == {
        name: figure for name, figure in COMPUTE[model].items() if name in told
    }
    assert all(b.explained for b in run.bridges), [
        (b.counter, b.metric, b.residual, b.off) for b in run.bridges if not b.explained
    ]


def test_a_copy_carries_what_its_original_had_come_to():
    run = harness.compare(Kept(), X, counters=("thop",)).run
    (bridge,) = (b for b in run.bridges if b.metric == "compute")
    terms = {step.term: step.amount for step in bridge.steps}
    assert terms == {"linear carried over into a copy": MACS}


def test_sums_of_a_layer_that_is_copied_twice():
    """Two calls of the layer, a copy after the first and one after both: 2 + (1 + 1) + (2 + 1)."""

    class Twice(Passing):
        def forward(self, x):
            y = self.layer(x)
            self.first = copy.deepcopy(self.layer)
            y = y + self.layer(x)
            self.second = copy.deepcopy(self.layer)
            return y + self.first(x) + self.second(x)

    run = harness.compare(Twice(), X, counters=("thop",)).run
    (bridge,) = (b for b in run.bridges if b.metric == "compute")
    assert (bridge.reading, bridge.residual) == (7 * MACS, 0)
