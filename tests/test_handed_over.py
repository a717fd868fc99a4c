"""What a factory hands over stays as it is: mode, dtype, place and inputs, in commands and API."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch

import flop_harness
from commands import typed
from flop_harness.ask.compare import carry_out
from flop_harness.records import Case, Input, Suite
from flop_harness.run.planning import make_plan
from flop_harness.suite.build import build

MODELS = """
import collections, dataclasses
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, dtype=None):
        super().__init__()
        self.first = nn.Linear(4, 4, dtype=dtype)
        self.second = nn.Linear(4, 9, dtype=dtype)

    def forward(self, x):
        y = self.first(x)
        return (y, self.second(y)) if self.training else y

def training():
    return Net().train(), (torch.randn(3, 4),), {}

def evaluating():
    return Net().eval(), (torch.randn(3, 4),)

def half():
    return Net(torch.bfloat16).eval()

def half_with_inputs():
    return half(), (torch.randn(3, 4, dtype=torch.bfloat16),)

def alone():
    return (Net().eval(),)

def named():
    return Net().eval(), {"x": torch.randn(3, 4)}

def on_meta():
    with torch.device("meta"):
        return Net().eval()

@dataclasses.dataclass(frozen=True)
class Batch:
    x: torch.Tensor
    more: dict

class Nested(Net):
    def forward(self, batch):
        return super().forward(batch.x + batch.more["y"][0])

def nested():
    return Nested().eval(), (Batch(torch.ones(3, 4), {"y": [torch.ones(3, 4)]}),)

class Unpacked(Net):
    def forward(self, batch):
        return super().forward(batch["x"])

def user_dict():
    return Unpacked().eval(), (collections.UserDict(x=torch.ones(3, 4)),)

def large():
    return nn.Linear(1 << 16, 1 << 16, bias=False)

