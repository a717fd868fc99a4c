"""A suite checked again: only what may have changed is carried out, all else is taken over."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from flop_harness.ask.compare import carry_out
from flop_harness.counters import find_one
from flop_harness.records import Case, Input, Policy, Suite
from flop_harness.run import digests, earlier
from flop_harness.run.environment import PACKAGE
from flop_harness.run.plan import Progress
from flop_harness.run.planning import make_plan

MODEL = "from torch import nn\ndef Net():\n    return nn.Linear(4, {width})\n"
NET = Case("net", "net.py:Net", (Input((2, 4)),))
LAYER = Case("layer", "torch.nn:Linear", (Input((2, 4)),), {"in_features": 4, "out_features": 3})
NUMEL = ["", "numel", "numel"]
"""The cells of a case: its reference, and a counter in two contexts"""
TORCH = ["torch", "torch"]


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    (tmp_path / "net.py").write_text(MODEL.format(width=3))
    return Suite("small", 1, "two layers", (NET, LAYER), Policy(1, 2, 0.0), timeout_s=60.0,
                 digest="0", folder=str(tmp_path))  # fmt: skip


@pytest.fixture
def before(suite: Suite, tmp_path: Path) -> Path:
    folder = tmp_path / "before"
    carry_out(make_plan(suite, folder, counters=["numel", "torch"], device="cpu"))
    return folder


def done_again(suite: Suite, before: Path, whole: Suite | None = None) -> list[tuple[str, str]]:
    """(case, counter) of the cells that are carried out beside an earlier run."""
    done: list[tuple[str, str]] = []
    watch = Progress(finished=lambda cell, _: done.append((cell.case, cell.counter)))
    plan = make_plan(suite, before.parent / "after", counters=["numel", "torch"], device="cpu")
    earlier.take_over(plan, before, whole or suite)
    run = carry_out(plan, watch)
    assert {reading.status for reading in run.readings} == {"ok"}
    return sorted(done)


def cells(case: str, counters: list[str]) -> list[tuple[str, str]]:
    return [(case, counter) for counter in counters]


def test_where_nothing_changed_nothing_is_done(suite, before):
    assert done_again(suite, before) == []


def test_of_some_cases_too(suite, before):
    some = replace(suite, cases=(LAYER,), digest="0:layer")
    assert done_again(some, before, whole=suite) == []


def test_a_model_whose_code_changed_is_counted_again_and_no_other(suite, before, tmp_path):
    (tmp_path / "net.py").write_text(MODEL.format(width=5))
    assert done_again(suite, before) == sorted(cells("net", NUMEL + TORCH))


def test_a_counter_whose_file_changed_is_asked_again_and_no_other(suite, before, monkeypatch):
    now = digests.reader
    monkeypatch.setattr(
        earlier, "reader", lambda each: "another" if each.id == "torch" else now(each)
    )
    assert done_again(suite, before) == sorted([*cells("layer", TORCH), *cells("net", TORCH)])


def test_a_counter_in_another_version_is_asked_again(suite, before, monkeypatch):
    monkeypatch.setattr(
        "flop_harness.run.plan.version_asked", lambda each: "9" if each.id == "numel" else "2"
    )
    done = done_again(suite, before)
    assert done == sorted(
        each for case in ("net", "layer") for each in cells(case, NUMEL[1:] + TORCH)
    )


def test_a_suite_of_another_version_has_nothing_to_take_over(suite, before):
    other = replace(suite, digest="1")
    assert len(done_again(other, before)) == 2 * len(NUMEL + TORCH)


def test_lost_traces_are_taken_again(suite, before):
    (before / "traces" / "layer.xz").unlink()
    assert done_again(suite, before) == sorted(cells("layer", NUMEL + TORCH))


def test_the_digest_of_a_counter_is_of_its_file_and_of_those_that_it_takes_names_from():
    told = digests.imported_from(["flop_harness.counters.torchprofile"])
    assert told >= {
        f"flop_harness.counters.{name}" for name in ("torchprofile", "fvcore", "pricing.jit_graph")
    }
    assert "flop_harness.counters.thop" not in told


def test_counters_have_digests_of_their_own():
    found = {
        digests.reader(find_one(name)) for name in ("thop", "fvcore", "torchinfo", "thop@0.0.31")
    }
    assert len(found) == 4


def test_what_is_ourselves_is_always_asked_again():
    assert digests.reader(find_one("analytic")) == ""


APART = {"run/isolation.py"}
"""It runs the model apart: what is asked and how does not hang on it"""


@pytest.mark.parametrize("asks", ["run/reading.py", "run/asking.py"])
def test_all_modules_that_have_a_say_in_a_reading_make_its_digest(asks):
    names = re.findall(r"from flop_harness\.(run\.\w+) import", (PACKAGE / asks).read_text())
    used = {f"{name.replace('.', '/')}.py" for name in names}
    assert {asks, *used} <= {*digests.ASKING, *digests.TRACING, *APART}
