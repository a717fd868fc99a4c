"""Every table that is published of a run says the input, the counter's version and the unit."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from flop_harness.records import Case, Input, Run, Status, Suite
from flop_harness.report.documents.files import RUN
from runs import a_reading, a_run, explained

SHAPE, VERSION = "2x3x17x19", "1.0"
"""Of the run below; every reading made by hand is of this version"""


def run() -> Run:
    case = Case("net", "my.py:net", (Input((2, 3, 17, 19)),))
    made = a_run([explained("net", "thop", 1000, {"batch normalisation": 20}),
                  explained("net", "torch", 1000, {}, unit="FLOP")])  # fmt: skip
    return replace(made, suite=Suite("mine", 4, "", (case,), digest="abc"))


def published(name: str) -> str:
    return RUN[name](run()).decode()


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(published(name))))


@pytest.mark.parametrize("name", ["readings.csv", "bridges.csv"])
def test_rows_of_data_carry_input_version_and_unit(name: str):
    told = {(row["counter"], row["input"], row["version"], row["unit"]) for row in rows(name)}
    assert told == {("thop", SHAPE, VERSION, "MAC"), ("torch", SHAPE, VERSION, "FLOP")}


def test_findings_carry_the_version_they_are_of():
    assert {(row["counter"], row["version"]) for row in rows("findings.csv")} == {("thop", VERSION)}


@pytest.mark.parametrize("name", ["report.md", "table.md", "table.tex", "appendix.tex"])
def test_tables_to_read_carry_them_too(name: str):
    text = published(name)
    assert SHAPE in text and f"thop {VERSION}" in text
    assert "MAC" in text and "FLOP" in text and "one MAC for each multiplication" in text


LEGENDS = {
    "failed": "failed: the counter raised.",
    "timeout": "time: it ran out of time.",
    "out_of_memory": "memory: it ran out of memory.",
    "unavailable": "n/a: it cannot be asked.",
}


@pytest.mark.parametrize("name", ["table.md", "table.tex"])
@pytest.mark.parametrize("status", [*LEGENDS, None])
def test_the_caption_tells_the_marks_that_occur_and_no_others(name: str, status: Status | None):
    others = () if status is None else (a_reading("net", "fvcore", None, status=status),)
    made = replace(a_run([explained("net", "thop", 1000, {})], others), suite=run().suite)
    words = " ".join(RUN[name](made).decode().split())
    assert [each for each, told in LEGENDS.items() if told in words] == ([status] if status else [])


@pytest.mark.parametrize("name", ["table.md", "table.tex"])
@pytest.mark.parametrize(("modes", "told"), [
    (("eval", "eval"), "2 models in eval mode."),
    (("train", "eval"), "net in training mode, 1 model in eval mode."),
    (("train", "train"), "net, other in training mode."),
    (("", ""), ""),
])  # fmt: skip
def test_the_caption_tells_the_modes_that_models_stood_in(name, modes, told):
    made = run()
    [case] = made.suite.cases
    cases = tuple(replace(case, id=each, mode=mode) for each, mode in zip(("net", "other"), modes, strict=True))  # fmt: skip
    text = RUN[name](replace(made, suite=replace(made.suite, cases=cases))).decode()
    words = " ".join(text.split())
    assert told in words and (" mode." in words) == bool(told)


def test_what_is_copied_from_the_page_carries_them():
    page = published("report.html")
    (noted,) = [line for line in page.splitlines() if 'class="quantity"' in line][:1]
    assert 'data-suite="mine, version 4"' in noted
    assert f"thop {VERSION}" in noted and "one MAC for each multiplication" in noted
    assert SHAPE in page
