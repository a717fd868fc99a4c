"""Streams that are closed, and readers who leave: no traceback, and an exit code that says it."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from commands import typed_apart

PROGRAM = f"{shlex.quote(sys.executable)} -m flop_harness"
SIGPIPE = 128 + signal.SIGPIPE
COUNTED = "count torch.nn:Identity --input 2x4"
COMPARED = "compare torch.nn:Identity --input 2x4 --counters numel"


def in_a_shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line.replace('flop-harness', PROGRAM)}"],
        text=True, check=False, capture_output=True, cwd=folder)  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        "--version",
        "--help",
        "count --help",
        "list counters",
        "list conventions --json",
        COUNTED,
        f"{COUNTED} --json",
        "layers torch.nn:Identity --input 2x4",
        COMPARED,
    ],
)
def test_a_reader_who_leaves_is_told_by_the_exit_code_alone(words: str, tmp_path: Path):
    ended = in_a_shell(f"flop-harness {words} | true", tmp_path)
    assert (ended.returncode, ended.stderr) == (SIGPIPE, "")


def test_a_reader_who_stays_is_shown_all(tmp_path: Path):
    piped = in_a_shell("flop-harness list counters | cat", tmp_path)
    assert piped.returncode == 0
    assert piped.stdout == in_a_shell("flop-harness list counters", tmp_path).stdout


def test_the_first_line_of_many_is_no_mistake(tmp_path: Path):
    ended = in_a_shell("flop-harness list models torchvision | head -1", tmp_path)
    assert ended.returncode in (0, SIGPIPE)  # 0 where all was written before head left
    assert (len(ended.stdout.splitlines()), ended.stderr) == (1, "")


@cache
def said_plainly(words: str) -> str:
    ended = in_a_shell(f"flop-harness {words}", Path.cwd())
    assert ended.returncode == 0
    return ended.stdout


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("words", [COUNTED, pytest.param(COMPARED, marks=pytest.mark.slow)])
def test_a_closed_stream_is_like_one_that_nobody_reads(words: str, closed: str, tmp_path: Path):
    ended = in_a_shell(f"flop-harness {words} {closed}", tmp_path)
    assert ended.returncode == 0
    assert ended.stdout == ("" if " >&-" in f" {closed}" else said_plainly(words))
    assert ended.stderr == ""


def test_a_mistake_keeps_its_exit_code_where_nobody_reads_it(tmp_path: Path):
    assert in_a_shell("flop-harness count nothing 2>&-", tmp_path).returncode == 2


@pytest.mark.parametrize("words", [
    ("count", "my.py:Head", "torch.nn:Identity"), ("layers", "my.py:Head", "--weights"),
    ("compare", "my.py:Head", "--counters", "thop,torchinfo"),
    pytest.param(("explain", "my.py:Head", "torchinfo"), marks=pytest.mark.slow),
])  # fmt: skip
def test_a_terminal_without_unicode_gets_ascii(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Every figure is the same, its minus sign a hyphen; tables and trees have lines all the same."""
    (tmp_path / "my.py").write_text(
        "from torch import nn\nclass Head(nn.Linear):\n    def __init__(self):\n        super().__init__(40, 50)"
    )
    monkeypatch.chdir(tmp_path)
    told = {}
    for encoding in ("utf-8", "ascii"):
        monkeypatch.setenv("PYTHONIOENCODING", encoding)
        told[encoding] = typed_apart(*words, "--input", "3x7x40")
        assert told[encoding].code == 0, told[encoding].err
    shown, plain = told["utf-8"].out, told["ascii"].out
    assert plain.isascii() and not shown.isascii() and "\\" not in plain
    figures = [re.findall(r"[-+\N{MINUS SIGN}]?\d[\d,.]*", text) for text in (shown, plain)]
    assert [each.replace("\N{MINUS SIGN}", "-") for each in figures[0]] == figures[1]
    assert len(shown.splitlines()) == len(plain.splitlines())
