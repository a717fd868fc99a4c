"""The command line as a user types it: what comes out where, and how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

import faulty
from commands import left_running
from flop_harness import cli

TINY = """
name = "tiny"
version = 1
description = "two layers"
timeout_s = 20

[[case]]
id = "linear"
model = "torch.nn:Linear"
kwargs = { in_features = 4, out_features = 3 }
inputs = [[2, 4]]
counters = ["analytic", "thop", "torch", "numel"]

[[case]]
id = "conv"
model = "torch.nn:Conv2d"
kwargs = { in_channels = 3, out_channels = 6, kernel_size = 3 }
inputs = [[1, 3, 8, 8]]
counters = ["analytic", "thop", "torch", "numel"]
"""
COUNTS = ("--no-timing", "--jobs", "2")
CELLS = 2 * (1 + 1 + 1 + 2 + 2)  # cases x (reference, analytic, thop, torch twice, numel twice)

MODELS = """
import sys, warnings
import torch
from torch import nn

class Net(nn.Sequential):
    def __init__(self, width=6):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flat = nn.Flatten()
        self.fc = nn.Linear(width, 5)

class Chatty(nn.Linear):
    def __init__(self):
        super().__init__(4, 3)
        print("building")

    def forward(self, x):
        print("shape", x.shape)
        return super().forward(x)

def complete():
    return nn.Linear(4, 3), (torch.rand(2, 4),), {}

class RaisesKey(nn.Module):
    def forward(self, x):
        return {}["missing"]

class RaisesAssertion(nn.Module):
    def forward(self, x):
        assert x.shape[0] == 99, "a batch\\nof 99 is needed"

class RaisesValue(nn.Module):
    def forward(self, x):
        raise ValueError("two\\nlines")

class Exits(nn.Module):
    def forward(self, x):
        sys.exit("goodbye")

class BuildRaises(nn.Module):
    def __init__(self):
        raise RuntimeError("no weights here")

class BuildExits(nn.Module):
    def __init__(self):
        sys.exit(0)

def gives_text():
    return "a model"

def gives_nothing():
    return None

def gives_pair():
    return nn.Linear(4, 3), 1

def wants_more(width, *, depth):
    return nn.Linear(width, depth)

number = 42
"""

# Net on 1x3x8x8: a convolution to 6 channels of 6 x 6, and a linear layer of 6 x 5.
CONV = 6 * 6 * 6 * 3 * 3 * 3
FC = 6 * 5
PARAMS = (6 * 3 * 3 * 3 + 6) + (6 * 5 + 5)


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What stands on stderr besides the lines that tell how far a run is."""
        told = self.err.splitlines()
        return [line for line in told if not line.startswith("[") and " cells are" not in line]


