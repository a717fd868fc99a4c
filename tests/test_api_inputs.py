"""What the API takes: models of every kind, shapes in the place of tensors, references, scripts.

Whatever the way, the same network costs the same; the expected numbers come from its dimensions.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import partial

import pytest
import torch
from torch import nn

import flop_harness
from flop_harness.errors import UserError

# A convolution of 3 to 6 channels, 3 x 3, to 6 x 6 outputs, and a linear layer of 216 to 5.
MACS = 6 * 6 * 6 * 27 + 216 * 5
PARAMS = 6 * 27 + 6 + 216 * 5 + 5
SHAPE = (1, 3, 8, 8)
FILE = """
import torch
from torch import nn

def make():
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.Flatten(), nn.Linear(216, 5))

def with_inputs():
    return make(), (torch.rand(1, 3, 8, 8),)
"""


def net() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.Flatten(), nn.Linear(216, 5))


class Holder:
    def __init__(self) -> None:
        self.net = net()

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


def compiled() -> nn.Module:
    return torch.compile(net())


def exported() -> torch.export.ExportedProgram:
    return torch.export.export(net(), (torch.rand(SHAPE),))


def function():
    held = net()
    return lambda x: held(x)


def a_partial():
    return partial(lambda model, x: model(x), net())


WAYS = {
    "module": net,
    "compiled": compiled,
    "exported program": exported,
    "function": function,
    "partial": a_partial,
    "callable object": Holder,
    "method": lambda: net().forward,
    "scripted": lambda: torch.jit.script(net()),
}


@pytest.mark.parametrize("way", WAYS)
def test_every_kind_of_model_counts_the_same(way):
    count = flop_harness.count(WAYS[way](), SHAPE)
    assert (count.macs, count.params) == (MACS, PARAMS)


@pytest.mark.parametrize("given", [SHAPE, torch.Size(SHAPE), "1x3x8x8", torch.rand(SHAPE)])
def test_a_shape_stands_for_a_tensor(given):
    assert flop_harness.count(net(), given).macs == MACS
    assert flop_harness.count(net(), input=given).macs == MACS


def test_a_shape_with_a_dtype_is_of_whole_numbers():
    assert flop_harness.count(nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 3)), "2x7:int64").macs == 2 * 7 * 12  # fmt: skip


def test_a_shape_gets_the_dtype_and_the_place_of_the_model():
    assert flop_harness.count(net().double(), SHAPE).macs == MACS
    assert flop_harness.count(net().to("meta"), SHAPE).macs == MACS


def test_a_factory_alone_is_called_as_a_reference_would():
    assert flop_harness.count(lambda: (net(), (torch.rand(SHAPE),))).macs == MACS
    assert flop_harness.count((net(), (torch.rand(SHAPE),))).macs == MACS


def test_structures_of_tensors_go_in_and_out():
    @dataclass
    class Pair:
        left: torch.Tensor
        right: torch.Tensor

    class Nested(nn.Linear):
        def forward(self, given):
            found = super().forward(given["rows"][0])
            return {"pair": Pair(found, found)}

    assert flop_harness.count(Nested(4, 3), {"rows": [torch.rand(2, 4)]}).macs == 2 * 12


@pytest.fixture
def file(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return "net.py"


def test_a_reference_is_built_as_the_command_builds_it(file):
    assert flop_harness.count(f"{file}:make", SHAPE).macs == MACS
    assert flop_harness.count(f"{file}:make", torch.rand(SHAPE)).macs == MACS
    assert flop_harness.count(f"{file}:with_inputs").macs == MACS
    command = [sys.executable, "-m", "flop_harness", "count", f"{file}:make", "--input", "1x3x8x8"]
    said = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout
    assert said == flop_harness.count(f"{file}:make", SHAPE).to_json() + "\n"


def test_mode_and_dtype_are_asked_for_and_the_model_keeps_its_own():
    model = net().train()
    count = flop_harness.count(
        model, SHAPE, convention="param-bytes", mode="eval", dtype="bfloat16"
    )
    assert count.total == 2 * PARAMS and count.trace.context.mode == "eval"
    assert model.training and {p.dtype for p in model.parameters()} == {torch.float32}
    assert flop_harness.count(model, SHAPE).trace.context.mode == "train"


WRONG = {
    "int is no model": lambda: flop_harness.count(3, SHAPE),
    "Linear is a class": lambda: flop_harness.count(nn.Linear, SHAPE),
    "inputs are needed: Sequential takes input": lambda: flop_harness.count(net()),
    "unknown mode 'evil' (did you mean 'eval'?)": lambda: flop_harness.count(net(), SHAPE, mode="evil"),
    "unknown dtype 'float31'": lambda: flop_harness.count(net(), SHAPE, dtype="float31"),
    "did you mean torchvision:alexnet": lambda: flop_harness.count("alexnet:", SHAPE),
    "not a list": lambda: flop_harness.count("torchvision:alexnet", [1]),
    "counters are ids such as 'thop', not 3": lambda: flop_harness.compare(net(), SHAPE, counters=3),
    "is a suite": lambda: flop_harness.compare("seeds", SHAPE),
    "int is no model: pass a module": lambda: flop_harness.count(lambda: 3),
    "inputs are needed: <lambda> takes x": lambda: flop_harness.count(lambda x: x),
}  # fmt: skip


@pytest.mark.parametrize("words", WRONG)
def test_what_is_not_taken_is_told(words):
    with pytest.raises(UserError) as told:
        WRONG[words]()
    assert words in str(told.value) and "\n" not in str(told.value)


# -------------------------------------------------------------------------------------- compare


def test_counters_are_named_in_one_text_or_in_a_list():
    one, other = (flop_harness.compare(net(), SHAPE, counters=each).readings
                  for each in ("thop, torch", ["thop", "torch"]))  # fmt: skip
    assert set(one.counter) == {"thop", "torch"} and list(one.value) == list(other.value)


def test_a_function_is_compared_with_what_it_refers_to():
    readings = flop_harness.compare(function(), SHAPE, counters="thop,numel").readings
    assert set(readings[readings.metric == "compute"].value) == {MACS}
    assert set(readings[readings.metric == "params"].value) == {PARAMS}


def test_several_jobs_say_what_one_says():
    alone, shared = (flop_harness.compare(net(), SHAPE, counters="thop,torch,numel", jobs=jobs)
                     for jobs in (1, 3))  # fmt: skip
    same = ["case", "input", "counter", "context", "metric", "value", "status"]
    assert shared.readings[same].equals(alone.readings[same])
    assert shared.bridges.equals(alone.bridges)


def test_several_jobs_blame_a_model_that_raises():
    with pytest.raises(UserError, match="the model raises on these inputs: RuntimeError"):
        flop_harness.compare(net(), (1, 4, 8, 8), counters="numel,thop", jobs=2)


SCRIPT = """
import flop_harness
print("once")
result = flop_harness.compare("net.py:make", (1, 3, 8, 8), counters="thop,numel", jobs=2)
print(*result.readings.status)
"""


def test_a_script_without_a_guard_is_not_run_again(file, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, timeout=60,
                          check=False)  # fmt: skip
    assert done.stdout.split() == ["once", *["ok"] * 4], done.stderr


# ------------------------------------------------------------------------------- what is shown


def test_a_count_prints_as_a_table():
    lines = repr(flop_harness.count(net().eval(), SHAPE)).splitlines()
    assert lines[0].startswith(f"Sequential: {MACS:,} MAC, {PARAMS:,} parameters")
    assert lines[2].split() == [
        "convolution",
        f"{6 * 6 * 6 * 27:,}",
        f"{100 * 6 * 6 * 6 * 27 / MACS:.1f}",
        "%",
    ]
    assert lines[-1] == "input 1x3x8x8; convention macs; cpu no_grad eval"


def test_modules_are_a_frame_with_shapes_and_shares():
    model = nn.Sequential(net(), nn.Linear(5, 2).requires_grad_(False))
    frame = flop_harness.count(model, SHAPE).modules.set_index("module")
    assert list(frame.index) == ["(the model)", "0", "0.0", "0.1", "0.2", "1"]
    assert list(frame.loc["0.0", ["type", "input", "output"]]) == ["Conv2d", "1x3x8x8", "1x6x6x6"]
    assert list(frame.MAC) == [MACS + 10, MACS, 6 * 6 * 6 * 27, 0, 216 * 5, 10]
    assert frame.parameters.iloc[0] == PARAMS + 12 and frame.trainable.iloc[0] == PARAMS
    assert frame.share["0"] == MACS / (MACS + 10)


def test_a_notebook_shows_modules_to_unfold():
    html = flop_harness.count(nn.Sequential(net()), SHAPE)._repr_html_()
    assert html.count("<details") == html.count("</details>") == 2
    assert html.count("<details open") == 1
    assert "1x3x8x8 → 1x6x6x6" in html and f"{MACS:,} MAC" in html


def test_results_print_counters_with_versions_units_and_input():
    said = repr(flop_harness.compare(net(), SHAPE, counters="torch"))
    assert "Compute of Sequential, input 1x3x8x8" in said
    [line] = [line for line in said.splitlines() if line.startswith("torch")]
    assert line.split()[:2] == ["torch", torch.__version__.partition("+")[0]]
    assert f"{2 * MACS:,}  FLOP" in line


UNKNOWN = "import torch\n@torch.library.custom_op('mine::halved', mutates_args=())\ndef halved(x: torch.Tensor) -> torch.Tensor:\n    return x / 2\n@halved.register_fake\ndef _(x):\n    return torch.empty_like(x)\n"


def test_what_has_no_formula_is_told_wherever_a_figure_is_shown():
    namespace: dict = {}
    exec(UNKNOWN, namespace)
    model = net()
    count = flop_harness.count(lambda x: namespace["halved"](model(x)), SHAPE)
    results = flop_harness.compare(lambda x: namespace["halved"](model(x)), SHAPE, counters="torch")
    for text in (repr(count), count._repr_html_(), repr(results), results._repr_html_()):
        assert "mine.halved" in text and ("no formula" in text or "want of a formula" in text)
