"""What is written down while a tool runs a model is what a run of ours beside it would tell."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from flop_harness import counters
from flop_harness.counters import overlay
from flop_harness.counters.pricing import fx_graph, jit_graph, onnx_graph
from flop_harness.counters.protocol import capturing_nothing, every
from flop_harness.records import Context
from flop_harness.run.contexts import observations
from flop_harness.suite.seeding import seeded
from flop_harness.trace.copying import copied

IMAGE = (torch.rand(2, 3, 8, 8),)


class Sizes(nn.Module):
    """Multiplies sizes, calls a layer twice by two names, and computes what no output needs."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 3, 3, padding=1)
        self.again = self.convolution
        self.unneeded = nn.Linear(8, 5)
        self.last = nn.Sequential(nn.Dropout(0.5), nn.Linear(64, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.again(torch.relu(self.convolution(x)))
        self.unneeded(x)
        b, c, h, w = x.shape
        return self.last(x.reshape(b * c, h * w)) * 2


class TwoOutputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.layer(x), x.mean()


MODELS = {
    "layers": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten()),
    "sizes": Sizes,
    "outputs": TwoOutputs,
    "attention": lambda: nn.Sequential(
        nn.Flatten(2), nn.TransformerEncoderLayer(64, 2, 16, batch_first=True)
    ),
}
each_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


@pytest.mark.parametrize("mode", ["eval", "train"])
@each_model
def test_of_the_graph_that_fvcore_has_made(make, mode):
    fvcore = counters.find_one("fvcore")
    context = Context(grad=True, mode=mode)
    model = make().train(mode == "train")
    told = observations(fvcore, context, copied(model), IMAGE, {})
    with torch.enable_grad(), seeded(), fvcore.capture() as calls:
        fvcore.read(model, IMAGE, {}, context)
    assert told[0].name == jit_graph.GRAPH and told[0].args
    assert tuple(calls) == told


@pytest.mark.parametrize("make", [MODELS["layers"], Sizes, TwoOutputs])
def test_of_the_nodes_that_an_interpreter_has_run(make):
    model = make().eval()
    told = fx_graph.observed(copied(model), IMAGE)
    with fx_graph.captured() as calls:
        torch.fx.Interpreter(torch.fx.symbolic_trace(model)).run(*IMAGE)
    assert told[0].name == fx_graph.GRAPH and told[0].args
    assert tuple(calls) == told


def test_a_tool_that_fails_has_told_nothing():
    with pytest.raises(RuntimeError), jit_graph.captured() as calls:
        torch.jit._get_trace_graph(nn.Linear(3, 3), IMAGE)
    assert calls == []


def test_only_tools_that_tell_all_are_captured():
    """torchprofile has the graph made without modules: where its nodes stand is asked for beside it."""
    capturing = {
        name for name, each in counters.counters().items() if each.capture is not capturing_nothing
    }
    assert capturing == {"fvcore", "mmengine", "onnx-tool", "torch-flops", "torch-profiler"}
    assert counters.counters()["fvcore"].hooks is every


def test_what_rules_ask_for_is_imported_from_the_counters_overlay(monkeypatch, tmp_path):
    """A release is explained beside its own overlay: what the present rules need comes with theirs."""
    (tmp_path / "exporter_of_ours.py").write_text("def seen(): return ()")

    def observe(model, args):
        import exporter_of_ours

        return exporter_of_ours.seen()

    counter = replace(
        counters.find_one("fvcore"), observe=observe, overlay=("exporter-of-ours==1",)
    )
    installed = []
    monkeypatch.setattr(overlay, "ensure", lambda wanted: installed.append(wanted) or tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert observations(counter, Context(), nn.Linear(8, 4), IMAGE, {}) == ()
    assert installed == [("exporter-of-ours==1",)]


def test_an_exporter_that_is_not_whole_is_told(monkeypatch):
    def export(model, args):
        raise ModuleNotFoundError("No module named 'onnx'")

    monkeypatch.setattr(torch.onnx, "export", export)
    with pytest.raises(ModuleNotFoundError, match="onnx"):
        onnx_graph.observed(nn.Linear(8, 4), IMAGE)
