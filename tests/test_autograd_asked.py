"""A model that asks what autograd knows of its tensors takes the way that it takes in a plain call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import typed
from flop_harness.trace.questions import asks_for_history

pytestmark = pytest.mark.filterwarnings("ignore")

ONE = 2 * 4 * 4
"""Products of a layer; each model has a second that runs if the answer is yes."""
FILE = """
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

def recorded(make):
    with torch.enable_grad():
        return make()

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        y = self.a(x)
        return self.b(y) if {asks} else y

class Saves(Net):
    def forward(self, x):
        y = self.a(x)
        return checkpoint(self.b, y, use_reentrant=False) if y.requires_grad else self.b(y)
"""
WITHOUT_GRADIENTS = {
    "y.add_(1)._version == 1": 2,
    "y[0]._is_view()": 2,
    "y[0]._base is y": 2,
    "y.requires_grad": 1,
    "recorded(lambda: self.a.weight * 2).requires_grad": 2,
    "recorded(lambda: self.a.weight * 2).grad_fn is None": 1,
    "recorded(lambda: self.a.weight * 2).is_leaf": 1,
    "y.add_(1)._version == 1 and y.is_cpu": 2,
}


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def written(asks: str = "True", factory: str = "Net") -> tuple[str, ...]:
    Path("asking.py").write_text(FILE.format(asks=asks))
    return f"asking.py:{factory}", "--input", "2x4", "--eval"


@pytest.mark.parametrize("asks", WITHOUT_GRADIENTS)
def test_count_takes_the_way_of_a_call_without_gradients(asks):
    told = typed("count", *written(asks)).out
    assert told.startswith(f"asking.py:Net: {WITHOUT_GRADIENTS[asks] * ONE} MAC, 40 parameters")


@pytest.mark.parametrize(("asks", "more"), {"y.requires_grad": 2, "y.grad_fn is None": 1}.items())
def test_a_training_step_takes_the_way_of_one(asks, more):
    """Of the first layer the weights have gradients, of the second the input too."""
    told = typed("count", *written(asks), "--training").out
    assert told.startswith(f"asking.py:Net: {(2 if more == 1 else 5) * ONE} MAC")


def readings(*model: str) -> dict:
    told = typed("compare", *model, "--no-timing", "--counters", "thop,torch", "--json").out  # fmt: skip
    run = json.loads(told)
    assert run["verdict"]["failed"] == run["verdict"]["unexplained"] == 0, told
    return {
        (each["counter"], " grad" in each["context"]): each["value"]
        for each in run["readings"] if each["metric"] == "compute"
    }  # fmt: skip


def test_counters_that_record_gradients_are_explained_by_the_way_that_they_saw():
    """thop counts a linear layer's products, torch's counter two operations for each."""
    assert readings(*written("y.requires_grad")) == {
        ("thop", False): ONE,
        ("torch", False): 2 * ONE,
        ("torch", True): 4 * ONE,
    }


def test_a_layer_that_saves_memory_where_gradients_are_recorded_is_counted_once():
    assert set(readings(*written(factory="Saves")).values()) == {2 * ONE, 4 * ONE}


@pytest.mark.parametrize("does", ["self.a.weight.requires_grad = True", "y.requires_grad_()"])
def test_to_set_it_is_no_question(does):
    code = compile(does, "asking.py", "exec")
    assert not asks_for_history(code) and asks_for_history(compile("y.requires_grad", "", "exec"))
