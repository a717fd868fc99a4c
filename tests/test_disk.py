"""A disk that is full at any moment of a run: a clear error, and what was there before stays."""

from __future__ import annotations

import errno
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from commands import typed

SUITE = """
name = "disk"
version = 1
counters = ["numel"]
[[case]]
id = "linear"
model = "torch.nn:Linear"
kwargs = { in_features = 4, out_features = 3 }
inputs = [[2, 4]]
"""


CLAIMS = """
source = "here"
[[claim]]
model = "torch.nn:Linear"
kwargs = { in_features = 4, out_features = 3 }
inputs = [[2, 4]]
value = "24"
unit = "MACs"
"""


@pytest.fixture
def written(tmp_path, monkeypatch) -> Path:
    """The folder of a finished run."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("flop_harness.regression.drift.released", lambda name: ("1.0",))
    (tmp_path / "disk.toml").write_text(SUITE)
    (tmp_path / "claims.toml").write_text(CLAIMS)
    assert typed("compare", "disk.toml", "--no-timing").code == 0
    return tmp_path / "results" / "disk"


def fill_after(writes: int, monkeypatch) -> None:
    """From then on the kernel says that no space is left when a file is to reach the disk."""
    left = [writes]
    really = os.fsync

    def fsync(file: int) -> None:
        if left[0] == 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left[0] -= 1
        really(file)

    monkeypatch.setattr(os, "fsync", fsync)


def results(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()
            if path.is_file() and path.name != "journal.jsonl"}  # fmt: skip


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_full_disk_is_said_and_earlier_results_stay(
    written, monkeypatch, writes, record_property
):
    before = results(written)
    (written.parent.parent / "disk.toml").write_text(SUITE.replace("[[2, 4]]", "[[5, 4]]"))
    with monkeypatch.context() as full:
        fill_after(writes, full)
        ended = typed("compare", "disk.toml", "--no-timing")
    assert ended.code == 2
    assert "No space left on device" in ended.err
    assert "Traceback" not in ended.err
    after = results(written)
    assert {name: after.get(name) for name in before} == before
    assert not [name for name in after if name.endswith(".draft")]
    assert typed("compare", "disk.toml", "--no-timing").code == 0  # there is space again
    assert results(written).keys() == before.keys()
    record_property("full disks: a clear error, earlier results intact", 1)


COMMANDS = {
    "report": ("report", "results/disk"),
    "check --update": ("check", "disk.toml", "--update"),
    "check --junit": ("check", "disk.toml", "--junit", "out/check.xml"),
    "effects": ("effects", "numel", "--out", "out"),
    "verify": ("verify", "disk.toml", "--out", "out", "--jobs", "1"),
    "compare": ("compare", "disk.toml", "--out", "out", "--no-timing"),
    "claims": ("claims", "claims.toml", "--out", "out", "--jobs", "1"),
    "drift": ("drift", "torch", "--cases", "disk.toml", "--out", "out"),
    "time": ("time", "disk.toml", "--out", "out", "--sessions", "1", "--budget", "0.01",
             "--no-details", "--anyway"),
}  # fmt: skip
SLOW = ("time", "verify")


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in COMMANDS])  # fmt: skip
def test_every_command_says_that_the_disk_is_full(written, monkeypatch, name, record_property):
    """One line with the file and the reason."""
    with monkeypatch.context() as full:
        fill_after(0, full)
        ended = typed(*COMMANDS[name])
    assert ended.code == 2
    last = ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err
    assert (
        last.startswith("flop-harness: cannot write ")
        and "No space left on device; make room" in last
    )
    assert not list(written.parent.parent.rglob("*.draft"))
    record_property("full disks: a clear error, earlier results intact", 1)


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name
    for name in COMMANDS if "out" in " ".join(COMMANDS[name])])  # fmt: skip
def test_every_command_says_which_folder_cannot_be_made(written, name, record_property):
    (written.parent.parent / "out").write_text("a file, no folder")
    ended = typed(*COMMANDS[name])
    assert ended.code == 2
    last = ended.err.splitlines()[-1]
    assert "Traceback" not in ended.err
    assert re.match(r"flop-harness: cannot write out\b.*: out is a file; name a folder", last)
    record_property("folders that cannot be written: named in one line", 1)


def in_a_shell(line: str, folder: Path) -> subprocess.CompletedProcess:
    program = f"{shlex.quote(sys.executable)} -m flop_harness"
    return subprocess.run(line.replace("flop-harness", program), shell=True, text=True, check=False,
                          stderr=subprocess.PIPE, cwd=folder)  # fmt: skip


@pytest.mark.parametrize("words", ["list counters", "--version"])
def test_output_that_nobody_can_keep_is_one_line(words, tmp_path):
    ended = in_a_shell(f"flop-harness {words} > /dev/full", tmp_path)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line == (
        "flop-harness: cannot write what it found: No space left on device; make room and run it again"
    )


def test_a_full_temporary_folder_is_one_line(written, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/x")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    ended = typed("count", "torch.nn:Identity", "--input", "2x4")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("flop-harness: cannot write /tmp/x: No space left on device")
