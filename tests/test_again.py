"""A report says by which command its figures are read again; typed, it gives the same figures."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from commands import typed
from flop_harness.records import Case, Input, Suite
from flop_harness.report.words.commands import TIME, VERIFY, again, again_of_case

NET = """
import torch
from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout())

class Half(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 4, 1)
"""
SUITE = """
name = "mine"
version = 1
counters = ["numel"]

[[case]]
id = "a net"
model = "my.py:net"
inputs = [[2, 3, 8, 8]]

[[case]]
id = "half"
model = "my.py:Half"
inputs = [[1, 3, 8, 8]]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.py").write_text(NET)
    (tmp_path / "mine.toml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)


def told(folder: str) -> str:
    """The command in a report."""
    (line,) = re.findall(
        r"^    (flop-harness compare .*)$", Path(folder, "report.md").read_text(), re.M
    )
    return str(line)


def figures(folder: str) -> str:
    return Path(folder, "readings.csv").read_text()


@pytest.mark.parametrize(
    "words",
    [
        ("my.py:net", "--input", "2x3x8x8"),
        ("my.py:net", "--input", "input=2x3x8x8", "--eval", "--dtype", "bfloat16"),
        ("my.py:net", "my.py:Half", "--input", "1x3x9x9"),
        ("my.py:net", "--input", "1x3x8x8", "--sweep", "batch=1,4"),
        ("mine.toml", "--no-timing", "--cases", "a *"),
    ],
)
def test_the_command_of_a_report_reads_the_figures_again(words: tuple[str, ...]):
    ended = typed("compare", *words, "--counters", "thop", "--out", "first")
    assert ended.code == 0, ended.err
    line = shlex.split(told("first"))[1:]
    ended = typed(*line, "--counters", "thop", "--no-timing", "--out", "second")
    assert ended.code == 0, ended.err
    assert figures("second") == figures("first")


def test_a_suite_of_ours_is_made_and_one_of_the_user_is_a_file():
    ours = Suite("seeds", 1, "", (), digest="abc")
    assert again(ours) == "make compare SUITE=seeds"
    assert again(ours, TIME) == "make time SUITE=seeds"
    assert again(ours, VERIFY) == "make verify SUITE=seeds"
    assert again(replace(ours, name="mine")) == "flop-harness compare mine.toml"


@pytest.mark.parametrize(
    ("digest", "name", "expected"),
    [
        ("abc:vgg*", "seeds", "make compare SUITE=seeds ARGS='--cases '\"'\"'vgg*'\"'\"''"),
        ("abc:training", "seeds-training", "make compare SUITE=seeds ARGS=--training"),
        ("abc:training", "mine-training", "flop-harness compare mine.toml --training"),
        ("abc:training:a*", "mine-training", "flop-harness compare mine.toml --training --cases 'a*'"),
        ("abc:a:b", "mine", "flop-harness compare mine.toml --cases a:b"),
    ],
)  # fmt: skip
def test_cases_that_were_chosen_are_chosen_again(digest: str, name: str, expected: str):
    assert again(Suite(name, 1, "", (), digest=digest)) == expected


def test_one_case_is_read_again_by_itself():
    case = Case("my net batch 4", "my.py:net", (Input((4, 3, 8, 8), name="x"),), dtype="", mode="")
    named = Suite("models", 1, "", (case,))
    assert (
        again_of_case(named, case.id, False) == "flop-harness compare my.py:net --input x=4x3x8x8"
    )
    assert again(named, VERIFY) == "flop-harness verify my.py:net --input x=4x3x8x8"
    ours = replace(named, name="seeds", digest="abc")
    assert again_of_case(ours, case.id, True) == (
        "flop-harness compare seeds --cases 'my net batch 4' --training"
    )


@pytest.mark.parametrize(
    ("words", "first"),
    [(("--sweep", "batch=1,4"), "my.py:net batch 1"), (("my.py:Half",), "my.py:net")],
)
def test_what_models_cost_is_drawn_in_the_reports(words: tuple[str, ...], first: str):
    ended = typed("compare", "my.py:net", *words, "--input", "1x3x8x8", "--counters", "numel",
                  "--out", "here")  # fmt: skip
    assert ended.code == 0, ended.err
    page, text = (Path("here", name).read_text() for name in ("report.html", "report.md"))
    assert "](sizes.svg)" in text and Path("here/sizes.svg").is_file()
    assert 'aria-label="Table: Each beside the first' in page
    assert ("mark-line" in page) == ("--sweep" in words)
    macs, params = 8 * 6 * 6 * 27, 8 * 27 + 8 + 16  # 8 channels out of 3, 3 x 3, no padding
    assert f"| {first} | 1x3x8x8 | {macs:,} | {params} | 1 |" in text


def test_a_report_of_one_model_has_no_such_chart():
    assert typed("compare", "my.py:net", "--input", "1x3x8x8", "--counters", "numel", "--out",
                 "here").code == 0  # fmt: skip
    assert "sizes.svg" not in Path("here/report.md").read_text()
