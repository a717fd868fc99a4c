"""A disk that is full at any moment of a run: a clear error, and what was there before stays."""

from __future__ import annotations

import errno
import os
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


@pytest.fixture
def written(tmp_path, monkeypatch) -> Path:
    """The folder of a finished run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "disk.toml").write_text(SUITE)
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
