"""Counters from folders of their own, in this process one after another: rules predict figures."""

from __future__ import annotations

import sys
from functools import partial

import pytest
import torch
from torch import nn

import cells
from cells import Refusal, bridges
from flop_harness import counters
from flop_harness.counters import overlay
from flop_harness.records import Bridge, Context
from layers import LAYERS, Sample, made, sequential
from networks import NETWORKS, Discards
from programs import PROGRAMS, program
from sharing import SHARING

pytestmark = pytest.mark.filterwarnings("ignore")

SAMPLES = {**LAYERS, **NETWORKS, **PROGRAMS, **SHARING}
# Package folder by counter: what has to leave the process before and after.
PACKAGES = {"ultralytics-thop": "thop", "torchscan": "torchscan", "torchprofile": "torchprofile"}
FAST = [
    "conv1d", "conv2d grouped", "conv2d same even", "conv2d unbatched", "conv3d",
    "conv transposed 2d", "conv transposed grouped", "conv transposed unbatched",
    "linear", "linear 1d", "linear 4d", "linear parametrized", "bilinear", "embedding",
    "batch norm 2d", "batch norm 2d not affine", "layer norm", "group norm", "instance norm affine",
    "rms norm", "relu", "prelu", "gelu", "softmax first", "softmin", "log softmax",
    "softmax without dim", "max pool 2d", "max pool with indices", "average pool 2d",
    "average pool 3d", "adaptive average 2d", "adaptive average unbatched", "adaptive max 2d",
    "upsample nearest", "upsample bilinear", "upsample trilinear", "pixel shuffle",
    "gru bidirectional", "lstm projected both ways", "lstm unbatched", "gru cell",
    "lstm cell unbatched", "attention", "attention without weights", "attention with bias kv",
    "attention with zero", "attention unbatched", "attention by keyword", "attention cross widths",
    "encoder layer norm first", "decoder layer", "transformer", "called by keyword",
    "conv by keyword", "inherited linear", "residual block", "packed lstm", "experts", "in training",
    "list in", "matmul operator", "matmul vector", "mm", "addmm", "bmm method", "einsum heads",
    "einsum matrix vector", "scaled dot product", "scaled dot product grouped", "mul operator",
    "functional conv", "grid sample", "sequential", "called twice", "shared block",
    "reached at three depths", "tied weights", "unused", "own parameters",
]  # fmt: skip

REFUSALS = {("scaled dot product grouped", "torchprofile"): "AssertionError"}


@pytest.fixture
def imported(request, monkeypatch):
    """The counter's package from its own folder, and nothing of it left afterwards."""
    counter = counters.counters()[request.param]
    try:
        folder = overlay.ensure(counter.overlay)
    except overlay.NotInstallable as error:
        pytest.skip(str(error))
    package = PACKAGES[counter.id]
    mine = [name for name in sys.modules if name == package or name.startswith(package + ".")]
    for name in mine:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(folder))
    yield counter.id
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]


def each(*names: str):
    return pytest.mark.parametrize("imported", names, indirect=True)


def made_of(counter: str, factory) -> dict[str, Bridge]:
    (context,) = counters.counters()[counter].contexts
    return bridges(counter, context, factory)


def samples():
    for name in SAMPLES:
        marks = [] if name in FAST else [pytest.mark.slow]
        yield pytest.param(name, id=name.replace(" ", "_"), marks=marks)


@each(*PACKAGES)
@pytest.mark.parametrize("name", list(samples()))
def test_a_counters_rules_predict_its_reading(imported, name):
    if (name, imported) in REFUSALS:
        with pytest.raises(Refusal, match=REFUSALS[name, imported]):
            made_of(imported, SAMPLES[name])
        return
    for metric, bridge in made_of(imported, SAMPLES[name]).items():
        assert bridge.explained, (metric, bridge.reading, bridge.steps, bridge.off)


def test_every_fast_name_is_a_sample():
    assert set(FAST) | {name for name, _ in REFUSALS} <= set(SAMPLES)


