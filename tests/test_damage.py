"""Files of results that were cut off or overwritten: one line names the file, no figure is read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from commands import Ended, typed
from flop_harness import load
from flop_harness.errors import UserError

SUITE = """
name = "d"
version = 1
counters = ["numel", "analytic"]
[[case]]
id = "linear"
model = "torch.nn:Linear"
kwargs = { in_features = 4, out_features = 3 }
inputs = [[2, 4]]
"""
TIMES = 50


def cut(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content))]


def overwrite(content: bytes, random: Random) -> bytes:
    """Random bytes in one place, or in place of all."""
    length = random.choice([1, 1, 4, 64, len(content)])
    start = random.randrange(max(1, len(content) - length + 1))
    return content[:start] + random.randbytes(length) + content[start + length :]


def damaged(content: bytes, number: int) -> bytes:
    """The content with a damage of its own for each number, never as it was."""
    random = Random(number)
    spoilt = content
    while spoilt == content:
        spoilt = (cut, overwrite)[number % 2](content, random)
    return spoilt


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A folder with a suite and the results of its run."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "d.toml").write_text(SUITE)
    out = folder / "results" / "d"
    assert typed("compare", folder / "d.toml", "--no-timing", "--out", out).code == 0
    return folder


@pytest.fixture
def place(finished, tmp_path, monkeypatch) -> Path:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(folder: Path) -> Ended:
    try:
        load(folder)
    except UserError as error:
        return Ended(2, "", f"flop-harness: {error}\n")
    return Ended(0, "", "")


READERS: dict[str, Callable[[Path], Ended]] = {
    "load": lambda out: loaded(out),
    "report": lambda out: typed("report", out),
    "explain": lambda out: typed("explain", "linear", "numel", "--dir", out),
    "check": lambda out: typed("check", "d.toml", "--golden", out),
}


@pytest.mark.parametrize("reader", [*list(READERS)[:1], *(
    pytest.param(name, marks=pytest.mark.slow) for name in list(READERS)[1:])])  # fmt: skip
@pytest.mark.parametrize("name", ["run.json.xz", "measured.json.xz"])
def test_a_damaged_run_is_named_in_one_line(place, name, reader, record_property):
    out = place / "results" / "d"
    whole = (out / name).read_bytes()
    for number in range(TIMES):
        (out / name).write_bytes(damaged(whole, number))
        ended = READERS[reader](out)
        assert (ended.code, ended.out) == (2, ""), number
        (line,) = ended.err.splitlines()
        assert name in line or "run.json.xz" in line
        assert len(line) < 1_000
    record_property("damaged files: named in one line, no figure read", TIMES)
