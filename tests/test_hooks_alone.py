"""What a model does only with hooks on its modules is held against a run with hooks alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from flop_harness.conventions.reference import reference
from flop_harness.counters import counters
from flop_harness.counters.protocol import Counter
from flop_harness.reconcile.bridges import PricedTrace, lead
from flop_harness.records import HERE, HOOKED, Case, Context, Reading
from flop_harness.run.cells import CaseRunner, Limits
from flop_harness.suite.build import Built

pytestmark = pytest.mark.filterwarnings("ignore")

EVAL = Context(mode="eval")
BATCH, LENGTH, WIDTH, INNER = 3, 6, 16, 32
LEFT = (6, 4, 3)
"""Lengths without padding"""


class Padded(nn.Module):
    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, x, padding=None):
        return self.encoder(x, src_key_padding_mask=padding)


def encoder(padded: bool = True) -> Built:
    layer = nn.TransformerEncoderLayer(WIDTH, 2, INNER, batch_first=True)
    padding = torch.arange(LENGTH) >= torch.tensor(LEFT)[:, None]
    inputs = (torch.rand(BATCH, LENGTH, WIDTH), *([padding] if padded else []))
    return Built(Padded(nn.TransformerEncoder(layer, 1)).eval(), inputs, {})


def watching() -> Counter:
    """A counter with hooks on every module and a function mode."""
    return replace(counters()["ultralytics-thop"], overlay=())


def of(built: Built) -> CaseRunner:
    return CaseRunner(Case("x", "x"), "", Limits(60, 0, 1), live=built)


def layer_macs(positions: int, squares: int) -> int:
    """Four projections and two linear layers of each position, two products of attention."""
    return positions * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER) + 2 * squares * WIDTH


def test_an_encoder_leaves_padding_out_unless_somebody_watches_it():
    runner = of(encoder())
    seen = runner.trace(watching(), EVAL)
    assert reference(seen).total == layer_macs(BATCH * LENGTH, BATCH * LENGTH**2)
    assert reference(runner.canonical()).total < reference(seen).total
    plain, hooked = runner.plain(watching(), seen, EVAL)
    assert hooked and plain is not None
    assert reference(plain).by_term() == reference(seen).by_term()


def test_the_terms_say_so_and_are_confirmed():
    runner, counter = of(encoder()), watching()
    seen = runner.trace(counter, EVAL)
    plain, hooked = runner.plain(counter, seen, EVAL)
    value = counter.quantities["compute"].price(seen).total
    reading = Reading("x", counter.id, "", EVAL, "compute", "MAC", "ok", value)
    traces = [PricedTrace(trace) for trace in (runner.canonical(), seen, plain)]
    bridge = lead(reading, counter, *traces, hooked)
    shifted = [step.term for step in bridge.steps if step.term.endswith(HERE)]
    assert shifted and all(term.endswith(HOOKED) for term in shifted)
    assert bridge.explained and bridge.in_context


def test_a_run_that_does_not_show_them_leaves_them_open():
    runner, counter = of(encoder()), watching()
    seen = runner.trace(counter, EVAL)
    alone = runner.trace(None, EVAL)
    reading = Reading("x", counter.id, "", EVAL, "compute", "MAC", "ok", 0)
    bridge = lead(reading, counter, PricedTrace(runner.canonical()), PricedTrace(seen),
                  PricedTrace(alone))  # fmt: skip
    assert bridge.unconfirmed


def test_where_hooks_change_nothing_there_is_no_second_run():
    runner = of(encoder(padded=False))
    seen = runner.trace(watching(), EVAL)
    assert runner.plain(watching(), seen, EVAL) == (None, False)
