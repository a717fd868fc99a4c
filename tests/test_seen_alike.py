"""Which counters see the same pass of a model: then one trace is taken for all of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from flop_harness.counters import counters, find_one
from flop_harness.records import Context
from flop_harness.run.contexts import seen_alike

IMAGE = (torch.rand(1, 3, 8, 8),)
HERE = Context(mode="eval")


def convolutions() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())


def attention() -> nn.Module:
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)


class Watching(nn.Module):
    """Does more work where somebody has a hook on it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for _ in range(1 + len(self._forward_hooks)):
            x = self.layer(x)
        return x


def keys(model: nn.Module, args: tuple, kwargs: dict[str, Any] | None = None) -> dict[str, Any]:
    return {name: seen_alike(counter, HERE, model, args, kwargs or {})
            for name, counter in counters().items()}  # fmt: skip


ADAPT_INPUTS = {"torchsummary", "torchstat", "torchstat-madd", "hf-trainer"}


def test_of_layers_of_torch_every_counter_sees_the_same_and_so_does_nobody():
    """But for those that make inputs of another batch, or pass all of them on by name."""
    told, nobody = keys(convolutions(), IMAGE), seen_alike(None, HERE, convolutions(), IMAGE, {})
    assert {name for name, key in told.items() if key != nobody} == ADAPT_INPUTS


def test_beside_attention_hooks_matter_and_the_places_that_they_are_on():
    told = keys(attention(), (torch.rand(1, 3, 8),))
    assert told["torchinfo"] != told["torch"]  # hooks on all modules, on none
    assert told["numel"] == told["torch"]


def test_a_model_of_the_users_may_look_at_its_hooks():
    told = keys(Watching(), (torch.rand(2, 4),))
    assert told["torchinfo"] != told["torch"]


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((torch.rand(1), torch.rand(1)), {}), ((), {"x": torch.rand(1)}), (([torch.rand(1)],), {})],
)
def test_inputs_that_counters_pass_on_in_their_own_ways_keep_them_apart(args, kwargs):
    told = keys(convolutions(), args, kwargs)
    assert told["fvcore"] != told["torch"]


def test_contexts_in_which_a_model_runs_otherwise_are_apart():
    torch_s = find_one("torch")
    variants = [HERE, Context(grad=True, mode="eval"), Context(mode="train"),
                Context("meta", mode="eval"), Context(mode="eval", variant="math")]  # fmt: skip
    told = {seen_alike(torch_s, each, convolutions(), IMAGE, {}) for each in variants}
    assert len(told) == len(variants)


def test_a_variant_that_only_asks_for_another_figure_is_the_same_pass():
    trainable = Context(mode="eval", variant="trainable")
    numel = find_one("numel")
    here, other = (seen_alike(numel, each, convolutions(), IMAGE, {}) for each in (HERE, trainable))
    assert here == other
