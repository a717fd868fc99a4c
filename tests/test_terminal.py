"""What commands print: figures stand whole at every width, and the data is the same as in JSON."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from commands import results_of, typed
from flop_harness.cli.compare_tables import further
from flop_harness.counters import find
from flop_harness.records import Run, Tool
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.verdict import unknowns, verdict_lines
from flop_harness.report.analysis.versions import is_later, newer
from flop_harness.report.documents.json_documents import SCHEMAS, comparison
from flop_harness.report.formats.terminal.bars import Barred
from flop_harness.report.formats.terminal.case import case_table
from flop_harness.report.formats.terminal.fitting import wrapped
from flop_harness.report.formats.terminal.grid import grid
from flop_harness.report.tables.deviations import deviation_table
from flop_harness.report.tables.environment import environment_table
from flop_harness.report.tables.table import Column, Table
from runs import GRAD, NO_GRAD, a_run, explained, failed_run, small_run

WIDTHS = (60, 80, 120, 200)

# A convolution of 3 channels to 40, 3 x 3, on 30 x 30 without padding; then a linear layer.
NET = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.a_convolution_with_a_long_name = nn.Conv2d(3, 40, 3, bias=False)
        self.norm = nn.BatchNorm2d(40)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(self.norm(self.a_convolution_with_a_long_name(x)))

def net():
    net = nn.Sequential(Block(), nn.Flatten(), nn.Linear(40 * 28 * 28, 10))
    net[2].bias.requires_grad = False
    return net.eval(), (torch.rand(2, 3, 30, 30),)
"""
OUTPUTS = 2 * 40 * 28 * 28
CONV = OUTPUTS * 3 * 3 * 3
LINEAR = 2 * 40 * 28 * 28 * 10


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "my.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return "my.py:net"


def printed(renderable: Any, width: int) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(renderable, crop=False)
    return captured.get()


# --------------------------------------------------------------------------------------- tables


@given(
    st.lists(st.tuples(st.text("abc ", max_size=80), *[st.integers(0, 10**15)] * 4), min_size=1,
             max_size=4),
    st.integers(30, 200),
)  # fmt: skip
def test_every_integer_of_a_table_stands_whole(rows: list[tuple], width: int):
    heads = (Column("name"), *(Column(name, "integer") for name in "abcd"))
    text = printed(grid(Table("title", heads, tuple(rows))), width)
    for row in rows:
        for value in row[1:]:
            assert re.search(rf"(?<![\d,]){value:,}(?![\d,])", text)


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal_where_all_has_room(width: int):
    heads = (Column("name"), Column("value", "integer"), Column("why"))
    rows = (("a.long.path.of.a.module", 15_470_264_320, "words " * 60),)
    text = printed(grid(Table("", heads, rows)), width)
    assert max(map(len, text.splitlines())) <= width


def test_letters_that_are_two_columns_wide_are_counted_so():
    assert wrapped("公式 参数量 of VGG16", 12).splitlines() == ["公式 参数量", "of VGG16"]
    assert wrapped("计算计算计算", 8).splitlines() == ["计算计算", "计算"]
    heads = (Column("name"), Column("value", "integer"), Column("why"))
    rows = (("模型" * 9, 15_470_264_320, "卷积 " * 30),)
    text = printed(grid(Table("", heads, rows)), 60)
    assert max(map(cell_len, text.splitlines())) <= 60
    assert "15,470,264,320" in text and "模型" * 9 in text


def test_a_figure_is_not_parted_from_its_unit():
    assert wrapped("charges +0.548 % of it", 14).splitlines() == ["charges", "+0.548 % of it"]
    assert wrapped("it is 15.47 GMAC", 12).splitlines() == ["it is", "15.47 GMAC"]


@pytest.mark.parametrize("width", WIDTHS)
def test_every_figure_of_a_case_stands_whole(width: int):
    text = printed(case_table(small_run(), "vgg16"), width)
    for reading in small_run().readings:
        if reading.case == "vgg16" and reading.value is not None:
            assert f"{reading.value:,}" in text


def test_the_reference_says_what_it_leaves_out():
    assert "aten.mystery × 3" in printed(case_table(small_run(), "vit"), 200)


