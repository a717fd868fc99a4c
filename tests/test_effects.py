"""What a counter does to the model that it counts; each row of the stored table is reproduced."""

from __future__ import annotations

import json
from pathlib import Path

import faulty.counters
import pytest
import torch
from cells import HERE
from torch import nn

from harness.effects import COLUMNS, effects
from harness.report.effects import markdown

STORED = Path(__file__).parent.parent / "results" / "effects" / "effects.json"


def network() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    torch.manual_seed(0)
    layers = (
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
        nn.Linear(4 * 8 * 8, 5),
    )  # fmt: skip
    return nn.Sequential(*layers), (torch.rand(1, 3, 8, 8),)


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("good", set()),
        ("returns_nan", {"second call differs"}),  # a nan is not equal to itself
        ("litters", {"hooks", "buffers", "attributes", "state_dict keys", "does not pickle",
                     "state_dict does not load"}),
        ("patches_torch", {"torch patched", "does not train", "second call differs"}),
        ("zeroes_weights", {"tensors", "does not train"}),
        ("raises", {"no answer"}),
    ],
)  # fmt: skip
def test_what_a_counter_did_is_seen(name, columns):
    found = effects(getattr(faulty.counters, name), network)
    assert columns <= set(found)
    assert set(found) <= {*COLUMNS, "no answer"}
    if name == "good":
        assert found == {}


@pytest.mark.parametrize("counter", HERE, ids=[counter.id for counter in HERE])
def test_the_stored_table_is_reproduced(counter):
    if not STORED.is_file():
        pytest.skip("the table is not stored here")
    assert effects(counter, network) == json.loads(STORED.read_text())[counter.id]


def test_the_fragment_names_every_counter_and_escapes_what_it_says():
    page = markdown({"thop": {"buffers": "<b> | total_ops"}, "torch": {}}).decode()
    assert "| thop | buffers |" in page
    assert "| torch |" in page
    assert "<b>" not in page
