"""The stress suite with the counters of this environment: what gives a figure is explained."""

from __future__ import annotations

from functools import cache

import pytest

from cells import CELLS, bridges, figures_explained, is_open
from flop_harness.records import Case
from flop_harness.suite import files as suite
from flop_harness.suite.build import build
from layers import Factory, Sample

pytestmark = pytest.mark.filterwarnings("ignore")

SUITE = suite.load("stress")
CASES = {case.id: case for case in SUITE.cases}


@cache
def factory_of(name: str) -> Factory:
    case: Case = CASES[name]

    def factory() -> Sample:
        built = build(case, folder=SUITE.folder)
        return Sample(built.module, built.args, built.kwargs)

    return factory


@pytest.mark.parametrize("name", CASES)
def test_every_figure_is_explained(name):
    assert figures_explained(name, factory_of(name)) >= 2  # the reference at least


@pytest.mark.parametrize("name", [name for name in CASES if is_open("torch-profiler", name)])
def test_what_is_open_is_told_as_a_residual(name):
    """Once a rule gives the figure, the sample is no longer open."""
    contexts = [context for counter, context in CELLS if counter == "torch-profiler"]
    made = [bridges("torch-profiler", context, factory_of(name)) for context in contexts]
    assert any(not bridge.explained for each in made for bridge in each.values())
