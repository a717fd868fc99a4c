"""What commands print of models: reasons, sizes, modes, parameters alone; and nothing of other tools."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from commands import typed, typed_apart
from flop_harness.records import Context, Run
from flop_harness.report.formats.terminal.bars import Barred
from flop_harness.report.formats.terminal.case import case_table
from flop_harness.report.formats.terminal.grid import grid
from flop_harness.report.tables.table import Column, Table
from runs import GRAD, a_run, explained

WIDTH, CLASSES, BATCH = 8, 4, 2
MODELS = f"""
import multiprocessing
import torch
from torch import nn

class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear({WIDTH}, {WIDTH}), nn.Linear({WIDTH}, {CLASSES})
        self.last.bias.requires_grad = False

    def forward(self, x):
        return self.last(self.first(x))

class OnlyForReal(Head):
    def forward(self, x):
        if str(x.device).startswith("m"):
            raise RuntimeError("not on meta")
        return super().forward(x)

class Refuses(Head):
    def forward(self, x):
        raise ValueError("never with this")

class Locks(Head):
    def forward(self, x):
        self.lock = multiprocessing.Lock()
        return super().forward(x)

class Profiled(Head):
    def forward(self, x):
        with torch.profiler.profile(acc_events=True):
            return super().forward(x)

class Writes(Head):
    def generate(self, x, times):
        for _ in range(times):
            self(x)
        return x

def writes():
    return Writes().eval().generate, (torch.rand({BATCH}, {WIDTH}),), {{"times": 3}}

def product():
    return (lambda a, b: a @ b), (torch.rand(3, 4), torch.rand(4, 5))

