"""Every counter in the environment on random networks: its rules predict its figure exactly."""

from __future__ import annotations

import os
from functools import partial

import pytest
from hypothesis import HealthCheck, event, given, settings

from cells import CELLS, Refusal, bridges
from random_networks import Network, networks, sample

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


def setting(count: int):
    return settings(
        max_examples=count, deadline=None, database=None, print_blob=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip


@setting(FAST)
@given(networks)
def test_a_few_random_networks_are_explained(network):
    check(network)


@pytest.mark.slow
@setting(NIGHTLY)
@given(networks)
def test_many_random_networks_are_explained(network):
    check(network)