def type_in(*arguments: str, cwd: Path, path=(), timeout: float = 120) -> Ended:
    """Run the command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": pythonpath(path), "COLUMNS": "200"}
    command = [sys.executable, "-m", "flop_harness", *map(str, arguments)]
    done = subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=timeout,
        check=False,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


def pythonpath(places) -> str:
    return os.pathsep.join([*places, *os.environ.get("PYTHONPATH", "").split(os.pathsep)])


@pytest.fixture
def typed(workplace, monkeypatch, capsys):
    """Run the command in this process: the same code, without starting torch each time."""

    def run(*arguments: str) -> Ended:
        monkeypatch.chdir(workplace)
        monkeypatch.setattr(sys, "argv", ["flop-harness", *map(str, arguments)])
        capsys.readouterr()
        try:
            cli.main()
            code: object = 0
        except SystemExit as end:
            code = end.code
        told = capsys.readouterr()
        return Ended(int(code or 0), told.out, told.err)  # type: ignore[call-overload]

    return run


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("workplace")
    (folder / "tiny.toml").write_text(TINY)
    (folder / "my.py").write_text(MODELS)
    return folder


# ------------------------------------------------------------------------------------------- help


def test_help_answers_at_once_and_without_torch(tmp_path):
    code = "import sys; sys.argv[0] = 'flop-harness'; from flop_harness.cli import main\n"
    code += "try:\n    main()\nfinally:\n    print(sorted(sys.modules), file=sys.stderr)"
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert time.perf_counter() - started < 1.5  # 0.3 s on an idle machine
    assert done.returncode == 0
    assert "Usage: flop-harness" in done.stdout
    assert all(command in done.stdout for command in ("compare", "count", "list"))
    imported = done.stderr
    assert not [name for name in ("'torch'", "'pandas'", "'altair'", "'numpy'") if name in imported]


@pytest.mark.parametrize("command", ["compare", "count", "list"])
def test_every_command_explains_itself(typed, command):
    ended = typed(command, "-h")
    assert (ended.code, ended.err) == (0, "")
    assert "--help" in ended.out


def test_the_package_can_be_run_as_a_module(tmp_path):
    ended = type_in("list", "suites", cwd=tmp_path)
    assert (ended.code, ended.err) == (0, "")
    assert "seeds" in ended.out


# ------------------------------------------------------------------------------------------- list


@pytest.mark.parametrize(
    ("what", "some"),
    [
        ("suites", ["seeds"]),
        ("cases", ["vgg16", "torchvision:vgg16", "1x3x224x224"]),
        ("counters", ["analytic", "thop", "ptflops-pytorch", "fvcore", "numel"]),
        ("conventions", ["macs", "MAC", "FLOP"]),
    ],
)
def test_what_there_is_can_be_listed(typed, what, some):
    ended = typed("list", what)
    assert (ended.code, ended.err) == (0, "")
    assert [word for word in some if word not in ended.out] == []


def test_cases_of_a_suite_file_can_be_listed(typed):
    ended = typed("list", "cases", "--suite", "tiny.toml")
    assert ended.code == 0
    assert "linear" in ended.out and "vgg16" not in ended.out


# ------------------------------------------------------------------------------------------ count


def counted(ended: Ended) -> dict:
    assert (ended.code, ended.err) == (0, ""), ended.err
    return json.loads(ended.out)


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("term", {"convolution": CONV, "linear": FC}),
        ("module", {"features.0": CONV, "fc": FC}),
        ("operator", {"aten.convolution": CONV}),
        ("function", {"torch.nn.functional.conv2d": CONV, "torch.nn.functional.linear": FC}),
    ],
)
def test_a_model_of_ones_own_can_be_counted_in_every_grouping(typed, by, rows):
    count = counted(typed("count", "my.py:Net", "--input", "1x3x8x8", "--by", by, "--json"))
    assert (count["total"], count["params"], count["unit"]) == (CONV + FC, PARAMS, "MAC")
    found = {name: amount for name, amount in count[f"by_{by}"].items() if amount}
    expected = {n: a for n, a in found.items() if any(n.endswith(k) for k in rows)}
    assert sorted(expected.values()) == sorted(rows.values()), found


def test_modules_can_be_folded(typed):
    count = counted(
        typed(
            "count", "my.py:Net", "--input", "1x3x8x8", "--by", "module", "--depth", "1", "--json"
        )
    )
    assert {n: a for n, a in count["by_module"].items() if a} == {"features": CONV, "fc": FC}


@pytest.mark.parametrize(
    ("convention", "total"),
    [("macs", CONV + FC), ("flops", 2 * (CONV + FC)), ("params", PARAMS)],
)
def test_conventions_price_the_same_trace(typed, convention, total):
    listed = typed("list", "conventions").out
    if f" {convention} " not in listed:
        pytest.skip(f"no convention is called {convention}")
    count = counted(
        typed("count", "my.py:Net", "--input", "1x3x8x8", "--convention", convention, "--json")
    )
    assert count["total"] == total


def test_every_convention_counts_or_says_why_not(typed):
    from flop_harness.conventions.catalogue import CONVENTIONS

    for name in CONVENTIONS:
        ended = typed("count", "my.py:Net", "--input", "1x3x8x8", "--convention", name)
        assert ended.code in (0, 2), name
        assert ended.code == 0 or "does not apply" in ended.err


def test_a_factory_may_bring_its_inputs(typed):
    assert counted(typed("count", "my.py:complete", "--json"))["total"] == 2 * 4 * 3


def test_several_inputs_are_given_one_by_one(typed):
    ended = typed("count", "torch.nn.functional:linear", "--input", "2x4", "--input", "3x4")
    assert ended.code == 2  # a function is no model
    assert len(ended.lines) == 1


def test_the_table_names_model_total_and_share(typed):
    ended = typed("count", "my.py:Net", "--input", "1x3x8x8")
    assert (ended.code, ended.err) == (0, "")
    title = " ".join(ended.out.split())
    assert f"my.py:Net: {CONV + FC:,} MAC, {PARAMS:,} parameters" in title

    assert "convolution" in ended.out and f"{100 * CONV / (CONV + FC):.1f} %" in ended.out


def test_what_a_model_prints_does_not_spoil_the_data(workplace):
    ended = type_in("count", "my.py:Chatty", "--input", "2x4", "--json", cwd=workplace)
    assert ended.code == 0
    assert json.loads(ended.out)["total"] == 2 * 4 * 3


# ---------------------------------------------------------------------------------- compare a suite


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture(scope="module")
def compared(workplace, elsewhere) -> Ended:
    """All counts of a suite, typed in another folder than the suite's."""
    return type_in("compare", workplace / "tiny.toml", *COUNTS, cwd=elsewhere)


