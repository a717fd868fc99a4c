"""A mistake in the words of a command is told in one line that names it; the exit code is 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import typed

MFU = ("mfu", "--model", "llama3-8b", "--tokens-per-second", "9")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((*MFU, "--gpus", "abc"), "--gpus 'abc' should be a valid integer; see flop-harness mfu --help"),
        ((*MFU, "--gpus", "-8"), "--gpus '-8' should be greater than or equal to 1; "
                                 "see flop-harness mfu --help"),
        (("time", "seeds", "--budget", "long"),
         "--budget 'long' should be a valid number; see flop-harness time --help"),
        (("count",), "missing argument 'MODEL'; see flop-harness count --help"),
        (("explain", "vgg16"), "missing argument 'COUNTER'; see flop-harness explain --help"),
        (MFU[:3], "missing option '--tokens-per-second'; see flop-harness mfu --help"),
        (("count", "m.py:Net", "--inptu", "3"),
         "no option --inptu (did you mean '--input'?); see flop-harness count --help"),
        (("count", "m.py:Net", "--input"),
         "option '--input' requires an argument; see flop-harness --help"),
        (("layesr", "m.py:Net"),
         "no such command 'layesr' (did you mean 'layers'?); see flop-harness --help"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line(words: tuple[str, ...], told: str):
    ended = typed(*words)
    assert (ended.code, ended.out, ended.err) == (2, "", f"flop-harness: {told}\n")


def test_what_is_no_run_is_told_so_and_stays(tmp_path: Path):
    file = tmp_path / "README.md"
    file.write_text("words")
    ended = typed("report", file)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (f"flop-harness: {file} is no run: name a results folder, or the run.json.xz "
                         "in it\n")  # fmt: skip
    assert file.read_text() == "words"


def test_without_a_command_the_help_is_shown():
    ended = typed()
    assert (ended.code, ended.err) == (2, "")
    assert "Usage: flop-harness" in ended.out


PARSES = """
import argparse
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int, default=8)
ASKED = parser.parse_args()

class Net(nn.Linear):
    def __init__(self):
        super().__init__(4, ASKED.width)
"""


def test_the_file_of_a_model_finds_a_command_line_without_our_words(tmp_path, monkeypatch):
    (tmp_path / "parses.py").write_text(PARSES)
    monkeypatch.chdir(tmp_path)
    ended = typed("count", "parses.py:Net", "--input", "2x4")
    assert ended.code == 0 and ended.out.startswith("parses.py:Net: 64 MAC, 40 parameters")
