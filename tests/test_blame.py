"""A large model that does not take its inputs says so before its weights are filled."""

from __future__ import annotations

from pathlib import Path

import pytest

from flop_harness.ask.count import count_case
from flop_harness.errors import ModelRaised
from flop_harness.records import Case, Input
from flop_harness.run import blame
from flop_harness.run.building import CaseModel

MODELS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)
        self.layer = nn.Linear(4, 3)

    def forward(self, ids):
        return self.layer(self.table(ids))

class OnlyForReal(nn.Linear):
    def __init__(self):
        super().__init__(4, 3)

    def forward(self, x):
        if str(x.device).startswith("m"):
            raise RuntimeError("not on meta")
        return super().forward(x)
"""


@pytest.fixture
def made(tmp_path, monkeypatch):
    """How often weights were filled, where every model is a large one."""
    (tmp_path / "models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(blame, "LARGE", 0)
    filled = []
    really = CaseModel.built.func
    monkeypatch.setattr(CaseModel, "built", property(lambda r: filled.append(1) or really(r)))
    return filled


def counted(name: str, *inputs: Input) -> int:
    return count_case(Case("m", name, inputs), folder=str(Path.cwd())).macs


def test_what_does_not_fit_is_said_without_weights(made):
    with pytest.raises(
        ModelRaised, match=r"mat1 and mat2 shapes cannot be multiplied \(2x5 and 4x3"
    ):
        count_case(Case("m", "torch.nn:Linear", (Input((2, 5)),), {"in_features": 4,
                                                                  "out_features": 3}))  # fmt: skip
    assert not made


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ((Input((2, 6)),), "Expected tensor for argument #1 'indices'"),
        ((), "inputs are needed"),
        ((Input((2,), dtype="int64", high=10), Input((2,))), "takes 2 positional arguments"),
    ],
)
def test_of_whatever_kind_the_mistake_is(made, inputs, said):
    with pytest.raises(Exception, match=said):
        counted("models.py:Net", *inputs)
    assert not made


def test_what_raises_on_meta_alone_is_counted_for_real(made):
    with pytest.warns(UserWarning, match="was run for real"):
        assert counted("models.py:OnlyForReal", Input((2, 4))) == 2 * 4 * 3
    assert made


def test_a_model_that_fits_is_counted_on_meta(made):
    assert counted("models.py:Net", Input((2, 6), dtype="int64", high=10)) == 2 * 6 * 4 * 3
    assert not made
