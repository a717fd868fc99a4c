"""Every table that is published of a run says the input, the counter's version and the unit."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from flop_harness.records import Case, Context, Input, Reading, Run, Suite
from flop_harness.report.documents.files import RUN
from runs import GRAD, a_reading, a_run, explained

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


@pytest.mark.parametrize("name", ["table.md", "table.tex"])
@pytest.mark.parametrize(("modes", "told"), [
    (("eval", "eval"), "The reference is of 2 models in eval mode."),
    (("train", "eval"), "The reference is of net in training mode, 1 model in eval mode."),
    (("train", "train"), "The reference is of net, other in training mode."),
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


def moded(counter: str, value: int, mode: str, grad: bool = False) -> Reading:
    return a_reading("net", counter, value, context=Context(grad=grad, mode=mode))


def test_the_caption_tells_the_mode_of_each_counter():
    """thop and others count in eval mode whatever the model stood in."""
    told = RUN["table.md"](
        a_run([], (moded("thop", 5, "eval"), moded("fvcore", 6, "train")))
    ).decode()
    assert r"thop 1.0 (cpu no\_grad eval)" in told
    assert r"fvcore 1.0 (cpu no\_grad train)" in told


def test_the_appendix_holds_every_deviation_in_every_context():
    grad = explained("net", "thop", 1000, {"attention product not seen": -380}, context=GRAD)
    made = a_run(
        [explained("net", "thop", 1000), grad, explained("net", "fvcore", 1000, {"ReLU": 1})]
    )
    _, _, deviations = RUN["appendix.tex"](made).decode().partition("deviations from the reference")
    (row,) = [line for line in deviations.splitlines() if line.startswith("net &")]
    assert {cell.strip(" \\") for cell in row.split("&")[3:]} == {"{=}", "-38", "0.1"}