def test_a_suite_is_compared_from_any_folder(compared, elsewhere):
    assert compared.code == 0, compared.err
    found = {path.name for path in (elsewhere / "results" / "tiny").iterdir()}
    wanted = {"run.json.xz", "readings.csv", "bridges.csv", "report.md"}
    wanted |= {"report.html", "table.tex", "table.md"}
    assert wanted <= found
    assert [name for name in found if name.endswith(".svg")]


def test_the_verdict_and_the_place_of_the_report_are_the_data(compared):
    # analytic, thop and torch (twice) give two figures or one; numel gives one, twice
    *tables, sentence, _, command, papers, report = compared.out.splitlines()
    assert tables[0].strip() == "tiny: compute"
    assert papers == "tables for a paper or a README: results/tiny/table.tex, results/tiny/table.md"
    assert report == f"report: {Path('results/tiny/report.html')}"
    assert command.startswith("  flop-harness explain ")
    assert "explained with residual 0, 0 not, 0 failed, 0 unavailable" in sentence


def test_progress_is_told_line_by_line_on_stderr(compared):
    lines = compared.err.splitlines()
    assert [line.split("]")[0] for line in lines[:CELLS]] == [
        f"[{n}/{CELLS}" for n in range(1, CELLS + 1)
    ]
    assert lines[CELLS:] == []


def test_the_columns_are_those_that_were_promised(compared, elsewhere):
    columns = {
        "readings": "case input counter version context metric value unit label status message",
        "bridges": "case counter context metric step term amount",
    }
    for name, promised in columns.items():
        rows = csv.reader(io.StringIO((elsewhere / "results/tiny" / f"{name}.csv").read_text()))
        names = promised.split()
        assert next(rows)[: len(names)] == names


def test_bridges_lead_from_the_reference_to_the_reading(compared, elsewhere):
    folder = elsewhere / "results" / "tiny"
    readings = list(csv.DictReader((folder / "readings.csv").open()))
    bridges = list(csv.DictReader((folder / "bridges.csv").open()))
    same = ("case", "counter", "context", "metric")
    for reading in readings:
        steps = [b for b in bridges if all(b[key] == reading[key] for key in same)]
        assert steps[0]["term"] == "reference" and steps[0]["step"] == "0"
        assert steps[-1]["term"] == "residual" and steps[-1]["amount"] == "0"
        assert sum(int(b["amount"]) for b in steps) == int(reading["value"])


