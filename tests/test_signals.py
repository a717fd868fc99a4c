"""A command that is stopped at any moment: its exit code says how, its cells are kept, no orphans."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil
import pytest

from commands import left_running, typed

SUITE = """
name = "stopped"
version = 1
timeout_s = 60
counters = ["analytic", "torch", "numel"]
[[case]]
id = "linear"
model = "torch.nn:Linear"
kwargs = { in_features = 4, out_features = 3 }
inputs = [[2, 4]]
[[case]]
id = "conv"
model = "torch.nn:Conv2d"
kwargs = { in_channels = 3, out_channels = 6, kernel_size = 3 }
inputs = [[1, 3, 8, 8]]
[[case]]
id = "slow"
model = "slow.py:Slow"
inputs = [[2, 4]]
"""
SLOW = """
import subprocess, time
from torch import nn

class Slow(nn.Linear):
    def __init__(self):
        super().__init__(4, 3)
        subprocess.Popen(["sleep", "300"], start_new_session=True)

    def forward(self, x):
        time.sleep(SECONDS)
        return super().forward(x)
"""
CELLS = 3 * (1 + 1 + 2 + 2)  # cases x (reference, analytic, torch twice, numel twice)
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}
LAST_WRITTEN = "waterfall.pdf"
WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


@dataclass
class Stopped:
    code: int
    lines: list[str]
    orphans: list[psutil.Process]
    over: bool
    """All was written: the signal met the end of the interpreter, or nobody."""


def laid_out(folder: Path, seconds: float = 0.3) -> Path:
    """A suite with a case whose every pass takes so long."""
    (folder / "stopped.toml").write_text(SUITE)
    (folder / "slow.py").write_text(SLOW.replace("SECONDS", str(seconds)))
    return folder


@pytest.fixture
def place(tmp_path) -> Path:
    return laid_out(tmp_path)


def started(place: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "flop_harness", "compare", "stopped.toml", "--out", "out",
               "--no-timing", "--jobs", "2"]  # fmt: skip
    return subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            text=True, start_new_session=True)  # fmt: skip


def stopped(place: Path, after_s: float, number: int, whom: str, random: Random) -> Stopped:
    """A run that gets a signal after so long: ``main``, its ``group`` or one of its ``workers``."""
    process = started(place)
    time.sleep(after_s)
    family = psutil.Process(process.pid).children(recursive=True)
    if whom == "group":
        os.killpg(process.pid, number)
    elif whom == "main":
        process.send_signal(number)
    else:
        mine = {each.pid for each in psutil.Process(process.pid).children()}
        workers = [each for each in family if each.pid not in mine]
        if workers:
            random.choice(workers).send_signal(number)
    err = process.communicate(timeout=120)[1]
    orphans = left_running(family, within_s=15)
    for orphan in orphans:
        orphan.kill()
    over = (place / "out" / LAST_WRITTEN).exists()
    return Stopped(process.returncode, err.splitlines(), orphans, over)


def cells_in(place: Path) -> Counter[str]:
    journal = place / "out" / "journal.jsonl"
    lines = journal.read_bytes().split(b"\n")[:-1] if journal.exists() else []
    keys = [json.loads(line).get("key", ["other"]) for line in lines]
    return Counter(" ".join(key[1:]) for key in keys if key[0] == "cell")


def assert_goes_on(place: Path, before: Counter[str], whole_s: float) -> None:
    """The same command does what is left, once, and nothing of what was finished."""
    process = started(place)
    err = process.communicate(timeout=120 + whole_s)[1]
    assert process.returncode in (0, 3), err
    after = cells_in(place)
    assert len(after) == CELLS and set(after.values()) == {1}
    done = [line for line in err.splitlines() if line.startswith("[")]
    assert len(done) == CELLS - len(before)


def assert_stopped_well(ended: Stopped, number: int, whom: str) -> None:
    assert ended.orphans == []
    assert not [line for line in ended.lines if line.startswith(("Traceback", "  File"))]
    if whom == "worker":
        assert ended.code in (0, 3)
    elif ended.over:
        assert ended.code in (0, 3, -number, CODES[number])
    else:
        assert ended.code == CODES[number]
        if number in WORDS:
            assert re.match(rf"{WORDS[number]}\b", ended.lines[-1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_says_how_it_was_stopped(tmp_path, number):
    """It cannot come to its end before: a cell takes longer than all else."""
    process = started(laid_out(tmp_path, seconds=50))
    assert any(line.startswith("[") for line in iter(process.stderr.readline, ""))
    process.send_signal(number)
    err = process.communicate(timeout=60)[1].splitlines()
    assert process.returncode == CODES[number]
    assert re.fullmatch(rf"{WORDS[number]}; \d+ of {CELLS} cells are kept in out: .*", err[-1])


KINDS = [(signal.SIGINT, "main"), (signal.SIGINT, "group"), (signal.SIGTERM, "main"),
         (signal.SIGTERM, "group"), (signal.SIGKILL, "main"), (signal.SIGKILL, "group"),
         (signal.SIGKILL, "worker"), (signal.SIGTERM, "worker")]  # fmt: skip


@pytest.fixture(scope="module")
def whole_s(tmp_path_factory) -> float:
    """For how long a run goes on that nobody stops."""
    place = laid_out(tmp_path_factory.mktemp("whole"))
    begun = time.monotonic()
    assert started(place).wait() == 0
    return time.monotonic() - begun


@pytest.mark.slow
@pytest.mark.parametrize("moment", range(30))
def test_a_run_may_be_stopped_at_any_moment(place, whole_s, moment, record_property):
    """By every signal: to the whole group, as a terminal sends it, to the run alone, to a worker."""
    random = Random(moment)
    number, whom = KINDS[moment % len(KINDS)]
    ended = stopped(place, 0.3 + whole_s * random.random(), number, whom, random)
    assert_stopped_well(ended, number, whom)
    before = cells_in(place)
    assert set(before.values()) <= {1}
    assert_goes_on(place, before, whole_s)
    record_property("runs stopped by a signal at a random moment: nothing lost, twice or left", 1)


DIES = """
import os
from torch import nn

class Dies(nn.Linear):
    def __init__(self):
        with open(os.path.join(os.path.dirname(__file__), "builds"), "a") as file:
            file.write("x")
        os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("reference", ["dies.py", "pack.dies"])
def test_a_model_that_kills_its_process_is_not_built_again_by_each_resume(tmp_path, reference):
    file = tmp_path / f"{reference.removesuffix('.py').replace('.', '/')}.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(DIES)
    (tmp_path / "d.toml").write_text(
        'name = "d"\nversion = 1\ncounters = ["numel"]\n'
        f'[[case]]\nid = "d"\nmodel = "{reference}:Dies"\ninputs = [[2, 4]]\n'
    )
    words = ("compare", tmp_path / "d.toml", "--out", tmp_path / "out", "--no-timing")
    first = typed(*words)
    builds = len((file.parent / "builds").read_text())
    assert (first.code, "ours failed" in first.out + first.err) == (3, True)
    assert typed(*words).code == 3
    assert len((file.parent / "builds").read_text()) == builds
    file.write_text(DIES + "\n")
    assert typed(*words).code == 3
    assert len((file.parent / "builds").read_text()) == 2 * builds
