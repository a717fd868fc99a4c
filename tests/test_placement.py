"""A model that asks where its tensors lie is counted as on the CPU, and not as on meta."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import flop_harness as harness
from commands import typed

pytestmark = pytest.mark.filterwarnings("ignore")

WIDE, NARROW = 2 * 4 * 8, 2 * 4 * 2


class Asking(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.wide, self.narrow = nn.Linear(4, 8), nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.wide(x) if self.asks(x) else self.narrow(x)


class ByType(Asking):
    def asks(self, x: torch.Tensor) -> bool:
        return x.device.type == "cpu"


class ByDevice(Asking):
    def asks(self, x: torch.Tensor) -> bool:
        return self.wide.weight.device == torch.device("cpu")


class AmongOthers(Asking):
    def asks(self, x: torch.Tensor) -> bool:
        return x.device.type in ("cpu", "mps")


class ByFlag(Asking):
    def asks(self, x: torch.Tensor) -> bool:
        return x.is_cpu and not x.is_meta


class ByAddress(Asking):
    def asks(self, x: torch.Tensor) -> bool:
        return x.data_ptr() != 0


@pytest.mark.parametrize("kind", [ByType, ByDevice, AmongOthers, ByFlag, ByAddress])
def test_it_takes_the_way_that_it_takes_on_the_cpu(kind):
    model = kind().eval()
    assert model(torch.rand(2, 4)).shape == (2, 8)
    assert harness.count(model, torch.rand(2, 4)).macs == WIDE


def test_a_layer_that_has_no_size_yet_may_ask_too():
    class Lazy(ByFlag):
        def __init__(self) -> None:
            super().__init__()
            self.wide = nn.LazyLinear(8)

    model = Lazy().eval()
    model.wide(torch.rand(1, 4))
    assert harness.count(model, torch.rand(2, 4)).macs == WIDE
    assert harness.count(Lazy().eval(), torch.rand(2, 4)).macs == WIDE


def test_a_model_that_its_factory_leaves_on_meta_is_counted_there():
    with torch.device("meta"):
        model, x = ByType().eval(), torch.rand(2, 4)
    assert harness.count(model, x).macs == NARROW


def test_a_model_that_makes_tensors_where_its_input_lies_is_not_run():
    class Making(Asking):
        def asks(self, x: torch.Tensor) -> bool:
            return torch.arange(len(x), device=x.device).shape == (2,)

    made = harness.count(Making().eval(), torch.rand(2, 4))
    assert (made.macs, made.trace.executed) == (WIDE, False)


FILE = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.wide, self.narrow = nn.Linear(4, 8), nn.Linear(4, 2)

    def forward(self, x):
        return self.wide(x) if x.device.type == "cpu" else self.narrow(x)

def on_meta():
    with torch.device("meta"):
        return Net()
"""


@pytest.mark.parametrize("factory, macs", [("Net", WIDE), ("on_meta", NARROW)])
def test_the_commands_say_the_same(tmp_path, monkeypatch, factory, macs):
    (tmp_path / "asking.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    model = f"asking.py:{factory}"
    told = typed("count", model, "--input", "2x4").out
    assert told.startswith(f"{model}: {macs} MAC, 50 parameters")
    layers = typed("layers", model, "--input", "2x4", "--json").out
    assert f'"macs": {macs}' in layers