def test_a_finished_run_asked_again_says_so_and_redoes_nothing(compared, elsewhere, workplace):
    journal = elsewhere / "results" / "tiny" / "journal.jsonl"
    before = journal.read_bytes()
    again = type_in("compare", workplace / "tiny.toml", *COUNTS, cwd=elsewhere)
    assert (again.code, again.out[: len(compared.out)]) == (0, compared.out)
    assert "holds this run already, finished; --fresh runs it anew" in again.err
    assert not [line for line in again.err.splitlines() if line.startswith("[")]
    assert journal.read_bytes() == before


def test_fresh_runs_it_anew(typed, tmp_path):
    options = ("--counters", "numel", "--no-timing", "--out", tmp_path / "out")
    typed("compare", "tiny.toml", *options)
    again = typed("compare", "tiny.toml", *options, "--fresh")
    assert again.code == 0
    assert len([line for line in again.err.splitlines() if line.startswith("[")]) == 2 * 3


def test_cases_and_counters_can_be_chosen(typed, tmp_path):
    ended = typed(
        "compare", "tiny.toml", "--cases", "c*", "--counters", "torch, numel", "--no-timing",
        "--out", tmp_path,
    )  # fmt: skip
    assert ended.code == 0
    rows = list(csv.DictReader((tmp_path / "readings.csv").open()))
    assert {row["case"] for row in rows} == {"conv"}
    assert {row["counter"] for row in rows} == {"torch", "numel"}


# ---------------------------------------------------------------------------------- compare a model


def test_a_model_is_compared_in_a_table_and_nothing_is_written(typed, workplace):
    before = sorted(workplace.rglob("*.csv"))
    ended = typed(
        "compare",
        "my.py:Net",
        "--input",
        "1x3x8x8",
        "--counters",
        "thop,torch,numel",
        "--no-timing",
    )
    assert ended.code == 0
    assert ended.err == ""
    for word in ("thop", "torch", "numel", f"{2 * (CONV + FC):,}", f"{PARAMS:,}", "explained"):
        assert word in ended.out
    assert sorted(workplace.rglob("*.csv")) == before


def test_a_model_is_written_where_one_asks(typed, tmp_path):
    ended = typed(
        "compare", "my.py:Net", "--input", "1x3x8x8", "--counters", "numel", "--no-timing", "--out",
        tmp_path / "deep" / "er",
    )  # fmt: skip
    assert ended.code == 0
    assert (tmp_path / "deep" / "er" / "readings.csv").exists()


def test_what_a_model_prints_while_it_is_compared_is_no_data(workplace):
    ended = type_in("compare", "my.py:Chatty", "--input", "2x4", *SMALL, cwd=workplace)
    assert ended.code == 0
    assert "shape" not in ended.out and "building" not in ended.out


# --------------------------------------------------------------------------------- how it ends


@pytest.fixture
def installing(tmp_path, monkeypatch):
    from flop_harness import counters

    def install(*entries: str) -> list[str]:
        places = faulty.installed(tmp_path / "site", entries)
        for place in reversed(places):
            monkeypatch.syspath_prepend(place)
        counters.counters.cache_clear()
        return places

    yield install
    monkeypatch.undo()
    counters.counters.cache_clear()


@pytest.mark.parametrize(
    ("counter", "code"), [("raises", 0), ("off_by_one", 3), ("missing", 0), ("prints", 0)]
)
def test_the_exit_code_tells_whether_a_figure_is_unexplained(
    installing, typed, tmp_path, counter, code
):
    installing(counter)
    name = counter.replace("_", "-")
    ended = typed(
        "compare", "tiny.toml", "--counters", name, "--no-timing", "--out", tmp_path / "out"
    )  # it is asked of every case, though the suite lists others
    assert ended.code == code, ended.out
    ended = typed("compare", "my.py:complete", "--counters", name)
    assert ended.code == code, ended.out
    strict = typed("compare", "my.py:complete", "--counters", name, "--strict")
    assert strict.code == (3 if name in ("raises", "off-by-one") else 0)


