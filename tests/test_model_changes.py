"""What changed in a model, told from two traces of it."""

from __future__ import annotations

import torch
from torch import nn

from flop_harness.reconcile.models import model_changes
from flop_harness.run.tracing import traced


def changes(before: nn.Module, after: nn.Module, *shapes: tuple[int, ...]) -> list[str]:
    first, last = (shapes * 2)[:2] if len(shapes) == 1 else shapes
    traces = [traced(lambda net=net, shape=shape: (net, (torch.rand(shape),), {}))
              for net, shape in ((before, first), (after, last))]  # fmt: skip
    return list(model_changes(*traces))


def net(width: int = 32, *more: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width), *more).eval()


def test_the_same_model_has_not_changed():
    assert changes(net(), net(), (1, 3, 8, 8)) == []


def test_a_width_is_told_where_it_is_set():
    assert changes(net(32), net(64), (1, 3, 8, 8)) == [
        "0: out_channels 32 -> 64", "1: num_features 32 -> 64"
    ]  # fmt: skip


def test_modules_that_came_and_went():
    assert changes(net(32), net(32, nn.ReLU()), (1, 3, 8, 8)) == ["2: new, a ReLU"]
    assert changes(net(32, nn.ReLU()), net(32), (1, 3, 8, 8)) == ["2: gone, was a ReLU"]


def test_another_class_another_input_another_mode():
    (told,) = changes(net(32, nn.ReLU()), net(32, nn.Tanh()), (1, 3, 8, 8))
    assert told.startswith("2: class ReLU -> Tanh")
    assert changes(net(), net(), (1, 3, 8, 8), (2, 3, 8, 8)) == ["inputs 1x3x8x8 -> 2x3x8x8"]
    told = changes(net(), net().train(), (1, 3, 8, 8))
    assert told == ["the model: now in training mode", "0: now in training mode",
                    "1: now in training mode"]  # fmt: skip


def test_a_frozen_parameter():
    frozen = net()
    frozen[0].bias.requires_grad = False
    assert changes(net(), frozen, (1, 3, 8, 8)) == ["0: bias 32 -> 32 frozen"]
