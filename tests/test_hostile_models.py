"""Models that turn on the process that counts them: the figure, or one line; nothing outlives it."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from commands import left_running, typed
from flop_harness.ask.compare import compare_once
from flop_harness.records import Case, Input
from flop_harness.run.planning import single

MODELS = """
import os, subprocess, sys
from torch import nn

HERE = os.path.dirname(__file__)

class Linear(nn.Linear):
    def __init__(self):
        super().__init__(4, 3)

def without(*starts):
    for name in [name for name in sys.modules if name.startswith(starts)]:
        del sys.modules[name]

class LosesTorch(Linear):
    def __init__(self):
        super().__init__()
        without("torch")

class LosesParts(Linear):
    def __init__(self):
        super().__init__()
        without("torch.nn", "torch.utils", "torch._")

class LosesTorchAsItRuns(Linear):
    def forward(self, x):
        without("torch", "numpy")
        return super().forward(x)

class LosesAll(Linear):
    def forward(self, x):
        sys.modules.clear()
        return super().forward(x)

class AnotherTorch(Linear):
    def __init__(self):
        super().__init__()
        sys.modules["torch"] = None
        sys.modules = {}

class BlocksTorchAsItRuns(Linear):
    def forward(self, x):
        y = super().forward(x)
        sys.modules["torch"] = sys.modules["numpy"] = None
        return y

class Starts(Linear):
    def __init__(self):
        super().__init__()
        sleeper = subprocess.Popen(["sleep", "60"], start_new_session=True)
        with open(os.path.join(HERE, "sleepers"), "a") as file:
            print(sleeper.pid, file=file)

class Says(Linear):
    def forward(self, x):
        print("from the model")
        return super().forward(x)

class Interrupts(Linear):
    def forward(self, x):
        raise KeyboardInterrupt

class InterruptsAsItIsMade(Linear):
    def __init__(self):
        raise KeyboardInterrupt

class Exits(Linear):
    def forward(self, x):
        raise SystemExit(0)

class Ends(Linear):
    def forward(self, x):
        os._exit(0)

class Crashes(Linear):
    def forward(self, x):
        os.kill(os.getpid(), 9)

class Closes(Linear):
    def forward(self, x):
        os.closerange(0, 1000)
        return super().forward(x)
"""
COUNTED = ("LosesTorch", "LosesParts", "LosesTorchAsItRuns", "LosesAll", "AnotherTorch",
           "BlocksTorchAsItRuns", "Starts", "Says")  # fmt: skip
REFUSED = {
    "Interrupts": "the model raises on these inputs: KeyboardInterrupt",
    "InterruptsAsItIsMade": "raised KeyboardInterrupt",
    "Exits": "the model raises on these inputs: SystemExit: 0",
    "Ends": "its process ended without a result (exit code 0)",
    "Crashes": "its process died of SIGKILL",
    "Closes": "its process could not tell its result",
}


@pytest.fixture
def file(tmp_path) -> Path:
    (tmp_path / "hostile.py").write_text(MODELS)
    return tmp_path / "hostile.py"


@pytest.mark.parametrize("command", ["count", "layers"])
@pytest.mark.parametrize("name", COUNTED)
def test_what_a_model_does_to_its_process_does_not_change_its_figure(
    file, name, command, capfd, record_property
):
    """2 x 4 x 3 products."""
    ended = typed(command, f"{file}:{name}", "--input", "2x4")
    assert (ended.code, ended.err) == (0, "")
    assert "24" in ended.out and "from the model" not in ended.out
    written = capfd.readouterr()
    assert (written.out, "from the model" in written.err) == ("", name == "Says")
    record_property("hostile models: the figure, or one line", 1)


@pytest.mark.parametrize("command", ["count", "layers"])
@pytest.mark.parametrize("name", REFUSED)
def test_a_model_that_ends_its_process_is_told_in_one_line(file, name, command, record_property):
    ended = typed(command, f"{file}:{name}", "--input", "2x4")
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert name in line and REFUSED[name] in line
    record_property("hostile models: the figure, or one line", 1)


@pytest.mark.parametrize("name", ("LosesTorchAsItRuns", "LosesAll", "BlocksTorchAsItRuns"))
def test_a_counter_is_heard_whatever_its_model_takes_away(file, name):
    """2 x 4 x 3 products."""
    case = Case("hostile", f"{file}:{name}", (Input((2, 4)),))
    run = compare_once(single(case), counters=("fvcore", "torch"), device="cpu")
    told = {(each.counter, each.metric): each for each in run.readings}
    assert {each.status for each in told.values()} == {"ok"}
    assert (told["fvcore", "compute"].value, told["torch", "compute"].value) == (24, 48)


def test_convert_runs_a_model_apart_too(file):
    ended = typed("convert", "24 MACs", "--model", f"{file}:Crashes", "--input", "2x4",
                  "--from", "macs", "--to", "flops")  # fmt: skip
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"flop-harness: {file}:Crashes: {REFUSED['Crashes']}\n"


def test_what_a_model_starts_ends_with_the_count(file):
    typed("count", f"{file}:Starts", "--input", "2x4")
    started = [int(line) for line in (file.parent / "sleepers").read_text().split()]
    assert started
    there = [psutil.Process(pid) for pid in started if psutil.pid_exists(pid)]
    assert left_running(there, within_s=5) == []


def test_a_ctrl_c_ends_a_count_and_its_model(file, monkeypatch):
    """Of the process that waits; the model's own hears nothing of it."""
    from flop_harness.run import isolation

    def interrupted(*args):
        time.sleep(0.2)
        raise KeyboardInterrupt

    monkeypatch.setattr(isolation, "received", interrupted)
    before = set(psutil.Process().children(recursive=True))
    ended = typed("count", f"{file}:Linear", "--input", "2x4")
    assert (ended.code, ended.out, ended.err) == (130, "", "interrupted; nothing was kept\n")
    assert left_running(list(set(psutil.Process().children(recursive=True)) - before)) == []
