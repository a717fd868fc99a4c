"""The stress suite with the counters of this environment: what gives a figure is explained."""

from __future__ import annotations

from functools import cache

import pytest

from cells import figures_explained
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
    assert figures_explained(factory_of(name)) >= 2  # the reference at least
