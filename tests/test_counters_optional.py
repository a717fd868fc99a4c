"""Optional counters from folders of their own: rules predict their figures, terms follow from shapes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import flop_harness
from flop_harness import counters
from flop_harness.counters import overlay
from layers import Factory, made, sequential
from networks import NETWORKS
from overlaid import outcomes
from sharing import SHARING

pytestmark = pytest.mark.filterwarnings("ignore")

# What a tool's process imports before it is forked for each sample.
TOOLS = {
    "lightning": "lightning_fabric.utilities.throughput",
    "torch-flops": "torch_flops",
    "torchsummary": "torchsummary",
    "torchsummaryx": "torchsummaryX",
    "torchstat": "torchstat",
    "torchstat-madd": "torchstat",
    "onnx-tool": "onnx_tool",
}


class Program(nn.Module):
    """A function of one input, beside a layer that it may call."""

    def __init__(self, function: Any, layer: nn.Module) -> None:
        super().__init__()
        self.function, self.layer = function, layer

    def forward(self, x):
        return self.function(self.layer, x)


def program(function: Any, layer: Any, shape: tuple[int, ...]) -> Factory:
    return made(lambda: Program(function, layer()), shape)


def sizes(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Two rows for each of 2 x 3 sequences."""
    batch, length = x.size(0), x.size(1)
    return layer(x.reshape(batch * length, 4)) * 2