class Fills(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("filled", torch.ones(1 << 15, 1 << 15, device="cpu"))
"""
EVAL = 3 * 4 * 4
TRAIN = EVAL + 3 * 4 * 9
PARAMETERS = 4 * 4 + 4 + 4 * 9 + 9


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def counted(*words: str) -> int:
    ended = typed("count", *words, "--json")
    assert ended.code == 0, ended.err
    return json.loads(ended.out)["total"]


def run_of(model: str, *shapes: tuple[int, ...], device: str = "cpu", **limits):
    """A run of every counter in the environment on one model of the working directory."""
    case = Case("it", model, tuple(map(Input, shapes)), dtype="", mode="")
    return carry_out(make_plan(Suite("mine", 1, "", (case,), **limits), Path("out"), device=device))


# ----------------------------------------------------------------------------------------- mode


@pytest.mark.parametrize(
    ("words", "macs"),
    [
        (["net.py:training"], TRAIN),
        (["net.py:training", "--eval"], EVAL),
        (["net.py:evaluating"], EVAL),
        (["net.py:evaluating", "--train"], TRAIN),
        (["net.py:Net", "--input", "3x4"], TRAIN),
        (["net.py:Net", "--input", "x=3x4", "--eval"], EVAL),
        (["net.py:named"], EVAL),
        (["net.py:alone", "--input", "x:3x4:float32"], EVAL),
        (["net.py:nested"], EVAL),
        (["net.py:user_dict"], EVAL),
        (["net.py:on_meta", "--input", "3x4"], EVAL),
    ],
)
def test_a_model_is_counted_as_its_factory_hands_it_over(folder, words, macs):
    assert counted(*words) == macs


def test_command_api_and_comparison_agree_on_the_mode(folder):
    spec = importlib.util.spec_from_file_location("handed_over_net", folder / "net.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    model, args, _ = module.training()
    run = run_of("net.py:training")
    said = {r.counter: r.value for r in run.readings if r.metric == "compute"}
    assert flop_harness.count(model, *args).macs == said["analytic"] == TRAIN
    assert said["torch"] == 2 * TRAIN
    assert run.suite.cases[0].mode == "train" and run.suite.cases[0].dtype == "float32"
    assert not run.failures and all(not bridge.residual for bridge in run.bridges)


def test_a_library_s_model_is_in_eval_and_a_layer_as_it_comes():
    assert not build(Case("a", "torchvision:squeezenet1_1", mode="")).module.training
    assert build(Case("a", "torch.nn:Dropout", (Input((2,)),), mode="")).module.training


# ---------------------------------------------------------------------------------------- dtype


def test_the_dtype_that_a_factory_chose_is_kept(folder):
    words = ("net.py:half", "--input", "3x4", "--convention", "param-bytes")
    assert counted(*words) == 2 * PARAMETERS
    assert counted(*words, "--dtype", "float32") == 4 * PARAMETERS
    assert counted("net.py:half_with_inputs", "--convention", "param-bytes") == 2 * PARAMETERS


def test_inputs_are_drawn_in_the_dtype_of_the_model(folder):
    built = build(Case("a", "net.py:half", (Input((3, 4)), Input((2,), "int64")), dtype=""))
    assert [each.dtype for each in built.args] == [torch.bfloat16, torch.int64]
    assert built.dtype == "bfloat16"
    assert build(Case("a", "net.py:Net", (Input((3, 4)),), dtype="")).dtype == "float32"


def test_a_case_that_names_a_dtype_gets_it_inputs_too(folder):
    built = build(Case("a", "net.py:half_with_inputs", dtype="float64"))
    assert built.args[0].dtype == built.module.first.weight.dtype == torch.float64


def test_what_is_nested_is_cast_and_moved(folder):
    built = build(Case("a", "net.py:nested", dtype="float64"), device="meta")
    batch = built.args[0]
    assert batch.x.dtype == batch.more["y"][0].dtype == torch.float64
    assert batch.x.is_meta and batch.more["y"][0].is_meta


# ------------------------------------------------------------------------------ without values


def test_on_meta_the_counters_that_need_no_values_are_asked(folder):
    run = run_of("net.py:on_meta", (3, 4))
    ok = {r.counter: r.value for r in run.readings if r.status == "ok" and r.metric == "compute"}
    assert ok == {"analytic": EVAL, "thop": EVAL, "torchinfo": EVAL + 4 + 4 * 2, "torch": 2 * EVAL,
                  "ptflops-aten": EVAL + 3 * 4}  # fmt: skip
    assert {r.context.device for r in run.readings if r.status == "ok"} == {"meta"}
    silent = [r for r in run.readings if r.status != "ok"]
    assert {r.counter for r in silent} == {"ptflops-pytorch", "fvcore"}
    assert {r.message for r in silent} == {"the model is on meta: it has shapes and no values"}
    assert not run.failures and all(not bridge.residual for bridge in run.bridges)


def test_any_model_may_be_asked_about_on_meta(folder):
    run = run_of("net.py:evaluating", device="meta")
    assert {r.context.device for r in run.readings} == {"meta"}
    assert {r.counter for r in run.readings if r.status == "unavailable"} == {
        "ptflops-pytorch", "fvcore"
    }  # fmt: skip


def test_a_model_too_large_is_told_before_it_is_filled(folder):
    side = 1 << 16
    run = run_of("net.py:large", (1, side), memory_gib=1.0)
    ok = {r.counter: r.value for r in run.readings if r.status == "ok" and r.metric == "compute"}
    assert ok["analytic"] == side * side and ok["torch"] == 2 * side * side
    told = {r.message for r in run.readings if r.status == "unavailable"}
    gib = 4 * side * side / 2**30
    assert told == {
        f"the model is too large: its weights take {gib:.1f} GiB, more than memory_gib = 1"
    }


def test_building_has_the_same_limit_of_memory(folder):
    run = run_of("net.py:Fills", (1,), memory_gib=0.5)
    assert [failure.message for failure in run.failures] == [
        "the model is too large: to build it takes more than memory_gib = 0.5"
    ]
