"""Operators without a meta kernel run on the CPU in a training step: on numbers that they can read."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from flop_harness import count


class Then(nn.Module):
    """A layer of 6 by 6, and a loss of what it gives."""

    def __init__(self, loss) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 6)
        self.loss = loss

    def forward(self, x):
        return self.loss(x, self.layer(x))


def banded(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    places = torch.arange(4)
    return y * torch.sparse.spdiags(y.detach(), places, (4, 6)).to_dense()


LOSSES = {
    "classes found": lambda x, y: F.multi_margin_loss(y, x.argmax(1)),
    "classes in order": lambda x, y: F.multilabel_margin_loss(y, x.argsort(1)),
    "windows at random": lambda x, y: nn.FractionalMaxPool3d(2, 1)(
        y.repeat(1, 3).view(1, 1, 3, 4, 6)
    ),
    "diagonals": banded,
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_costs_what_its_layer_does(name):
    """Four rows: forward, and for the weight; the input needs no gradient."""
    found = count(Then(LOSSES[name]), torch.rand(4, 6), training=True)
    assert found.macs == 2 * 4 * 6 * 6


@torch.library.custom_op("flop_tests::faulty_on_meta", mutates_args=())
def faulty(x: torch.Tensor) -> torch.Tensor:
    return x.clone()


@faulty.register_fake
def _(x):
    return None.device  # as of a bias that is not there


def test_a_faulty_meta_kernel_is_not_asked_twice():
    """``_thnn_fused_lstm_cell`` of torch has one, for cells without a bias on a GPU."""
    model = nn.Sequential(nn.Linear(6, 6), After(torch.ops.flop_tests.faulty_on_meta))
    assert count(model, torch.rand(4, 6)).macs == 4 * 6 * 6


class After(nn.Module):
    def __init__(self, function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)