def test_an_installed_plugin_is_found_and_asked(installing, workplace, tmp_path):
    path = faulty.installed(tmp_path / "elsewhere", ["good", "raises"])
    ended = type_in(
        "compare", "my.py:complete", "--counters", "good,raises,numel", "--no-timing",
        cwd=workplace, path=path,
    )  # fmt: skip
    assert ended.code == 0
    assert ended.out.count("ValueError: no rule for this layer") == 1  # of both metrics, once
    assert "4 explained with residual 0, 0 not, 2 failed" in ended.out
    assert "Traceback" not in ended.err


def test_a_model_that_raises_is_exit_2_and_the_other_cases_are_kept(typed, workplace, tmp_path):
    text = TINY.replace('"torch.nn:Linear"', '"my.py:RaisesValue"').replace(
        "kwargs = { in_features = 4, out_features = 3 }", ""
    )
    (workplace / "half.toml").write_text(text)
    ended = typed(
        "compare", "half.toml", "--counters", "numel", "--no-timing", "--out", tmp_path / "out"
    )
    assert ended.code == 2
    assert "ValueError: two lines" in ended.out + ended.err
    assert "Traceback" not in ended.err
    rows = list(csv.DictReader((tmp_path / "out" / "readings.csv").open()))
    assert {row["case"] for row in rows} == {"conv"}


def test_a_second_run_into_one_folder_is_refused(typed, tmp_path):
    from flop_harness.store import Journal

    with Journal.open(tmp_path / "out", {}):
        ended = typed("compare", "tiny.toml", "--no-timing", "--out", tmp_path / "out")
    assert ended.code == 2
    assert ended.lines == [
        f"flop-harness: another run is writing to {tmp_path / 'out'}: wait for it"
    ]


# ------------------------------------------------------------------------------------- bad input

SUITES = {
    "empty": "",
    "garbage": "\x00\x01 = [",
    "unclosed": 'name = "x',
    "no-version": 'name = "x"\n[[case]]\nid = "a"\nmodel = "torch.nn:ReLU"\n',
    "no-cases": 'name = "x"\nversion = 1\n',
    "empty-cases": 'name = "x"\nversion = 1\ncase = []\n',
    "one-bracket": 'name = "x"\nversion = 1\n[case]\nid = "a"\nmodel = "torch.nn:ReLU"\n',
    "text-version": TINY.replace("version = 1", 'version = "1"'),
    "zero-version": TINY.replace("version = 1", "version = 0"),
    "unknown-key": TINY.replace("description", "descripton", 1),
    "unknown-case-key": TINY.replace("inputs", "imputs", 1),
    "text-inputs": TINY.replace("[[2, 4]]", '"2x4"'),
    "flat-inputs": TINY.replace("[[2, 4]]", "[2, 4]"),
    "negative-shape": TINY.replace("[[2, 4]]", "[[-2, 4]]"),
    "float-shape": TINY.replace("[[2, 4]]", "[[2.5, 4]]"),
    "same-id": TINY.replace('"conv"', '"linear"', 1),
    "bad-dtype": TINY.replace("inputs = [[2", 'dtype = "float23"\ninputs = [[2'),
    "bad-mode": TINY.replace("inputs = [[2", 'mode = "evil"\ninputs = [[2'),
    "bad-counter": TINY.replace('"thop"', '"thorp"', 1),
    "no-time": TINY.replace("timeout_s = 20", "timeout_s = 0"),
    "endless-memory": TINY.replace("timeout_s = 20", "memory_gib = inf"),
    "endless-time": TINY.replace("timeout_s = 20", "timeout_s = inf"),
    "no-number-time": TINY.replace("timeout_s = 20", "timeout_s = nan"),
    "deep": "a = " + "[" * 3000 + "]" * 3000,
    "endless-number": TINY.replace("version = 1", f"version = {'1' * 5000}"),
    "latin": TINY.replace("two layers", "zwei gr\xf6\xdfen"),
}

NET = ("count", "my.py:Net", "--input", "1x3x8x8")
SMALL = ("--no-timing", "--counters", "numel")

