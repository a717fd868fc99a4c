"""Figures are priced from stored traces: those have to be what a trace of today would write down."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random

import pytest
import torch

from flop_harness import store
from flop_harness.ask.count import count_case
from flop_harness.conventions.articles import NotApplicable
from flop_harness.conventions.catalogue import CONVENTIONS
from flop_harness.records import Trace
from flop_harness.suite import files as suite

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

RESULTS = Path(__file__).parent.parent / "results"
DRAWN = 5
"""So many cases of each suite, other ones every day"""


def prices(trace: Trace) -> dict[str, int | float | None]:
    """What every convention says; None where it does not apply."""
    found: dict[str, int | float | None] = {}
    for name, convention in CONVENTIONS.items():
        try:
            found[name] = convention.price(trace).total
        except NotApplicable:
            found[name] = None
    return found


@pytest.mark.parametrize("name", ["stress", "torchvision"])
def test_a_trace_of_today_says_what_the_stored_one_says(name, record_property):
    run, traces = store.load(RESULTS / name), store.TraceStore(RESULTS / name)
    if run.environment["torch"]["version"] != torch.__version__:
        pytest.skip("another torch may run other operators")
    stored = {each.case: each.file for each in run.traces if not each.counter}
    cases = [case for case in suite.load(name).cases if case.id in stored]
    drawn = Random(date.today().isoformat()).sample(cases, DRAWN)
    for case in drawn:
        now = count_case(case, folder=suite.load(name).folder).trace
        assert prices(now) == prices(traces.load(stored[case.id])), case.id
    record_property(f"stored traces of {name} traced anew", len(drawn))