def test_exact_figures_alone_where_one_asks():
    text = printed(case_table(small_run(), "vgg16"), 200)
    assert "15,470,264,320  15.47 GMAC" in text
    assert "GMAC" not in printed(case_table(small_run(), "vgg16", exact=True), 200)


def test_a_failure_is_told_once_and_whole():
    from flop_harness import report

    lines = report.verdict_lines(failed_run())
    for reading in failed_run().readings:
        if reading.status == "failed":
            assert sum(reading.message in line for line in lines) == 1


# ------------------------------------------------------------------------------------- commands

COUNTERS = ("--counters", "thop,fvcore")


def test_a_model_is_not_timed_unless_one_asks(net: str):
    ended = typed("compare", net, "--counters", "thop")
    assert (ended.code, ended.err) == (0, "")
    assert "median" not in ended.out


def test_the_command_that_tells_more_works_as_it_is_printed(net: str):
    shown = typed("compare", net, *COUNTERS, "--input", "1x3x30x30").out
    (line,) = [line for line in shown.splitlines() if line.startswith("  flop-harness explain")]
    ended = typed(*shlex.split(line)[1:])
    assert ended.code == 0
    assert f"{(CONV + LINEAR) // 2:,}" in ended.out


def test_several_models_stand_in_one_table(net: str):
    ended = typed("compare", net, "torch.nn:Identity", "--input", "2x3x30x30", "--counters", "thop")
    assert ended.code == 0
    assert re.search(r"my.py:net +127 M|my.py:net +\d", ended.out)
    assert "torch.nn:Identity" in ended.out


