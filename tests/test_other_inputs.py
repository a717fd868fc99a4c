"""Models whose inputs differ: told before any counter is asked, with a suite to go on with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from commands import typed
from flop_harness.cli import compare
from flop_harness.records import Case, Input
from flop_harness.suite import files
from flop_harness.suite.draft import draft

NETS = """
from torch import nn

class Images(nn.Conv2d):
    def __init__(self):
        super().__init__(3, 8, 3)

class Rows(nn.Linear):
    def __init__(self):
        super().__init__(16, 4)
"""
BOTH = ("compare", "my.py:Images", "my.py:Rows")


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "my.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("given", [("--input", "1x3x8x8"), ()])
def test_a_model_that_does_not_take_the_inputs_is_told_before_any_counter_is_asked(
    given: tuple, nets: Path, monkeypatch: pytest.MonkeyPatch
):
    def asked(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("counters were asked")

    monkeypatch.setattr(compare, "compared", asked)
    ended = typed(*BOTH, *given)
    assert (ended.code, ended.out) == (2, "")
    assert "then: flop-harness compare mine.toml" in ended.err


def test_the_suite_that_is_printed_compares_the_models_once_its_inputs_are_right(nets: Path):
    printed = typed(*BOTH, "--input", "1x3x8x8").err
    text = printed[printed.index('name = "mine"') :]
    assert text.count("it does not run on these") == 1
    head, mark, rest = text.partition('model = "my.py:Rows"\n')
    (nets / "mine.toml").write_text(head + mark + rest.replace("[1, 3, 8, 8]", "[2, 16]"))
    ended = typed("compare", "mine.toml", "--no-timing", "--counters", "thop", "--exact")
    assert ended.code == 0, ended.err
    assert f"{8 * 6 * 6 * 27:,}" in ended.out and f"{2 * 16 * 4:,}" in ended.out


@pytest.mark.parametrize(
    "inputs",
    [
        (),
        (Input((1, 3, 64, 64)),),
        (Input((1, 128), "int64"), Input((1, 128))),
        (Input((2, 3), name="x"), Input((1, 8), "bool", name="mask")),
    ],
)
def test_a_draft_reads_as_the_cases_that_it_was_written_of(inputs: tuple, tmp_path: Path):
    cases = [Case("a", "net.py:a", inputs), Case('"b"', "net.py:b", dtype="bfloat16", mode="train")]
    file = tmp_path / "mine.toml"
    file.write_text(draft(cases, "mine"))
    assert list(files.load(file).cases) == cases
