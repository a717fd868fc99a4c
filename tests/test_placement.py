"""A model that asks where its tensors lie is counted as on the CPU, and not as on meta."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands import typed

pytestmark = pytest.mark.filterwarnings("ignore")

WIDE, NARROW = 2 * 4 * 8, 2 * 4 * 2
WAYS = {
    "by type": 'x.device.type == "cpu"',
    "by device": 'self.wide.weight.device == torch.device("cpu")',
    "among others": 'x.device.type in ("cpu", "mps")',
    "by flag": "x.is_cpu and not x.is_meta",
    "by address": "x.data_ptr() != 0",
    "in a helper": "on_the_cpu(x)",
}
FILE = """
import torch
from torch import nn

def on_the_cpu(x):
    return not x.is_meta

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Linear(4, 8), nn.Linear(4, 2)

    def forward(self, x):
        return self.wide(x) if {asks} else self.narrow(x)

def on_meta():
    with torch.device("meta"):
        return Net()
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def counted(place: Path, asks: str, factory: str = "Net") -> str:
    (place / "asking.py").write_text(FILE.format(asks=asks))
    return typed("count", f"asking.py:{factory}", "--input", "2x4").out


@pytest.mark.parametrize("way", WAYS)
def test_it_takes_the_way_that_it_takes_on_the_cpu(place, way):
    told = counted(place, WAYS[way])
    assert told.startswith(f"asking.py:Net: {WIDE} MAC, 50 parameters")
    assert "cpu no_grad train" in told


def test_a_model_that_makes_tensors_where_its_input_lies_is_counted_on_meta(place):
    told = counted(place, "torch.arange(len(x), device=x.device).shape == (2,)")
    assert told.startswith(f"asking.py:Net: {WIDE} MAC") and "meta no_grad train" in told


def test_a_model_that_its_factory_leaves_on_meta_is_counted_there(place):
    assert counted(place, WAYS["by type"], "on_meta").startswith(f"asking.py:on_meta: {NARROW} MAC")


def test_every_command_says_the_same(place):
    """Half of a batch of two is what ptflops leaves of a layer with its bias."""
    counted(place, WAYS["by type"])
    model = ("asking.py:Net", "--input", "2x4")
    layers = json.loads(typed("layers", *model, "--json").out)
    assert sum(each["macs"] for each in layers["layers"] if each["path"]) == WIDE
    run = json.loads(typed("compare", *model, "--no-timing", "--counters", "thop,ptflops-pytorch", "--json").out)  # fmt: skip
    said = {(each["counter"], each["value"]) for each in run["readings"] if each["metric"] == "compute"}  # fmt: skip
    assert {("thop", WIDE), ("ptflops-pytorch", (WIDE + 2 * 8) // 2)} <= said
    assert (run["verdict"]["explained"], run["verdict"]["failed"]) == (4, 0)  # of two metrics
