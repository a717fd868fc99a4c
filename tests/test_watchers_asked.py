"""A model that asks for what a count may change, or draws numbers of Python's or numpy's, is told of."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from commands import typed, typed_apart
from flop_harness.trace.questions import watchers_in

FILE = """
import gc, inspect, random, sys, time
import numpy
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        y = self.a(x)
        return self.b(y) if {asks} else y
"""
ASKS = {
    "inspect.stack()": "inspect.stack",
    "sys._getframe(1).f_code.co_name == 'f'": "_getframe",
    "gc.isenabled()": "isenabled",
    "torch._C._len_torch_dispatch_stack()": "_len_torch_dispatch_stack",
    "vars(y)": "vars",
    "'grad_fn' in repr(y)": "repr",
    "int(time.perf_counter_ns()) % 1 == 0": "time",
    "int(time.time())": "time",
}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def written(asks: str) -> tuple[str, ...]:
    Path("asking.py").write_text(FILE.format(asks=asks))
    return "asking.py:Net", "--input", "2x4", "--eval"


def told_by(*words: str) -> str:
    return " ".join(typed_apart(*words).err.split())


@pytest.mark.parametrize("asks", ASKS)
def test_it_is_told_that_a_plain_call_might_answer_otherwise(asks):
    told = f"asks for what a count may change ({ASKS[asks]}): counted as it goes meanwhile"
    assert told_by("count", *written(asks)) == f"flop-harness: asking.py:Net {told}"


def test_every_command_tells():
    model = written("gc.isenabled()")
    assert "asks for what a count may change" in told_by("layers", *model)
    assert "asks for what a count may change" in told_by(
        "compare", *model, "--no-timing", "--counters", "thop"
    )
    figure = ("convert", "16", "--from", "thop", "--to", "macs", "--model")
    assert "asks for what a count may change" in told_by(*figure, *model)


def test_stacked_tensors_are_no_question():
    assert told_by("count", *written("torch.stack([y, y]).shape")) == ""


def test_a_clock_that_chooses_no_way_is_no_question():
    def since(start):
        return time.time() - start

    def is_late(start):
        return "late" if time.time() > start else "early"

    assert not watchers_in(since.__code__)
    assert watchers_in(is_late.__code__) == {"time"}


@pytest.mark.parametrize(
    ("draws", "source"),
    {
        "random.random() < 2": "random.py",
        "numpy.random.rand() < 2": "numpy/random",
    }.items(),
)
def test_what_hangs_on_numbers_drawn_outside_of_torch_says_so(draws, source):
    assert f"hangs on values at {source}" in typed("count", *written(draws)).out
    assert "hangs on values" not in typed("count", *written("True")).out
