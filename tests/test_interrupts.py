"""Ctrl-C in every command: one line that says what was kept, exit code 130, no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from commands import left_running

pytestmark = pytest.mark.slow

NET = """
import os, pathlib, time
import torch

def net():
    if os.environ.get("LASTS"):
        pathlib.Path("begun").touch()
        time.sleep(120)
    return torch.nn.Linear(4, 3), (torch.rand(2, 4),)
"""
SUITE = """
name = "mine"
version = 1

[[case]]
id = "net"
model = "net.py:net"
counters = ["numel"]
"""
CLAIMS = """
[[claim]]
id = "macs"
source = "nobody"
model = "net.py:net"
metric = "compute"
value = "24"
unit = "MACs"
"""
COMMANDS = {
    "count": (["count", "net.py:net"], "nothing was kept"),
    "layers": (["layers", "net.py:net"], "nothing was kept"),
    "convert": (["convert", "24", "--model", "net.py:net", "--from", "macs"], "nothing was kept"),
    "compare a model": (["compare", "net.py:net"], "nothing was kept: --out FOLDER"),
    "compare": (["compare", "mine.toml", "--fresh"], "cells are kept in results/mine"),
    "explain": (["explain", "net.py:net", "thop"], "nothing was kept"),
    "check": (["check", "mine.toml"], "the golden stands as it was"),
    "reproduce": (["reproduce", "results/mine", "--suite", "mine.toml"], "nothing was kept"),
    "verify": (["verify", "mine.toml", "--fresh"], "nothing was kept"),
    "claims": (["claims", "claims.toml"], "the models that are counted are kept"),
    "time": (["time", "mine.toml", "--anyway"], "nothing was kept"),
}  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a suite and its results."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "net.py").write_text(NET)
    (folder / "mine.toml").write_text(SUITE)
    (folder / "claims.toml").write_text(CLAIMS)
    command = [sys.executable, "-m", "flop_harness", "compare", "mine.toml", "--no-timing"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("command", COMMANDS)
def test_an_interrupted_command_says_what_was_kept(home: Path, command: str, record_property):
    words, kept = COMMANDS[command]
    (home / "begun").unlink(missing_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "flop_harness", *words], cwd=home, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "LASTS": "yes"},
    )  # fmt: skip
    wait_for(home / "begun", process)
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    left = left_running(family)
    for orphan in left:
        orphan.kill()
    assert (left, process.returncode) == ([], 130), err
    assert "Traceback" not in out + err
    last = err.splitlines()[-1]
    assert last.startswith("interrupted; ") and kept in last
    record_property("commands that a Ctrl-C ends in one line", 1)


def wait_for(file: Path, process: subprocess.Popen, within_s: float = 100) -> None:
    deadline = time.monotonic() + within_s
    while not file.exists():
        assert process.poll() is None and time.monotonic() < deadline, process.communicate()
        time.sleep(0.05)
    time.sleep(0.3)


def test_ctrl_c_amid_a_text_that_is_run_ends_with_our_exit_code(tmp_path):
    """As dataclasses run one while they are imported: `python -m` would end by the signal."""
    (tmp_path / "typer.py").write_text("exec('raise KeyboardInterrupt')")
    ended = subprocess.run([sys.executable, "-m", "flop_harness", "list"], capture_output=True, text=True,
                           env={**os.environ, "PYTHONPATH": str(tmp_path)})  # fmt: skip
    assert (ended.returncode, ended.stderr) == (130, "interrupted\n")
