"""A model layer by layer: every figure by arithmetic from the dimensions."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm
from torchvision.models import ResNet50_Weights

from commands import typed
from flop_harness.ask.checkpoint import state_of
from flop_harness.ask.layer_choice import chosen
from flop_harness.ask.layer_tables import layer_table, totals
from flop_harness.ask.layers import Layers, layers_of_trace
from flop_harness.errors import UserError
from flop_harness.report.words.text import part
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


def test_output_bytes_are_what_innermost_modules_hand_on(found: Layers):
    # the convolution and the norm of the stem, and twice the other convolution; float32
    assert found.whole.output_bytes == 4 * 4 * OUT
    assert row(found, "stem").output_bytes == 2 * 4 * OUT


def test_bytes_are_read_and_written_once_by_each_operator(found: Layers):
    # input, weight, output
    assert row(found, "again").bytes == 2 * 4 * (OUT + 36 + OUT)


def test_totals_per_batch_and_per_sample(found: Layers):
    said = {name: value for name, value, _ in totals(found)}
    assert said["MACs, batch of 4"] == STEM + AGAIN
    assert said["MACs per sample"] == (STEM + AGAIN) // 4
    assert said["FLOPs (2 × MAC) per sample"] == (STEM + AGAIN) // 2
    assert said["inputs, batch of 4"] == 4 * BATCH * 3 * 10 * 10  # float32
    assert said["frozen parameters"] == 6
    assert said["buffers"] == 6 + 6 + 1  # running mean and variance, batches seen
    assert said["checkpoint (bytes of its tensors)"] == 4 * (PARAMS + 12) + 8


STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
"""(width, blocks) of ResNet-50; a block normalises width, width and 4 width, its first also a shortcut"""


def test_the_checkpoint_of_resnet_50_is_the_97_8_mb_of_its_file_in_mebibytes():
    """Float32 but for what each norm has seen; the file, by torchvision, holds names and padding too."""
    normalised = 64 + sum(6 * width * blocks + 4 * width for width, blocks in STAGES)
    norms = 1 + sum(3 * blocks + 1 for _, blocks in STAGES)
    held = 4 * (25_557_032 + 2 * normalised) + 8 * norms
    shown = typed("layers", "torchvision:resnet50", "--depth", "0").out
    (line,) = [each for each in shown.splitlines() if each.startswith(" checkpoint")]
    assert line.split("tensors)")[1].split() == [
        f"{held:,}", f"{held / 1e6:.1f}", "MB,", f"{held / 2**20:.2f}", "MiB"
    ]  # fmt: skip
    file = ResNet50_Weights.IMAGENET1K_V1.meta["_file_size"]
    assert f"{file:.1f}" == "97.8"
    assert 1 < file / (held / 2**20) < 1.001


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


class Mixer(nn.Module):
    """Attention, whose projection is not called, a function beside a child, a recurrence, a weight
    that is computed, and a child that is never called; 5 tokens of width 8."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.gate = Gate()
        self.recurrence = nn.GRU(8, 3, batch_first=True)
        self.last = weight_norm(nn.Linear(3, 7))

    def forward(self, x):
        attended, _ = self.attention(x, x, x, need_weights=False)
        return self.last(self.recurrence(self.gate(attended))[0])


class Gate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(8, 8)
        self.unused = nn.Linear(8, 8)

    def forward(self, x):
        return x * torch.sigmoid(self.inner(x))


OUTPUTS = {  # elements; of the recurrence its last state too
    "attention": 5 * 8, "gate.inner": 5 * 8, "recurrence": 5 * 3 + 3, "last": 5 * 7,
}  # fmt: skip


@pytest.fixture(scope="module", params=[True, False], ids=["train", "eval"])
def mixed(request) -> Layers:
    net = Mixer().train(request.param)
    trace = traced(lambda: (net, (torch.rand(1, 5, 8),), {}))
    return layers_of_trace("Mixer", trace, state_of(net))


def test_a_module_whose_children_are_not_called_hands_on_its_output(mixed: Layers):
    said = {path: row(mixed, path).output_bytes for path in OUTPUTS}
    assert said == {path: 4 * elements for path, elements in OUTPUTS.items()}
    assert row(mixed, "gate").output_bytes == row(mixed, "gate.inner").output_bytes
    assert row(mixed, "gate.unused").output_bytes == 0
    assert mixed.whole.output_bytes == 4 * sum(OUTPUTS.values())


def test_attention_stands_among_the_layers_that_are_sorted(mixed: Layers):
    first, *_ = chosen(mixed, None, "macs", None, None)
    assert first.path == "attention"
    assert first.macs == 5 * 8 * 8 * 4 + 2 * 5 * 5 * 8  # four projections, both products


def test_trainable_parameters_stand_beside_all_only_where_some_are_frozen(
    found: Layers, mixed: Layers
):
    assert "trainable" in layer_table(found, found.layers, as_tree=True).names
    assert "trainable" not in layer_table(mixed, mixed.layers, as_tree=True).names


@pytest.mark.parametrize(
    ("share", "told"),
    [(Fraction(1, 26_000), "< 0.1 %"), (Fraction(1, 1000), "0.1 %"), (Fraction(1), "100 %"),
     (Fraction(0), "0 %"), (1 - Fraction(1, 26_000), "> 99.9 %"), (Fraction(3, 2), "150.0 %")],
)  # fmt: skip
def test_a_share_is_never_told_as_all_nothing_or_more_than_it_is(share: Fraction, told: str):
    assert part(float(share)) == told
