"""Every counter in the environment on random networks: its rules predict its figure exactly."""

from __future__ import annotations

import os
from functools import partial

import pytest
import torch
from hypothesis import HealthCheck, event, given, settings
from torch import nn

import flop_harness
from cells import CELLS, Refusal, bridges
from flop_harness.counters import counters, overlay
from flop_harness.reconcile.bridges import steps
from flop_harness.records import Context
from flop_harness.records.account import Account
from layers import Sample
from random_networks import KINDS, SHAPES, Network, Step, networks, sample

pytestmark = pytest.mark.filterwarnings("ignore")

FAST, NIGHTLY = 40, int(os.environ.get("RANDOM_NETWORKS", "1000"))
"""So many networks; RANDOM_NETWORKS sets those of the slow test"""


def check(network: Network) -> None:
    factory = partial(sample, network)
    for counter, context in CELLS:
        try:
            made = bridges(counter, context, factory)
        except Refusal:
            event(f"refused by {counter}")  # a tool that raises is no failure of ours
            continue
        for metric, bridge in made.items():
            told = (counter, str(context), metric, bridge.reading, bridge.off)
            assert bridge.residual == 0 and not bridge.off, told
            assert all(step.term.strip() for step in bridge.steps), told


def overlaid() -> tuple[str, ...]:
    """The counters that are installed beside the environment, as far as they can be."""
    found = []
    for counter in counters().values():
        try:
            if counter.overlay:
                overlay.ensure(counter.overlay)
                found.append(counter.id)
        except overlay.NotInstallable:
            continue
    return tuple(found)


def setting(count: int):
    return settings(
        max_examples=count, deadline=None, database=None, print_blob=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@pytest.mark.parametrize("count", [FAST, pytest.param(NIGHTLY, marks=pytest.mark.slow)])
def test_random_networks_are_explained(count, record_property):
    tried = 0

    @setting(count)
    @given(networks)
    def explained(network):
        nonlocal tried
        check(network)
        tried += 1

    explained()
    record_property("random networks explained by every counter in the environment", tried)


@pytest.mark.slow
def test_counters_from_overlays_on_random_networks(record_property):
    names = overlaid()
    if not names:
        pytest.skip("no counter can be installed beside the environment")
    tried = 0

    @setting(max(1, NIGHTLY // 20))
    @given(networks)
    def explained(network):
        nonlocal tried
        module, args, _ = sample(network)
        run = flop_harness.compare(module, *args, counters=names).run
        assert not run.failures
        wrong = [bridge for bridge in run.bridges if not bridge.explained]
        assert wrong == [], [(b.counter, b.metric, b.reading, b.residual, b.off) for b in wrong]
        tried += 1

    explained()
    record_property("random networks explained by counters from overlays", tried)


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_each_kind_is_explained_by_every_counter_there_is(kind):
    shape = next(shape for shape in SHAPES if len(shape) in KINDS[kind][1])
    for option in range(4):
        module, args, _ = sample(Network(shape, (Step(kind, 2, option),), training=option == 1))
        run = flop_harness.compare(module, *args, counters=("all",)).run
        assert not run.failures
        assert [bridge for bridge in run.bridges if not bridge.explained] == []


# ------------------------------------------------------------------------------ the given input


class Early(nn.Module):
    """Runs three layers for inputs of sevens, one for any others."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

    def forward(self, x):
        for layer in self.layers[: 3 if bool((x == 7).all()) else 1]:
            x = layer(x)
        return x


@pytest.mark.parametrize("counter", ["ptflops-pytorch", "ptflops-aten"])
def test_a_counter_is_given_the_input_of_the_case(counter):
    factory = partial(Sample, Early().eval(), (torch.full((1, 4), 7.0),))
    made = bridges(counter, Context(grad=True, mode="eval"), factory)["compute"]
    assert (made.reference, made.reading, made.residual) == (3 * 16, 3 * (16 + 4), 0)


def test_a_charge_without_a_name_is_refused():
    with pytest.raises(ValueError, match="without a name"):
        steps(Account(), Account({("fc", ""): 3}))
