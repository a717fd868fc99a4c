"""A training step of a model with an exported part: exporting shows torch devices that are not there."""

from __future__ import annotations

import subprocess
import sys

import pytest

from commands import typed

FILE = """
import torch
from torch import nn

class Part(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3, padding=1), nn.Linear(8, 4)

    def forward(self, x):
        return self.fc(torch.relu(self.conv(x)).mean((2, 3)))

class Net(nn.Module):
    def __init__(self, part):
        super().__init__()
        self.part = part

    def forward(self, x):
        return self.part(x)

X = torch.ones(2, 3, 8, 8)

def exported():
    return Net(torch.export.export(Part(), (X,)).module()), X

def trained():
    net, _ = exported()
    net(X).sum().backward()
    return net, X
"""
CONV, FC = 2 * 8 * 8 * 27 * 8, 2 * 8 * 4
STEP = 2 * CONV + 3 * FC
"""Forward and gradients of weights; of inputs the layer's alone, since the image needs none"""
CALLS = """
import flop_harness, net
module, x = net.exported()
table = flop_harness.compare(module, x, training=True, counters="torch").readings
print(*table.status, *table.value)
module(x).sum().backward()
"""


@pytest.mark.parametrize("factory", ["exported", "trained"])
def test_a_counter_of_training_steps_reads_a_model_with_an_exported_part(factory, tmp_path):
    (tmp_path / "net.py").write_text(FILE)
    model = f"{tmp_path / 'net.py'}:{factory}"
    text = typed("compare", model, "--training", "--counters", "torch").out
    assert f"{STEP:,}" in text
    assert f"{2 * STEP:,}" in text
    assert "3 explained with residual 0, 0 not, 0 failed, 0 unavailable" in text


def test_the_api_takes_no_gradients_in_the_process_of_its_caller(tmp_path):
    (tmp_path / "net.py").write_text(FILE)
    told = subprocess.run(
        [sys.executable, "-c", CALLS], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == ["ok"] * 3 + [f"{2 * STEP}"] * 3