def attends(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    scores = (x @ x.transpose(-2, -1)).softmax(dim=-1)
    return layer(F.scaled_dot_product_attention(x, x, x) + scores @ x)


def filtered(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return F.conv2d(x, layer.weight, layer.bias) + F.conv2d(x, layer.weight, bias=layer.bias)


def again(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return layer(layer(x))


def frozen() -> nn.Module:
    return nn.Linear(4, 4).requires_grad_(False)


def image(*layers: Any) -> Factory:
    """On one image of 3 channels, 6 by 8."""
    return made(sequential(*layers), (1, 3, 6, 8))


SAMPLES: dict[str, Factory] = {
    "convolutions": image(
        lambda: nn.Conv2d(3, 6, 3, padding=1, groups=3), lambda: nn.BatchNorm2d(6), nn.ReLU,
        lambda: nn.MaxPool2d(2), lambda: nn.Conv2d(6, 4, (3, 1), bias=False),
        lambda: nn.AvgPool2d((1, 2)), nn.Flatten, lambda: nn.Linear(4 * 1 * 2, 5)),
    "decoder": image(
        lambda: nn.Conv2d(3, 4, 1), lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2),
        lambda: nn.PReLU(6), lambda: nn.Upsample(scale_factor=2), lambda: nn.ReLU6()),
    "normalised": image(
        lambda: nn.Conv2d(3, 4, 3), lambda: nn.GroupNorm(2, 4), nn.GELU,
        lambda: nn.AdaptiveAvgPool2d(3), lambda: nn.LeakyReLU(), lambda: nn.Softmax(1)),
    "called twice": program(again, lambda: nn.Linear(4, 4), (2, 4)),
    "filtered twice": program(again, lambda: nn.Conv2d(3, 3, 1), (1, 3, 6, 8)),
    "frozen": program(again, frozen, (2, 4)),
    "sequences": program(lambda layer, x: layer(x), lambda: nn.Linear(4, 5), (2, 3, 4)),
    "sizes": program(sizes, lambda: nn.Linear(4, 5), (2, 3, 4)),
    "attention": program(attends, lambda: nn.Linear(4, 5), (1, 2, 3, 4)),
    "functional": program(filtered, lambda: nn.Conv2d(3, 4, 2), (1, 3, 5, 6)),
    "recurrent": program(lambda layer, x: layer(x)[0], lambda: nn.LSTM(4, 5), (2, 3, 4)),
    **{name: NETWORKS[name] for name in ("residual block",)},
    **{name: SHARING[name] for name in ("shared block",)},
}  # fmt: skip
NO_IMAGES = (
    "called twice",
    "frozen",
    "sequences",
    "sizes",
    "attention",
    "recurrent",
    "shared block",
)
# A tool that raises is no failure of ours; it has to be that tool, and for its own reason.
REFUSALS: dict[tuple[str, str], str] = {
    ("functional", "torchsummary"): "'int' object has no attribute 'numpy'",
    ("recurrent", "torchsummary"): "'tuple' object has no attribute 'size'",
    ("functional", "torchsummaryx"): "KeyError: 'macs'",
    **{(name, "torchstat"): "AssertionError" for name in NO_IMAGES},
    **{(name, "torchstat-madd"): "AssertionError" for name in NO_IMAGES},
}
TERMS: dict[tuple[str, str], dict[str, int]] = {
    # 2 x 3 rows of 4 -> 5, in a product of sizes and the doubling of 6 x 5 elements.
    ("sizes", "torch-flops"): {
        "2 FLOPs per MAC": 6 * 4 * 5,
        "K - 1 additions per output": -6 * 5,
        "linear bias": 6 * 5,
        "arithmetic of sizes": 1,
        "multiplication": 6 * 5,
    },
    ("sequences", "torchsummaryx"): {"linear by its weights": 4 * 5 - 2 * 3 * 4 * 5},
    # Two calls of 4 x 4 weights, of which the first is left out.
    ("frozen", "torchsummaryx"): {"linear by its weights": 16 - 2 * 16, "linear not seen": -2 * 16},
    # A product of rows comes apart from its bias.
    ("sequences", "onnx-tool"): {"addition": 2 * 3 * 5},
    # Of 4 filters at 6 x 8 places; then 6 at 13 x 17, of 3 x 3 weights in each of 3 channels of a
    # group, charged there instead of at 6 x 8 with 4 channels; twice as many places each way at last.
    ("decoder", "onnx-tool"): {
        "convolution bias": 4 * 48,
        "transposed convolution counted on its output": (6 * 221 - 4 * 48) * 27,
        "transposed convolution bias": 6 * 221,
        "PReLU": 2 * 6 * 221,
        "clamping": 2 * 6 * 4 * 221,
    },
    ("sequences", "lightning"): {"2 FLOPs per MAC": 2 * 3 * 4 * 5},
    ("called twice", "torchsummary"): {"shared parameters counted again": 4 * 4 + 4},
    # One of two calls of 3 filters of 3 weights, at 6 x 8 positions.
    ("filtered twice", "torchstat"): {
        "convolution not seen": -3 * 3 * 48,
        "convolution bias": 3 * 48,
    },
    ("filtered twice", "torchstat-madd"): {
        "convolution not seen": -3 * 3 * 48,
        "2 FLOPs per MAC": 3 * 3 * 48,
        "K - 1 additions per output": -3 * 48,
        "convolution bias": 3 * 48,
    },
}


SLOW = ("onnx-tool", "torchstat-madd")
"""Each export to ONNX takes long, and a second figure of one tool as long as the first"""


@pytest.fixture(params=[pytest.param(tool, marks=pytest.mark.slow) if tool in SLOW else tool
                        for tool in TOOLS])  # fmt: skip
def said(request) -> tuple[str, dict[str, Any]]:
    try:
        return request.param, outcomes(request.param, TOOLS[request.param], SAMPLES)
    except overlay.NotInstallable as error:
        pytest.skip(str(error))


def test_an_optional_tools_rules_predict_its_figures(said):
    """Also that it refuses for its own reason, and the terms that follow from the shapes."""
    tool, became = said
    refusals = {sample: o.message for sample, o in became.items() if o.ending != "ok"}
    expected = {sample: reason for (sample, name), reason in REFUSALS.items() if name == tool}
    assert refusals.keys() == expected.keys(), refusals
    assert all(expected[sample] in refusals[sample] for sample in expected)

    made_of = {sample: o.value for sample, o in became.items() if o.ending == "ok"}
    assert not {
        (sample, metric): (bridge.residual, bridge.steps)
        for sample, bridges in made_of.items()
        for metric, bridge in bridges.items()
        if not bridge.explained
    }
    for (sample, name), terms in TERMS.items():
        if name == tool:
            steps = next(iter(made_of[sample].values())).steps
            assert {step.term: step.amount for step in steps} == terms


@pytest.mark.parametrize("batch", [1, 3])
def test_a_tool_that_makes_one_image_is_explained_for_a_batch(batch):
    """The model alone does so little of one image too: the run without the tool is on one."""
    try:
        overlay.ensure(counters.find_one("torchstat").overlay)
    except overlay.NotInstallable as error:
        pytest.skip(str(error))
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU())
    run = flop_harness.compare(model, torch.rand(batch, 3, 6, 5), counters=("torchstat",)).run
    (bridge,) = (bridge for bridge in run.bridges if bridge.metric == "compute")
    places, macs = 4 * 6 * 5, 3 * 9
    assert bridge.reference == batch * places * macs
    assert bridge.reading == places * (macs + 1) + places and bridge.explained


def test_a_normalisation_goes_into_the_convolution_before_it():
    """Its shift becomes that one's bias, where it is not zero; what the tool had exported is priced."""
    try:
        overlay.ensure(counters.find_one("onnx-tool").overlay)
    except overlay.NotInstallable as error:
        pytest.skip(str(error))
    layers = nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.ReLU()
    model = nn.Sequential(*layers).eval()
    nn.init.ones_(model[1].bias)
    run = flop_harness.compare(model, torch.rand(2, 3, 6, 5), counters=("onnx-tool",)).run
    (bridge,) = run.bridges
    outputs = 2 * 4 * 6 * 5
    assert {step.term: step.amount for step in bridge.steps} == {
        "convolution bias": outputs,
        "ReLU": outputs,
    }
    assert bridge.reference == 27 * outputs and bridge.explained


class Multiplied(nn.Module):
    def forward(self, a, b):
        return torch.matmul(a, b)


@pytest.mark.parametrize(
    ("left", "right", "batch", "taken"),
    [((2, 1), (3,), 2 * 3, 3), ((4, 1), (1, 3), 4 * 3, 4), ((2, 3), (3,), 2 * 3, 2 * 3)],
)
def test_batches_that_broadcast_are_taken_for_the_larger(left, right, batch, taken):
    try:
        overlay.ensure(counters.find_one("onnx-tool").overlay)
    except overlay.NotInstallable as error:
        pytest.skip(str(error))
    given = torch.rand(*left, 4, 8), torch.rand(*right, 8, 5)
    run = flop_harness.compare(Multiplied(), *given, counters=("onnx-tool",)).run
    (bridge,) = run.bridges
    macs = 4 * 8 * 5
    assert (bridge.reference, bridge.reading) == (batch * macs, taken * macs)
    assert bridge.explained


@pytest.mark.parametrize("name", TOOLS)
def test_an_optional_counter_is_asked_by_name_only(name):
    assert counters.find_one(name) not in counters.find([])
    assert counters.find_one(name) in counters.find(["all"])
