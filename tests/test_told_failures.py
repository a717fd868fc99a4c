"""What fails on our side is told: a rule that raises, a damaged file, a figure that is none."""

from __future__ import annotations

import lzma
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from commands import typed
from flop_harness import store
from flop_harness.ask import ways
from flop_harness.counters import Answer, counters
from flop_harness.errors import UserError
from flop_harness.records import Case, Failure, Input, Release, Suite
from flop_harness.regression.drift import Subject, explained
from flop_harness.report.analysis.drift import how
from flop_harness.report.analysis.faults import Faults
from flop_harness.report.sources import results, times
from flop_harness.run.answers import modules_of
from flop_harness.store import AUDIT_FILE
from flop_harness.timing.theory import counts
from runs import small_run

LINEAR = Case("linear", "torch.nn:Linear", (Input((2, 4)),), {"in_features": 4, "out_features": 3})


def raising(*_: Any) -> Any:
    raise ZeroDivisionError("a rule of ours")


def broken(convention: Any) -> Any:
    return replace(convention, by_module=raising, charges=None)


@pytest.fixture
def broken_convention(monkeypatch: pytest.MonkeyPatch) -> str:
    """A convention that raises on every model."""
    whole = {**ways.CATALOGUE, "macs-bias": broken(ways.CATALOGUE["macs-bias"])}
    monkeypatch.setattr(ways, "CATALOGUE", whole)
    monkeypatch.setattr(counts, "CATALOGUE", whole)
    return "macs-bias"


def test_a_figure_of_a_module_that_is_no_count_is_not_zero():
    answer = Answer(24, None, {"fc": 24, "drop": float("nan"), "act": -1, "cast": "12"})
    found, nonsense = modules_of(answer)
    assert found == {"fc": 24}
    assert [line.split(":")[0] for line in nonsense] == [
        "of module drop", "of module act", "of module cast"
    ]  # fmt: skip


def test_a_convention_that_raises_is_a_failure_of_the_timing(broken_convention: str):
    told = counts.expected((LINEAR, ""))
    failures = [each for each in told if isinstance(each, Failure)]
    assert [(each.case, each.stage) for each in failures] == [
        ("linear", f"convention {broken_convention}")
    ]
    assert told[0].amount("macs") == 2 * 4 * 3


def test_a_convention_that_does_not_apply_is_no_failure():
    """The articles' formulas say nothing of a recurrent layer."""
    lstm = Case("lstm", "torch.nn:LSTM", (Input((5, 2, 4)),), {"input_size": 4, "hidden_size": 3})
    told = counts.expected((lstm, ""))
    assert [each for each in told if isinstance(each, Failure)] == []


def test_live_activations_that_cannot_be_followed_are_a_failure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("flop_harness.timing.theory.liveness.live_peak", raising)
    told = counts.expected((LINEAR, ""))
    assert told[0].live is None
    assert [each.stage for each in told[1:]] == ["live activations"]


def test_a_suggestion_says_which_ways_could_not_be_tried(broken_convention: str):
    rules = ways.Rules(LINEAR)
    assert broken_convention not in {each.way for each in rules.everything()}
    assert rules.stumbled == {broken_convention: "ZeroDivisionError: a rule of ours"}


# --------------------------------------------------------------------- what lies beside a run

BESIDE = {
    "proofs.json.xz": "proofs.json.xz",
    "a-machine/times.json.xz": "a-machine/times.json.xz",
    "../drift/thop.json.xz": "drift/thop.json.xz",
    "../effects/effects.json": "effects/effects.json",
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_damaged_file_beside_a_run_is_not_read_as_absent(name: str, tmp_path: Path):
    folder = tmp_path / "results" / "small"
    path = folder / name
    folder.mkdir(parents=True)
    path.resolve().parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"nothing that we wrote")
    faults = Faults()
    results.related_results(folder, small_run(), faults)
    (failure,) = faults.found
    assert failure.stage.endswith(BESIDE[name])
    assert "is damaged" in failure.message


def test_verdicts_of_another_form_are_told_and_the_rest_is_read(tmp_path: Path):
    (tmp_path / "claims").mkdir()
    (tmp_path / "claims" / AUDIT_FILE).write_bytes(lzma.compress(b'{"claims": "alexnet"}'))
    (tmp_path / "small").mkdir()
    faults = Faults()
    related = results.related_results(tmp_path / "small", small_run(), faults)
    assert [each.stage for each in faults.found] == [f"claims/{AUDIT_FILE}"]
    assert related.published == [] and related.histories == {}


def test_files_that_are_not_there_are_no_failure(tmp_path: Path):
    faults = Faults()
    results.related_results(tmp_path, small_run(), faults)
    assert faults.found == []


def test_times_that_are_damaged_are_told_by_who_reads_them(tmp_path: Path):
    (tmp_path / "machine").mkdir()
    (tmp_path / "machine" / "times.json.xz").write_bytes(b"x")
    with pytest.raises(UserError, match="damaged"):
        times.times_in(tmp_path)


def test_compare_says_that_what_was_published_cannot_be_read(tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\nversion = 1\n[[case]]\nid = "linear"\nmodel = "torch.nn:Linear"\n'
        'kwargs = { in_features = 4, out_features = 3 }\ninputs = [[2, 4]]\ncounters = ["numel"]\n'
    )
    (tmp_path / "results" / "mine").mkdir(parents=True)
    (tmp_path / "results" / "mine" / store.RUN_FILE).write_bytes(b"x")
    ended = typed("compare", "mine.toml", "--no-timing")
    assert ended.code == 0
    assert "not set beside what was published: " in ended.err and "is damaged" in ended.err
    assert store.load(tmp_path / "results" / "mine").suite.name == "mine"


def test_a_rule_that_raises_on_a_release_is_told_and_costs_its_own_figure_alone():
    """The figure stands without a bridge, and the page says why."""
    counter = counters()["numel"]
    subject = Subject(LINEAR, Suite("s", 1, "", (LINEAR,)), counter)
    broken = replace(counter, quantities={
        metric: replace(quantity, price=raising) for metric, quantity in counter.quantities.items()
    })  # fmt: skip
    said = subject.read(counter)
    release = explained(Release("no version", said), broken, [subject])
    assert release.bridges == ()
    assert {each.message for each in release.failures} == {"ZeroDivisionError: a rule of ours"}
    assert "rules for params failed: ZeroDivisionError: a rule of ours" in how(release)
    assert not explained(Release("no version", said), counter, [subject]).failures


def test_a_release_is_asked_about_the_other_cases_where_a_model_raises():
    case = replace(LINEAR, inputs=(Input((2, 5)),))
    counter = counters()["numel"]
    (reading,) = Subject(case, Suite("s", 1, "", (case,)), counter).read(counter)
    assert reading.status == "failed" or reading.value == 4 * 3 + 3