@pytest.mark.parametrize("counter", PACKAGES)
def test_a_counter_is_found_and_says_what_it_needs(counter):
    found = counters.find_one(counter)
    assert found.overlay[0].startswith(f"{found.distribution}==")


# ------------------------------------------------------------------- by arithmetic from shapes


def terms(bridge: Bridge) -> dict[str, int | float]:
    return {step.term: step.amount for step in bridge.steps}


@each("ultralytics-thop")
def test_a_product_counts_outside_of_layers_only(imported):
    """3 x 4 by 4 x 5 is seen; torch.mm of the same is not."""
    seen = made_of(imported, SAMPLES["matmul operator"])["compute"]
    unseen = made_of(imported, SAMPLES["mm"])["compute"]
    assert (seen.reading, seen.steps) == (3 * 4 * 5, ())
    assert terms(unseen) == {"matrix product not seen": -3 * 4 * 5}


@each("ultralytics-thop")
def test_a_window_over_padding_counts_what_is_averaged(imported):
    """Length 4, windows of 3, padding 1: 3 + 3 + 3 + 3 with padding, 2 + 3 + 3 + 2 without."""
    for include, inputs in ((True, 12), (False, 10)):
        factory = made(lambda: nn.AvgPool1d(3, 1, 1, count_include_pad=include), (2, 4))  # noqa: B023
        assert made_of(imported, factory)["compute"].reading == 2 * inputs + 2 * 4


@each("torchscan")
def test_a_window_given_as_one_number_is_taken_for_its_area(imported):
    """2 x 3 x 4 x 5 outputs: (2 - 1) comparisons for a window of 2 x 2, (4 - 1) if it says so."""
    for kernel, window in ((2, 2), ((2, 2), 4)):
        factory = made(sequential(lambda: nn.MaxPool2d(kernel)), (2, 3, 8, 10))  # noqa: B023
        bridge = made_of(imported, factory)["compute"]
        assert terms(bridge) == {"max pooling": 2 * 3 * 4 * 5 * (window - 1)}


@each("torchscan")
def test_a_parametrized_layer_is_no_leaf(imported):
    bridge = made_of(imported, SAMPLES["linear parametrized"])["compute"]
    assert (bridge.reading, terms(bridge)) == (0, {"linear not seen": -3 * 6 * 4})


@each("torchprofile")
def test_sizes_are_multiplied_as_tensors(imported):
    """2 x 4 elements doubled; and the product of the sizes that the view is asked for."""
    factory = program(lambda x: (x * 2).view(x.shape[0] * x.shape[1]), (2, 4))
    assert terms(made_of(imported, factory)["compute"]) == {
        "element-wise multiplication": 2 * 4,
        "element-wise multiplication that runs under torch.jit only": 1,
    }


@each("torchprofile")
def test_what_no_output_needs_is_dropped(imported):
    bridge = made_of(imported, made(Discards, (2, 4)))["compute"]
    assert bridge.reading == 2 * 4 * 3
    assert terms(bridge) == {"linear not seen": -2 * 4 * 5} and bridge.explained


@each("torchprofile")
def test_beside_an_output_that_is_a_number_nothing_is_needed(imported):
    """Of the outputs it keeps the tensors: the layer is dropped where there are none."""
    for output, macs in ((lambda y: float(y.shape[0]), 0), (lambda y: (y, 0.5), 2 * 4 * 3)):
        layer = nn.Linear(4, 3)
        layer.register_forward_hook(lambda module, args, y, output=output: output(y))
        factory = partial(Sample, layer, (torch.rand(2, 4),))
        bridge = made_of(imported, factory)["compute"]
        assert (bridge.reading, bridge.residual) == (macs, 0)


def test_without_the_tracers_graph_every_call_counts():
    counter = counters.find_one("torchprofile")
    factory = made(Discards, (2, 4))
    trace = cells.traced(*factory(), grad=True)
    assert counter.quantities["compute"].price(trace).total == 2 * 4 * (3 + 5)
    _, observed = cells.asked(counter, factory, Context(grad=True))
    assert counter.quantities["compute"].price(observed).total == 2 * 4 * 3