BAD: dict[str, tuple[tuple[str, ...], str]] = {
    # suites
    "unknown suite": (("compare", "sedes"), "did you mean 'seeds'?"),
    "no such file": (("compare", "nowhere/tiny.toml"), "nowhere/tiny.toml: no such file"),
    "a folder": (("compare", "."), "no suite '.'"),
    "no name": (("compare", ""), "no suite ''"),
    "no provider": (("compare", "resnet18"), "torchvision:resnet18"),
    "a file without a model": (("compare", "my.py"), "my.py:NAME"),
    "input for a suite": (("compare", "tiny.toml", "--input", "1x3"), "--input"),
    "no case matches": (("compare", "tiny.toml", "--cases", "liner"), "did you mean 'linear'?"),
    "no case named": (("compare", "tiny.toml", "--cases", ""), "no case"),
    "cases for a model": (("compare", "my.py:Net", "--cases", "x"), "--cases"),
    # counters, conventions and other choices
    "unknown counter": (("compare", "tiny.toml", "--counters", "thop,torchinf"), "'torchinfo'?"),
    "unknown counter for a model": (
        ("compare", "my.py:Net", "--counters", "x"), "unknown counter 'x'"
    ),
    "unknown device": (("compare", "tiny.toml", "--device", "gpu"), "unknown device 'gpu'"),
    "unknown convention": ((*NET, "--convention", "mac"), "did you mean 'macs'?"),
    "unknown grouping": ((*NET, "--by", "modul"), "did you mean 'module'?"),
    "depth without modules": ((*NET, "--by", "term", "--depth", "1"), "--by module"),
    "unknown list": (("list", "counter"), "did you mean 'counters'?"),
    "cases of no suite": (("list", "cases", "--suite", "sedes"), "did you mean 'seeds'?"),
    "suites of no suite": (("list", "suites", "--suite", "sedes"), "did you mean 'seeds'?"),
    # models
    "unknown model": (("count", "torchvision:resnet8"), "did you mean 'resnet18'?"),
    "unknown provider": (("count", "torchvison:resnet18"), "did you mean 'torchvision'?"),
    "provider not installed": (("count", "timm:resnet18"), "pip install 'flop-harness[timm]'"),
    "unknown package": (("count", "nowhere.models:Net"), "no module named 'nowhere'"),
    "unknown name": (("count", "my.py:RaiseKey"), "did you mean 'RaisesKey'?"),
    "unknown file": (("count", "mi.py:Net"), "did you mean 'my.py'?"),
    "no model": (("count", "my.py:number"), "is an int, not a class or function"),
    "model without provider": (("count", "resnet18"), "torchvision:resnet18"),
    "half a reference": (("count", "my.py:"), "my.py:NAME"),
    "syntax error": (("count", "broken.py:Net"), "SyntaxError"),
    "file that raises": (("count", "raises.py:Net"), "ZeroDivisionError"),
    "file that exits": (("count", "exits.py:Net"), "SystemExit"),
    "factory gives text": (("count", "my.py:gives_text"), "gave str"),
    "factory gives nothing": (("count", "my.py:gives_nothing"), "gave NoneType"),
    "factory gives a pair": (("count", "my.py:gives_pair"), "gave tuple"),
    "factory wants more": (("count", "my.py:wants_more"), "name a function that takes nothing"),
    "factory raises": (("count", "my.py:BuildRaises"), "no weights here"),
    "factory exits": (("count", "my.py:BuildExits"), "SystemExit"),
    "factory raises in compare": (("compare", "my.py:BuildRaises", *SMALL), "no weights here"),
    # inputs
    "inputs missing": (("count", "my.py:Net"), "inputs are needed"),
    "inputs missing in compare": (("compare", "my.py:Net", *SMALL), "inputs are needed"),
    "input is words": (("count", "my.py:Net", "--input", "one by three"), "1x3x224x224"),
    "input ends early": (("count", "my.py:Net", "--input", "1x3x"), "is not a shape"),
    "input is negative": (("count", "my.py:Net", "--input", "1x-3x8x8"), "is not a shape"),
    "input is empty": (("count", "my.py:Net", "--input", ""), "is not a shape"),
    "wrong shape": (("count", "my.py:Net", "--input", "1x4x8x8"), "the model raises"),
    "wrong shape in compare": (
        ("compare", "my.py:Net", "--input", "1x4x8x8", *SMALL), "the model raises"
    ),
    "too many inputs": ((*NET, "--input", "1x3x8x8"), "the model raises"),
    "input beyond all numbers": (
        ("count", "torch.nn:ReLU", "--input", "x".join(4 * ["99999999999"])), "overflow"
    ),
    # models that raise when run
    "model raises": (("count", "my.py:RaisesValue", "--input", "1"), "ValueError: two lines"),
    "model raises in compare": (
        ("compare", "my.py:RaisesValue", "--input", "1", *SMALL), "ValueError: two lines"
    ),
    "model raises KeyError": (("count", "my.py:RaisesKey", "--input", "1"), "KeyError"),
    "model asserts": (("count", "my.py:RaisesAssertion", "--input", "1"), "a batch of 99"),
    "model asserts in compare": (
        ("compare", "my.py:RaisesAssertion", "--input", "1", *SMALL), "a batch of 99"
    ),
    "model exits": (("count", "my.py:Exits", "--input", "1"), "SystemExit: goodbye"),
    # goldens
    "check of no suite": (("check", "sedes"), "did you mean 'seeds'?"),
    "check without golden": (("check", "tiny.toml", "--golden", "nowhere"), "nowhere"),
    "check against a file": (("check", "tiny.toml", "--golden", "my.py"), "my.py"),
    "check updates a part": (
        ("check", "tiny.toml", "--update", "--cases", "linear"), "--update rewrites the whole"
    ),
    "check updates traces": (("check", "tiny.toml", "--update", "--traces"), "--update rewrites"),
    "check a part of traces": (
        ("check", "tiny.toml", "--traces", "--counters", "thop"), "--traces prices everything"
    ),
    # releases and effects
    "drift of no counter": (("drift", "thorp"), "did you mean 'thop'?"),
    "drift of our own": (("drift", "analytic"), "comes with flop-harness"),
    "drift of no case": (("drift", "thop", "--cases", "alexnut"), "did you mean 'alexnet'?"),
    "drift of no suite file": (("drift", "thop", "--cases", "no.toml"), "no.toml: no such file"),
    "effects of no counter": (("effects", "thop,thorp"), "did you mean 'thop'?"),
    "effects into a file": (("effects", "numel", "--out", "my.py"), "my.py"),
    # time
    "time of no suite": (("time", "sedes"), "did you mean 'seeds'?"),
    "time of no case": (("time", "tiny.toml", "--cases", "liner", "--anyway"), "did you mean 'linear'?"),
    "time on no device": (
        ("time", "tiny.toml", "--device", "gpu", "--anyway"), "unknown device 'gpu'"
    ),
    # one bridge
    "explain without results": (("explain", "linear", "thop", "--dir", "nowhere"), "nowhere"),
    "explain no results": (("explain", "linear", "thop", "--dir", "my.py"), "my.py"),
    "explain of no suite": (("explain", "linear", "thop", "--suite", "sedes"), "sedes"),
    # figures and claims
    "claims of no file": (("claims", "nowhere.toml"), "nowhere.toml"),
    "verify of no suite": (("verify", "sedes"), "did you mean 'seeds'?"),
    # folders
    "out is a file": (("compare", "tiny.toml", "--out", "my.py", *SMALL), "my.py"),
    "out is in a file": (("compare", "tiny.toml", "--out", "my.py/x", *SMALL), "cannot write"),
    "out cannot be": (("compare", "tiny.toml", "--out", "/proc/no", *SMALL), "cannot write /proc"),
    **{
        f"suite {name}": (("compare", f"{name}.toml", *SMALL), f"{name}.toml")
        for name in SUITES
    },
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def bad_files(workplace) -> None:
    (workplace / "broken.py").write_text("def Net(:\n")
    (workplace / "raises.py").write_text("1 / 0\n")
    (workplace / "exits.py").write_text("raise SystemExit(0)\n")
    for name, text in SUITES.items():
        (workplace / f"{name}.toml").write_bytes(text.encode("latin-1"))


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_line_and_exit_2(typed, name, monkeypatch, record_property):
    record_property("bad suites and command lines: a clear error each, no traceback", 1)
    if name == "provider not installed":
        monkeypatch.setitem(sys.modules, "timm", None)  # whether it is installed or not
    arguments, told = BAD[name]
    ended = typed(*arguments)
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.lines
    assert line.startswith("flop-harness: ")
    assert told in line
    assert len(line) < 1000


USAGE = {
    "no command": (),
    "unknown command": ("comapre", "seeds"),
    "unknown option": ("compare", "tiny.toml", "--fast"),
    "no target": ("compare",),
    "two targets": ("compare", "tiny.toml", "seeds"),
    "jobs none": ("compare", "tiny.toml", "--jobs", "0"),
    "jobs in words": ("compare", "tiny.toml", "--jobs", "two"),
    "depth below": (*NET, "--by", "module", "--depth", "-1"),
    "input without value": ("count", "my.py:Net", "--input"),
    "drift of nothing": ("drift",),
    "check of nothing": ("check",),
    "check with no jobs": ("check", "tiny.toml", "--jobs", "0"),
    "time of nothing": ("time",),
    "explain nothing": ("explain",),
    "verify nothing": ("verify",),
}


@pytest.mark.parametrize("name", USAGE)
def test_bad_usage_is_explained_and_exit_2(typed, name, record_property):
    record_property("bad suites and command lines: a clear error each, no traceback", 1)
    ended = typed(*USAGE[name])
    assert ended.code == 2
    assert ended.err + ended.out
    assert "Traceback" not in ended.err
    assert ended.out == "" or name == "no command"


@pytest.mark.slow
def test_a_bad_line_typed_for_real_leaves_no_traceback(workplace):
    ended = type_in("compare", "my.py:Net", "--input", "1x4x8x8", *SMALL, cwd=workplace)
    assert (ended.code, ended.out) == (2, "")
    assert len(ended.err.splitlines()) == 1


def test_finished_work_survives_a_bad_line(typed, tmp_path):
    typed("compare", "tiny.toml", "--out", tmp_path, *SMALL)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    typed("compare", "tiny.toml", "--out", tmp_path, "--no-timing", "--counters", "nonsense")
    typed("compare", "tiny.toml", "--out", tmp_path, "--cases", "nonsense")
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert after == before


# --------------------------------------------------------------------------------- interrupted


def test_an_interrupted_run_says_so_in_one_line(workplace, tmp_path):
    text = TINY.replace("timeout_s = 20", "timeout_s = 600").replace('"thop"', '"hangs"')
    (workplace / "hanging.toml").write_text(text)
    path = pythonpath(faulty.installed(tmp_path / "site", ["hangs"]))
    process = subprocess.Popen(
        [sys.executable, "-m", "flop_harness", "compare", "hanging.toml", "--out", tmp_path / "out"],
        cwd=workplace, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    lines = iter(process.stderr.readline, "")
    assert any("analytic" in line for line in lines)
    time.sleep(0.5)
    family = psutil.Process(process.pid).children(recursive=True)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does it for Ctrl-C
    out, err = process.communicate(timeout=60)
    left = left_running(family)
    for orphan in left:
        orphan.kill()
    assert left == []
    assert (process.returncode, out) == (130, "")
    (line,) = [line for line in err.splitlines() if not line.startswith("[")]
    kept = re.fullmatch(r"interrupted; (\d+) of (\d+) cells are kept in (.+): the same .*", line)
    assert kept is not None and 0 < int(kept[1]) < int(kept[2]) == CELLS
    assert kept[3] == str(tmp_path / "out")
