"""Models that a factory loads from a file: programs of TorchScript and of torch.export, pickled ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import flop_harness as harness
from commands import typed

pytestmark = pytest.mark.filterwarnings("ignore")

STEPS, WIDTH, HIDDEN = 7, 4, 5
RECURRENT = STEPS * 4 * HIDDEN * (WIDTH + HIDDEN)
HEAD = STEPS * HIDDEN * HIDDEN
MACS = RECURRENT + 2 * HEAD
PARAMETERS = 4 * HIDDEN * (WIDTH + HIDDEN + 2) + HIDDEN * HIDDEN + HIDDEN
MODEL = f"""
import pathlib
import torch
from torch import nn

HERE = pathlib.Path(__file__).parent

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM({WIDTH}, {HIDDEN}, batch_first=True)
        self.head = self.again = nn.Linear({HIDDEN}, {HIDDEN})

    def forward(self, x):
        return self.again(self.head(self.lstm(x)[0]))

def scripted():
    return torch.jit.load(HERE / "scripted.pt")

def traced():
    return torch.jit.load(HERE / "traced.pt", map_location="cpu")

def pickled():
    return torch.load(HERE / "pickled.pt", weights_only=False)

def exported():
    return torch.export.load(HERE / "exported.pt2")
"""
KINDS = ("scripted", "traced", "pickled", "exported")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a file of factories beside what they load."""
    folder = tmp_path_factory.mktemp("loaded")
    (folder / "kept.py").write_text(MODEL)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        import kept

        model, x = kept.Net().eval(), torch.rand(1, STEPS, WIDTH)
        torch.jit.script(model).save(folder / "scripted.pt")
        torch.jit.trace(model, x).save(folder / "traced.pt")
        torch.save(model, folder / "pickled.pt")
        torch.export.save(torch.export.export(model, (x,)), folder / "exported.pt2")
    return folder


def counted(place: Path, kind: str, *options: str):
    return typed("count", f"{place}/kept.py:{kind}", "--input", f"1x{STEPS}x{WIDTH}", *options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_model_counts_as_what_was_saved(place, kind):
    told = counted(place, kind)
    parameters = PARAMETERS if kind != "exported" else PARAMETERS + HIDDEN * HIDDEN + HIDDEN
    assert f"{kind}: {MACS:,} MAC, {parameters:,} parameters" in told.out
    assert "Traceback" not in told.err


@pytest.mark.parametrize("kind", ["scripted", "traced"])
def test_a_training_step_of_one_is_three_passes(place, kind):
    """But for the gradients of the input and of the state before the first step, which nobody needs."""
    needless = STEPS * 4 * HIDDEN * WIDTH + 4 * HIDDEN * HIDDEN
    assert f"{kind}: {3 * MACS - needless:,} MAC" in counted(place, kind, "--training").out


@pytest.mark.parametrize("loaded", [True, False])
def test_counting_a_step_leaves_no_gradients_in_the_caller_s_program(tmp_path, loaded):
    program = torch.jit.script(nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)))
    if loaded:
        program.save(tmp_path / "program.pt")
        program = torch.jit.load(tmp_path / "program.pt")
    kinds = [type(each) for each in program.parameters()]
    assert harness.count(program, torch.rand(1, 4), training=True).macs == 3 * 18 - 12
    assert [type(each) for each in program.parameters()] == kinds
    assert all(each.grad is None and each.requires_grad for each in program.parameters())


def test_an_error_inside_a_program_is_told_without_its_traceback(place):
    told = typed("count", f"{place}/kept.py:scripted", "--input", f"1x{STEPS}x{WIDTH + 1}")
    assert told.code == 2 and "TorchScript" not in told.err
    assert (
        f"input.size(-1) must be equal to input_size. Expected {WIDTH}, got {WIDTH + 1}" in told.err
    )
