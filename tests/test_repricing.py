"""A stored run priced anew: only by the rules that changed, and as if all of it had been."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from flop_harness import store
from flop_harness.ask.compare import carry_out
from flop_harness.records import Case, Input, Policy, Run, Suite
from flop_harness.regression import repricing
from flop_harness.regression.check import check_traces
from flop_harness.run.planning import make_plan

LAYER = Case("layer", "torch.nn:Linear", (Input((2, 4)),), {"in_features": 4, "out_features": 3})
COUNTERS = ("thop", "numel")


@pytest.fixture(scope="module")
def golden(tmp_path_factory) -> tuple[Run, Path]:
    folder = tmp_path_factory.mktemp("golden")
    suite = Suite("small", 1, "a layer", (LAYER,), Policy(1, 2, 0.0), timeout_s=60.0, digest="0")
    run = carry_out(make_plan(suite, folder, counters=COUNTERS, device="cpu"))
    store.save(run, folder)
    return run, folder


@pytest.fixture
def noted(golden: tuple[Run, Path]) -> tuple[Run, Path]:
    """The same, once it was found that nothing moves."""
    run, folder = golden
    assert not check_traces(run, folder).comparison.moves
    return golden


def spoilt(run: Run) -> Run:
    """With a residual of 1 on every bridge, which no rule gives."""
    return replace(run, bridges=tuple(replace(each, residual=1) for each in run.bridges))


def residuals(run: Run, counter: str) -> set[int | float]:
    return {bridge.residual for bridge in run.bridges if bridge.counter == counter}


def test_a_run_of_which_nothing_is_noted_is_priced_as_a_whole(golden):
    run, folder = golden
    (folder / repricing.RULES_FILE).unlink(missing_ok=True)
    priced = repricing.repriced(spoilt(run), folder)
    assert residuals(priced, "thop") == residuals(priced, "numel") == {0}
    assert priced.figures == run.figures


def test_where_no_rule_changed_nothing_is_priced(noted):
    run, folder = noted
    assert repricing.repriced(spoilt(run), folder) == spoilt(run)


def test_a_rule_that_changed_prices_its_counter_and_no_other(noted, monkeypatch):
    run, folder = noted
    now = repricing.rules
    monkeypatch.setattr(
        repricing, "rules", lambda each: "another" if each.id == "thop" else now(each)
    )
    priced = repricing.repriced(spoilt(run), folder)
    assert (residuals(priced, "thop"), residuals(priced, "numel")) == ({0}, {1})
    assert sorted(map(str, repricing.repriced(run, folder).bridges)) == sorted(
        map(str, run.bridges)
    )


@pytest.mark.parametrize("changed", ["pricing", "run_digest"])
def test_other_formulas_and_another_run_price_everything(noted, monkeypatch, changed):
    run, folder = noted
    monkeypatch.setattr(repricing, changed, lambda *_: "another")
    assert residuals(repricing.repriced(spoilt(run), folder), "numel") == {0}


def test_a_note_that_is_damaged_is_none(noted):
    run, folder = noted
    (folder / repricing.RULES_FILE).write_text("{")
    assert residuals(repricing.repriced(spoilt(run), folder), "numel") == {0}