class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.LazyLinear({CLASSES})
"""
MACS = BATCH * WIDTH * (WIDTH + CLASSES)
FIRST, LAST = WIDTH * WIDTH + WIDTH, WIDTH * CLASSES + CLASSES
SHAPE = f"{BATCH}x{WIDTH}"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)


def printed(renderable: object, width: int = 120) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(renderable, crop=False)
    return captured.get()


# ------------------------------------------------------------------------------------- reasons


def of_flops(terms: dict[str, int], **more: Context) -> Run:
    """Of 100 MAC a counter of FLOPs sees those that are not taken off."""
    seen = 100 + sum(amount for term, amount in terms.items() if term.endswith("not seen"))
    return a_run(
        [explained("net", "torch", 100, {"2 FLOPs per MAC": seen, **terms}, unit="FLOP", **more)]
    )


def test_the_unit_of_a_figure_is_no_reason_for_it():
    assert "2 FLOPs per MAC" not in printed(case_table(of_flops({}), "net"))


def test_reasons_make_up_the_deviation_of_flops_too():
    """20 of 100 MAC not seen and 10 FLOP more: 170 FLOP are 85 MAC."""
    text = printed(case_table(of_flops({"linear not seen": -20, "ReLU": 10}), "net"))
    (line,) = [line for line in text.splitlines() if line.startswith(" torch ")]
    assert re.findall(r"[+−][\d.]+ %", line) == ["−15.0 %", "−20.0 %", "+5.00 %"]


def test_a_context_of_plain_kernels_is_told_in_words_where_it_stands():
    plain = of_flops({"linear not seen": -20}, context=Context(grad=True, variant="math training"))
    fused = of_flops({}, context=Context(grad=True, variant="training"))
    pairs = [(run.readings[0], run.bridges[0]) for run in (plain, fused)]
    text = printed(case_table(a_run(pairs), "net"))
    assert "torch (math)" in text and "torch (grad)" in text
    assert "math: Attention by its plain kernels" in text
    assert "plain kernels" not in printed(case_table(of_flops({}, context=GRAD), "net"))


# --------------------------------------------------------------------------------------- sizes


def test_a_sweep_says_how_many_sizes_it_is_of():
    told = typed("count", "my.py:Head", "--input", SHAPE, "--sweep", "batch=1,3").out
    assert told.startswith("One model at several sizes\n")
    told = typed("count", "my.py:Head", "torch.nn:Identity", "--input", SHAPE).out
    assert told.startswith("Several models\n")


@pytest.mark.parametrize(("sizes", "meant"), [
    ("1..4", [1, 2, 3, 4]), ("2..9..3", [2, 5, 8]), ("1,4..5,5", [1, 4, 5]), ("3..3,6", [3, 6]),
])  # fmt: skip
def test_sizes_of_a_range_are_counted_with_both_ends(sizes: str, meant: list[int]):
    words = ("count", "my.py:Head", "--input", SHAPE, "--sweep", f"batch={sizes}", "--json")
    told = json.loads(typed(*words).out)["models"]
    assert [each["total"] for each in told] == [size * MACS // BATCH for size in meant]


@pytest.mark.parametrize("sizes", ["4..1", "1..", "0..3", "1...3", "1..9..0", "1..999999999"])
def test_what_is_no_range_is_refused(sizes: str):
    ended = typed("count", "my.py:Head", "--input", SHAPE, "--sweep", f"batch={sizes}")
    assert (ended.code, ended.out) == (2, "") and "sizes" in ended.err


@pytest.mark.parametrize("command", ["count", "compare"])
def test_what_a_model_refuses_at_every_size_is_said_once(command: str):
    ended = typed(command, "my.py:Refuses", "--input", SHAPE, "--sweep", "batch=1,2,3")
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1 and ended.err.count("never with this") == 1


@pytest.mark.parametrize("command", [("count",), ("compare", "--counters", "thop")])
def test_that_a_model_was_run_for_real_is_said_once(command: tuple[str, ...]):
    """``compare`` gives each size a process of its own, and all of them find it out."""
    ended = typed_apart(*command, "my.py:OnlyForReal", "--input", SHAPE, "--sweep", "batch=1,2,3")
    assert ended.code == 0
    assert [line.removeprefix("flop-harness: ") for line in ended.err.splitlines()] == [
        "my.py:OnlyForReal was run for real: on meta it raises RuntimeError: not on meta"
    ]


def test_a_bar_goes_before_a_name_wraps():
    heads = (Column("model"), Column("MAC", "integer"))
    rows = (("a model with a name of words", 15_470_264_320), ("another", 7_735_132_160))
    table = grid(Table("", heads, rows))
    for width in (48, 60, 66, 80):
        lines = printed(Barred(table, [1.0, 0.5]), width).splitlines()
        assert [line for line in lines if "a model with a name of words" in line]
        assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [50, 60, 70, 80])
def test_columns_are_parted_evenly(width: int):
    """Eight columns of figures stand in as few pieces as have room, none much narrower than another."""
    heads = (Column("model"), *(Column(name * 6, "integer") for name in "abcdefgh"))
    text = printed(grid(Table("", heads, (("net", *[10**9] * 8),))), width)
    counts = [line.count("1,000,000,000") for line in text.splitlines() if line.startswith(" net")]
    assert sum(counts) == 8 and max(counts) - min(counts) <= 1


# ----------------------------------------------------------------------------- mode, parameters

TRAINED = {
    ("count", "my.py:Head"): "my.py:Head is in training mode; --eval counts it as for inference",
    ("layers", "my.py:Head"): "my.py:Head is in training mode; --eval counts it as for inference",
    ("compare", "my.py:Head", "--counters", "thop"): "--eval counts it as for inference",
    ("compare", "my.py:Head", "torch.nn:Identity", "--counters", "thop"):
        "in training mode, as they came: my.py:Head, torch.nn:Identity; --eval counts as for inference",
}  # fmt: skip


@pytest.mark.parametrize("words", TRAINED)
def test_a_model_that_came_in_training_mode_is_told(words: tuple[str, ...]):
    assert TRAINED[words] in " ".join(typed(*words, "--input", SHAPE).out.split())
    for asked in ("--eval", "--train"):
        assert "--eval counts" not in typed(*words, "--input", SHAPE, asked).out


def test_parameters_are_told_without_a_call():
    told = json.loads(typed("layers", "my.py:Refuses", "--parameters", "--json").out)
    parameters = {each["path"]: each["parameters"] for each in told["layers"]}
    assert parameters == {"": FIRST + LAST, "first": FIRST, "last": LAST}
    assert {each["macs"] for each in told["layers"]} == {None}
    assert told["totals"]["frozen parameters"] == CLASSES
    assert not [name for name in told["totals"] if "MAC" in name or "outputs" in name]


@pytest.mark.parametrize(("words", "told"), [
    (("my.py:Lazy", "--parameters"), "lazy layers"),
    (("my.py:Head", "--parameters", "--input", SHAPE), "--parameters calls nothing"),
    (("my.py:Head", "--parameters", "--sort", "macs"), "known: parameters"),
    (("my.py:Head", "--parameters", "--columns", "MACs"), "no column 'macs'"),
])  # fmt: skip
def test_what_only_a_call_tells_is_refused_without_one(words: tuple[str, ...], told: str):
    ended = typed("layers", *words)
    assert (ended.code, ended.out) == (2, "") and told in ended.err


def test_work_by_the_class_of_modules():
    told = json.loads(typed("count", "my.py:Head", "--input", SHAPE, "--by", "class",
                            "--convention", "macs-bias", "--json").out)  # fmt: skip
    assert told["by_class"] == {"Linear": MACS + BATCH * (WIDTH + CLASSES)}


@pytest.mark.parametrize(
    ("model", "macs"), [("my.py:writes", 3 * MACS), ("my.py:product", 3 * 4 * 5)]
)
def test_a_factory_may_return_a_method_or_a_function_with_its_inputs(model: str, macs: int):
    assert json.loads(typed("count", model, "--json").out)["total"] == macs
    told = json.loads(typed("compare", model, "--counters", "FlopCounterMode", "--json").out)
    assert {(each["status"], each["value"]) for each in told["readings"]} == {("ok", 2 * macs)}


# --------------------------------------------------------------------------------------- noise


def test_what_a_model_leaves_in_its_process_is_not_warned_of():
    ended = typed_apart("compare", "my.py:Locks", "--input", SHAPE, "--counters", "thop,fvcore")
    assert (ended.code, ended.err) == (0, "")


def test_what_the_profiler_logs_where_there_is_no_gpu_is_not_shown():
    """Without a GPU it says ``gpuGetDeviceCount failed``; with one, when it starts and stops."""
    ended = typed_apart("count", "my.py:Profiled", "--input", SHAPE, "--eval")
    assert (ended.code, ended.err) == (0, "") and f"{MACS} MAC" in ended.out
