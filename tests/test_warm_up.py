"""Models that do something else in each call: who calls them twice counts the second call."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import flop_harness as harness

pytestmark = pytest.mark.filterwarnings("ignore")

X = torch.rand(3, 4)
MACS = 3 * 4 * 4


class Deepening(nn.Module):
    """Calls its layer once more in each call."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls = nn.Linear(4, 4), 0

    def forward(self, x):
        self.calls += 1
        for _ in range(self.calls):
            x = self.layer(x)
        return x


class Remembering(Deepening):
    """Multiplies with all that it was given so far."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append(x)
        return x @ torch.cat(self.seen).T


class Built(nn.Module):
    """Makes its layer in the first call."""

    def forward(self, x):
        if not hasattr(self, "layer"):
            self.layer = nn.Linear(4, 4)
        return self.layer(x)


FIRST_AND_SECOND = {Deepening: (MACS, 2 * MACS), Remembering: (3 * 4 * 3, 3 * 4 * 6),
                    Built: (MACS, MACS)}  # fmt: skip


@pytest.mark.parametrize("model", FIRST_AND_SECOND, ids=lambda model: model.__name__)
def test_the_call_that_a_counter_counts_is_explained(model):
    first, second = FIRST_AND_SECOND[model]
    run = harness.compare(model(), X, counters=("torch", "analytic", "deepspeed")).run
    told = {b.counter: b for b in run.bridges if b.metric == "compute"}
    assert told["analytic"].reading == first and told["torch"].reading == 2 * first
    if "deepspeed" in told:  # it may have to be installed first
        assert told["deepspeed"].reading == 2 * second
    assert all(b.explained and b.reference == first for b in told.values()), [
        (b.counter, b.residual, b.steps) for b in told.values() if not b.explained
    ]


def test_a_second_call_is_told_as_the_models_own_doing():
    run = harness.compare(Deepening(), X, counters=("deepspeed",)).run
    for bridge in (b for b in run.bridges if b.metric == "compute"):
        terms = {step.term: step.amount for step in bridge.steps}
        assert terms == {"linear counted again in this context": MACS, "2 FLOPs per MAC": 2 * MACS}
