"""Every table that is published of a run says the input, the counter's version and the unit."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest

from flop_harness.records import Case, Context, Input, Reading, Run, Status, Suite
from flop_harness.report.analysis.index import Index
from flop_harness.report.documents.files import RUN
from flop_harness.report.tables.reasons import reasons
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


def test_tables_of_models_say_below_why_each_counter_departs():
    """The two terms that are the largest part of a reference, and how many more there are."""
    pair = explained("net", "thop", 1000, {"ReLU": 20, "batch normalisation": 80, "linear bias": 5})
    made = a_run([pair, explained("net", "fvcore", 1000)])
    suite = replace(made.suite, digest="")
    for name in ("table.md", "table.tex"):
        words = " ".join(RUN[name](replace(made, suite=suite)).decode().replace("\\", "").split())
        assert "thop: batch normalisation (up to 8.00 %), ReLU (up to 2.00 %), 1 more." in words
        assert "fvcore:" not in words


def test_a_term_of_many_words_stands_whole_and_a_word_that_is_too_long_is_cut():
    many, long = "adaptive average pooling counted twice (hook and patched function)", "x" * 100
    assert list(reasons(Index(a_run([explained("net", "thop", 100, {many: 9, long: 5})])))) == [
        f"thop: {many} (up to 9.00 %), {'x' * 59}… (up to 5.00 %)"
    ]
