"""A model layer by layer: every figure by arithmetic from the dimensions."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from flop_harness.ask.layer_tables import totals
from flop_harness.ask.layers import Layers, chosen, layers_of_trace, state_of
from flop_harness.errors import UserError
from flop_harness.run.tracing import traced


class Net(nn.Module):
    """A convolution of 3 channels to 6 on 10 x 10, called twice through one layer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6))
        self.again = nn.Conv2d(6, 6, 1, bias=False)
        self.unused = nn.Linear(2, 2)
        self.stem[0].bias.requires_grad = False

    def forward(self, x):
        return self.again(self.again(self.stem(x)))


BATCH = 4
OUT = BATCH * 6 * 8 * 8
STEM = OUT * 27
AGAIN = 2 * OUT * 6
PARAMS = 6 * 27 + 6 + 12 + 36 + 6


@pytest.fixture(scope="module")
def found() -> Layers:
    net = Net().eval()
    trace = traced(lambda: (net, (torch.rand(BATCH, 3, 10, 10),), {}))
    return layers_of_trace("Net", trace, state_of(net), {"mine": {"": 7, "stem": 7}})


def row(found: Layers, path: str):
    return next(each for each in found.layers if each.path == path)


def test_the_tree_stands_in_its_order(found: Layers):
    assert [each.path for each in found.layers] == [
        "", "stem", "stem.0", "stem.1", "again", "unused"
    ]  # fmt: skip
    assert [each.depth for each in found.layers] == [0, 1, 2, 2, 1, 1]


def test_shapes_calls_and_work(found: Layers):
    stem, again = row(found, "stem.0"), row(found, "again")
    assert (stem.input, stem.output) == ("4x3x10x10", "4x6x8x8")
    assert (stem.macs, again.macs, found.whole.macs) == (STEM, AGAIN, STEM + AGAIN)
    assert (again.calls, row(found, "unused").calls) == (2, 0)


def test_parameters_trainable_and_frozen(found: Layers):
    assert found.whole.parameters == PARAMS
    assert found.whole.trainable == PARAMS - 6
    assert row(found, "stem").parameters == 6 * 27 + 6 + 12


def test_activations_are_what_innermost_modules_hand_on(found: Layers):
    # the convolution and the norm of the stem, and twice the other convolution; float32
    assert found.whole.activations == 4 * 4 * OUT
    assert row(found, "stem").activations == 2 * 4 * OUT


def test_bytes_are_read_and_written_once_by_each_operator(found: Layers):
    # input, weight, output
    assert row(found, "again").bytes == 2 * 4 * (OUT + 36 + OUT)


def test_totals_per_batch_and_per_sample(found: Layers):
    said = {name: value for name, value, _ in totals(found)}
    assert said["MACs, batch of 4"] == STEM + AGAIN
    assert said["MACs per sample"] == (STEM + AGAIN) // 4
    assert said["FLOPs (2 × MAC) per sample"] == (STEM + AGAIN) // 2
    assert said["frozen parameters"] == 6
    assert said["buffers"] == 6 + 6 + 1  # running mean and variance, batches seen
    assert said["checkpoint (bytes of its tensors)"] == 4 * (PARAMS + 12) + 8


def test_what_a_counter_says_stands_in_its_column(found: Layers):
    assert [each.said["mine"] for each in found.layers] == [7, 7, 0, 0, 0, 0]


def test_layers_are_chosen(found: Layers):
    assert [each.path for each in chosen(found, 1, None, None, None)] == [
        "", "stem", "again", "unused"
    ]  # fmt: skip
    assert [each.path for each in chosen(found, None, None, None, "Conv2d")] == ["stem.0", "again"]
    assert [each.path for each in chosen(found, None, "macs", 2, None)] == ["stem.0", "again"]
    assert chosen(found, None, "calls", 1, None)[0].path == "again"
    with pytest.raises(UserError, match="did you mean 'Conv2d'"):
        chosen(found, None, None, None, "Conv2D")
    with pytest.raises(UserError, match="did you mean 'macs'"):
        chosen(found, None, "mac", None, None)