def test_a_sweep_counts_every_size(net: str):
    cases = json.loads(
        typed("compare", net, "--counters", "thop", "--sweep", "batch=1,4", "--json").out
    )["cases"]
    assert [case["macs"] for case in cases] == [(CONV + LINEAR) // 2, 2 * (CONV + LINEAR)]
    assert [case["inputs"] for case in cases] == ["1x3x30x30", "4x3x30x30"]


def test_models_stand_beside_the_first(net: str):
    words = ("count", net, "torch.nn:Identity", "--input", "4x3x30x30", "--sweep", "batch=1,4")
    told = json.loads(typed(*words, "--json").out)["models"]
    each = (CONV + LINEAR) // 2
    assert [model["total"] for model in told] == [each, 4 * each, 0, 0]
    shown = typed(*words).out
    assert re.search(rf"my.py:net batch 4 .*{4 * each:,} .* 4.00 ", shown)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_bars_stand_beside_a_table_or_below_it(width: int):
    heads = (Column("model"), Column("MAC", "integer"), Column("parameters", "integer"))
    rows = (("first", 15_470_264_320, 138_357_544), ("second", 7_735_132_160, 138_357_544))
    text = printed(Barred(grid(Table("", heads, rows)), [1.0, 0.5]), width)
    assert re.findall("█+", text) == ["█" * 20, "█" * 10]
    assert all(f"{value:,}" in text for row in rows for value in row[1:])
    assert max(map(len, text.splitlines())) <= width


def test_by_module_and_operator(net: str):
    told = json.loads(typed("count", net, "--by", "module,operator", "--json").out)
    conv = "0.a_convolution_with_a_long_name aten.convolution"
    assert told["by_module,operator"] == {conv: CONV, "2 aten.addmm": LINEAR}


def test_the_backward_pass_is_counted_operator_by_operator(net: str):
    """A gradient for each weight; for the input of the linear layer, and not for the model's own."""
    told = json.loads(typed("count", net, "--training", "--eval", "--json").out)
    assert told["total"] == 2 * CONV + 3 * LINEAR
    assert "no output of the model requires a gradient" in typed("count", "torch.nn:Identity",
                                                            "--input", "2x3", "--training").err  # fmt: skip


def test_parameters_stand_below_their_layer(net: str):
    shown = typed("layers", net, "--weights", "--columns", "kernel,output,parameters").out
    rows = [row.split() for row in shown.splitlines()]
    place = next(n for n, row in enumerate(rows) if row[:1] == ["a_convolution_with_a_long_name"])
    assert rows[place][1:] == ["3x3", "2x40x28x28", f"{40 * 27:,}"]
    assert rows[place + 1] == ["weight", "40x3x3x3", f"{40 * 27:,}"]
    ended = typed("layers", net, "--columns", "kernal")
    assert ended.code == 2 and "did you mean 'kernel'" in ended.err


def test_a_tree_of_layers_is_set_in(net: str):
    shown = typed("layers", net, "--columns", "parameters").out
    depths = {row.split()[0]: len(row) - len(row.lstrip()) for row in shown.splitlines()[3:9]}
    assert depths["0"] - depths["(the"] == depths["norm"] - depths["0"] == 2


def test_models_have_a_chart_where_a_folder_is_named(net: str, tmp_path: Path):
    for words, drawn in ((("--sweep", "batch=1,2"), "line"), (("torch.nn:Identity",), "bar")):
        ended = typed("compare", net, *words, "--input", "2x3x30x30", "--counters", "numel",
                      "--out", tmp_path / drawn)  # fmt: skip
        assert ended.code == 0, ended.err
        svg = (tmp_path / drawn / "sizes.svg").read_text()
        assert ("mark-line" in svg) == (drawn == "line") and "my.py:net" in svg


@pytest.mark.parametrize(
    ("sweep", "told"),
    [("bach=1", "did you mean 'batch'"), ("batch=", "no sizes"), ("batch=0", "no sizes"),
     ("length=8", "has a length"), ("batch=1,x", "no sizes")],
)  # fmt: skip
def test_a_sweep_that_cannot_be_is_refused(net: str, sweep: str, told: str):
    ended = typed("compare", net, "--sweep", sweep)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.err


def test_count_by_the_rules_of_a_counter(net: str):
    told = json.loads(typed("count", net, "--convention", "thop", "--json").out)
    assert told["by_term"]["batch normalisation"] == 4 * OUTPUTS
    assert told["total"] == CONV + LINEAR + 4 * OUTPUTS


def test_results_of_a_suite_are_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    results_of(small_run(), tmp_path / "results" / "mine")
    for name in ("mine", "results/mine", "results/mine/run.json.xz"):
        ended = typed("report", name, "--format", "csv")
        assert ended.code == 0, ended.err
        ended = typed("explain", "vgg16", "thop", "--dir", name)
        assert ended.code == 0, ended.err


def test_models_of_a_provider_are_listed_by_what_they_match():
    ended = typed("list", "models", "torchvision", "--filter", "vit_?_16")
    assert re.findall(r"torchvision:(\w+)", ended.out) == ["vit_b_16", "vit_l_16"]
    assert "did you mean 'torchvision'" in typed("list", "models", "torchvison").err
    assert typed("list", "models", "torchvision", "--filter", "nothing-such").code == 2


SUITE = """
name = "mine"
version = 1

[[case]]
id = "net"
model = "my.py:net"
counters = ["numel"]
"""


def test_check_says_first_what_changed_in_the_model(net: str, tmp_path: Path):
    (tmp_path / "mine.toml").write_text(SUITE)
    assert typed("compare", "mine.toml", "--no-timing").code == 0
    (tmp_path / "my.py").write_text(NET.replace("28, 10)", "28, 12)"))
    ended = typed("check", "mine.toml")
    assert ended.code == 1
    assert ended.out.startswith("net: the model changed: 2: out_features 10 -> 12")
    told = json.loads(typed("check", "mine.toml", "--json").out)
    assert list(told) == [key.name for key in SCHEMAS["check"]]
    assert told["models"] == [{"case": "net", "changes": ["2: out_features 10 -> 12"]}]


# ------------------------------------------------------------------------------- one model, whole

VOTES = ("thop", "fvcore", "torchinfo", "pytorch-model-summary")


def one_model(*others: tuple) -> Run:
    """100 MAC and 1,234 parameters, on which four counters agree; more readings beside them."""
    pairs = [explained("net", "analytic", 100), explained("net", "thop", 100, {"linear bias": 5})]
    pairs += [explained("net", name, 1234, metric="params", unit="parameter") for name in VOTES]
    return a_run([*pairs, *others])


@pytest.mark.parametrize("width", [60, 80, 120])
def test_counters_that_say_the_same_share_a_row(width: int):
    text = printed(case_table(one_model(), "net"), width)
    assert text.count("1,234") == 2  # the reference's, and theirs
    assert [name for name in VOTES if name not in text] == []


def test_counters_with_other_reasons_have_a_row_each():
    """105 MAC by a bias of 5, and by two terms that add up to 5."""
    other = explained("net", "fvcore", 100, {"linear bias": 6, "pooling": -1})
    assert re.findall(
        r"(thop|fvcore) +105 ", printed(case_table(one_model(other), "net"), 120)
    ) == [
        "thop",
        "fvcore",
    ]


def test_a_context_is_named_where_a_counter_says_something_else_in_another():
    alike = [explained("net", "torch", 100, context=context) for context in (NO_GRAD, GRAD)]
    assert "grad" not in printed(case_table(one_model(*alike), "net"), 120)
    apart = [alike[0], explained("net", "torch", 100, {"attention": 7}, context=GRAD)]
    text = printed(case_table(one_model(*apart), "net"), 120)
    assert "torch (no_grad)" in text and "torch (grad)" in text


@pytest.mark.parametrize("width, beneath", [(60, True), (80, True), (160, False)])
def test_reasons_stand_beneath_a_row_where_they_have_no_room_beside_it(width: int, beneath: bool):
    terms = {"a term of which much is to be said": 5, "another such term, as long": 7}
    run = one_model(explained("net", "fvcore", 100, terms))
    lines = printed(case_table(run, "net"), width).splitlines()
    (place,) = (at for at, line in enumerate(lines) if "a term of which much" in line)
    assert ("112" not in lines[place]) == beneath
    assert max(map(len, lines)) <= width


def test_marks_are_told_where_they_occur_and_nowhere_else():
    equal, near = explained("net", "thop", 10**6), explained("net", "thop", 10**6, {"bias": 1})
    open_ = explained("net", "thop", 10**6, {"bias": 10**5}, residual=3)
    for pair, mark in ((equal, "="), (near, "≈"), (open_, "!")):
        note = deviation_table(Index(a_run([pair]))).note
        assert [sign for sign in "=≈!~×" if f"{sign} " in note] == [mark]
        told = printed(case_table(a_run([pair]), "net"), 120)
        assert ("= equal to the last unit" in told) == (mark == "=")


@pytest.mark.parametrize(
    "version, told",
    [("0.1.4", []), ("0.1.5.post20221221", []), ("0.1.6", ["fvcore 0.1.6: rules are those of 0.1.5.post20221221"])],
)  # fmt: skip
def test_a_counter_newer_than_its_rules_is_named(version: str, told: list[str]):
    reading, bridge = explained("net", "fvcore", 100)
    tool = Tool("fvcore", "fvcore", "", "fvcore/nn/jit_handles.py (0.1.5.post20221221)")
    run = a_run([(replace(reading, version=version), bridge)], tools=(tool,))
    assert list(map(str, newer(run))) == told
    assert [line.strip() for line in verdict_lines(run)[1:]] == told
    assert [f"{line}." for line in told] == unknowns(Index(run))
    assert [each["counter"] for each in comparison(run)["newer"]] == ["fvcore"] * len(told)


def test_the_rules_of_a_minor_release_are_those_of_its_patches():
    assert not is_later("2.14.1", "2.14") and is_later("2.15.0", "2.14")
    assert is_later("0.7.5.1", "0.7.5") and not is_later("", "0.7.5")


def test_it_is_said_how_many_counters_were_not_asked(net: str):
    more = [each for each in find(("all",)) if each.overlay or each.optional]
    asked = a_run([], tools=tuple(Tool(each.id) for each in find(())))
    assert further(asked) == [f"{len(more)} more counters with --counters all"]
    assert further(a_run([], tools=(Tool("thop"),))) == []


def test_what_has_no_value_is_left_out_of_the_environment():
    rows = environment_table(a_run([], environment={"git": None, "gpus": [], "os": "Linux 6"})).rows
    assert rows == (("suite", "small, version 1"), ("os", "Linux 6"))
