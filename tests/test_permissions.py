"""A folder that may be read and not written, as anyone meets it who is not root."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from commands import typed

DROP = 24  # PR_CAPBSET_DROP
WRITES_ANYWHERE, READS_ANYWHERE = 1, 2  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
SUITE = """
name = "mine"
version = 1
counters = ["numel"]
[[case]]
id = "linear"
model = "torch.nn:Linear"
kwargs = { in_features = 4, out_features = 3 }
inputs = [[2, 4]]
"""
MODEL = ("torch.nn:Identity", "--input", "2x4")
COMMANDS = {
    "compare a suite": ("compare", "mine.toml", "--no-timing", "--fresh"),
    "compare a model": ("compare", *MODEL, "--counters", "numel", "--out", "new"),
    "report": ("report", "mine.toml"),
    "time": ("time", *MODEL, "--out", "new/deep", "--anyway"),
    "site": ("site", "results/mine"),
    "verify": ("verify", "mine.toml"),
    "effects": ("effects", "numel"),
    "drift": ("drift", "thop"),
    "claims": ("claims", "told.toml"),
}
SLOW = ("time", "drift", "claims", "verify")
"""Commands whose work takes long"""
CLAIM = """
[[claim]]
id = "ours"
model = "torch.nn:Identity"
inputs = [[2, 4]]
source = "a page"
value = 0
unit = "MACs"
"""


def without_roots_rights() -> None:
    """In a child, before it starts: root may then write only where anyone may."""
    if os.geteuid() == 0:
        for capability in (WRITES_ANYWHERE, READS_ANYWHERE):
            ctypes.CDLL(None).prctl(DROP, capability, 0, 0, 0)


@pytest.fixture(scope="module")
def unwritable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with results, all of it only to be read."""
    home = tmp_path_factory.mktemp("home")
    (home / "mine.toml").write_text(SUITE)
    (home / "told.toml").write_text(CLAIM)
    before = Path.cwd()
    os.chdir(home)
    assert typed("compare", "mine.toml", "--no-timing").code == 0
    os.chdir(before)
    inside = [home, *(path for path in home.rglob("*") if path.is_dir())]
    for path in (*home.rglob("*"), home):
        path.chmod(path.stat().st_mode & ~0o222)
    tried = subprocess.run(["touch", home / "x"], capture_output=True, check=False,
                           preexec_fn=without_roots_rights)  # fmt: skip
    if tried.returncode == 0:
        pytest.skip("this user may write anywhere, and cannot give that up")
    yield home
    for path in inside:
        path.chmod(0o755)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_that_may_not_be_written_is_one_line(unwritable: Path, name: str):
    ended = subprocess.run(
        [sys.executable, "-m", "flop_harness", *COMMANDS[name]],
        capture_output=True, text=True, check=False, cwd=unwritable,
        preexec_fn=without_roots_rights,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("flop-harness: cannot write ")
    assert last.endswith(": Permission denied; name a folder that can be written")
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", SLOW)
def test_it_is_said_before_the_work(unwritable: Path, name: str):
    ended = subprocess.run(
        [sys.executable, "-m", "flop_harness", *COMMANDS[name]],
        capture_output=True, text=True, check=False, cwd=unwritable,
        preexec_fn=without_roots_rights,
    )  # fmt: skip
    assert len(ended.stderr.splitlines()) == 1
