"""A training step costs the same by the API and by the commands, whatever kernels a CPU has for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import flop_harness as harness
from commands import typed

pytestmark = pytest.mark.filterwarnings("ignore")

BATCH, STEPS, WIDTH, HIDDEN = 2, 6, 8, 5
PRODUCT = BATCH * STEPS * STEPS * WIDTH
"""Of queries with keys over all heads, or of what comes of it with values"""

MODELS = f"""
import torch
from torch import nn

class Fused(nn.Module):
    def __init__(self):
        super().__init__()
        self.projected = nn.Linear({WIDTH}, {3 * WIDTH})

    def forward(self, x):
        q, k, v = self.projected(x).view({BATCH}, {STEPS}, 3, 2, -1).permute(2, 0, 3, 1, 4)
        return nn.functional.scaled_dot_product_attention(q, k, v)

class Looking(Fused):
    def forward(self, x):
        return super().forward(x) if x.sum() == x.sum() else x

def attention():
    return nn.TransformerEncoderLayer({WIDTH}, 2, {WIDTH}, batch_first=True)

def recurrent():
    return nn.LSTM({WIDTH}, {HIDDEN}, batch_first=True)

class First(nn.Module):
    def forward(self, made):
        return made[0] if made[0].sum() == made[0].sum() else -made[0]

def checked():
    return nn.Sequential(recurrent(), First())
"""
PROJECTED = BATCH * STEPS * WIDTH * 3 * WIDTH
INNER = BATCH * STEPS * WIDTH * WIDTH
GATES = BATCH * STEPS * 4 * HIDDEN
WANTED = {
    # the input has no gradient
    "Fused": 2 * PROJECTED + 6 * PRODUCT,
    "Looking": 2 * PROJECTED + 6 * PRODUCT,
    "attention": 2 * PROJECTED + 6 * PRODUCT + 3 * 3 * INNER,
    # nor has the state before the first step
    "recurrent": GATES * (2 * WIDTH + 3 * HIDDEN) - BATCH * 4 * HIDDEN * HIDDEN,
    "checked": GATES * (2 * WIDTH + 3 * HIDDEN) - BATCH * 4 * HIDDEN * HIDDEN,
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "stepped.py").write_text(MODELS)
    return tmp_path / "stepped.py"


def made(file: Path, name: str) -> nn.Module:
    space: dict = {}
    exec(file.read_text(), space)
    return space[name]().train()


@pytest.mark.parametrize("name", WANTED)
def test_a_step_costs_the_same(file, name):
    told = typed("count", f"{file}:{name}", "--input", f"{BATCH}x{STEPS}x{WIDTH}", "--training")
    assert f"{name}: {WANTED[name]:,} MAC" in told.out
    counted = harness.count(made(file, name), torch.rand(BATCH, STEPS, WIDTH), training=True)
    assert counted.macs == WANTED[name]


BY_THE_API = """
import sys, warnings
warnings.simplefilter("ignore")
import torch, stepped
import flop_harness as harness
if sys.argv[2:] == ["threads"]:  # which a first gradient starts after fake devices
    torch.export.export(torch.nn.Linear(2, 2), (torch.rand(1, 2),))
    torch.ones((), requires_grad=True).backward()
run = harness.compare(getattr(stepped, sys.argv[1])().train(), (2, 6, 8), counters="torch", training=True).run
print({bridge.reference for bridge in run.bridges if bridge.metric == "compute"},
      {bridge.residual for bridge in run.bridges}, {each.status for each in run.readings})
"""


def by_the_api(file: Path, *words: str) -> str:
    command = [sys.executable, "-c", BY_THE_API, *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=file.parent).stdout.strip()


@pytest.mark.parametrize("name", ["Fused", "recurrent"])
def test_what_the_cpu_does_beyond_that_is_a_term(file, name):
    """A fused kernel computes the scores once more; one of oneDNN makes gradients that nobody asked for."""
    shape = f"{BATCH}x{STEPS}x{WIDTH}"
    model = (f"{file}:{name}", "--input", shape, "--no-timing", "--training", "--counters", "torch")
    run = json.loads(typed("compare", *model, "--json").out)
    by_command = {row["amount"] for row in run["bridges"] if row["term"] == "reference"}
    assert by_command == {WANTED[name]}
    assert run["verdict"]["unexplained"] == run["verdict"]["failed"] == 0
    assert by_the_api(file, name) == f"{{{WANTED[name]}}} {{0}} {{'ok'}}"


def test_where_no_fork_may_take_gradients_the_counters_are_unavailable(file):
    assert by_the_api(file, "Fused", "threads").endswith("{'unavailable'}")
