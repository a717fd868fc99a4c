"""``flop-harness convert``: a figure under one convention becomes what another says."""

from __future__ import annotations

from pathlib import Path

import pytest

from commands import typed
from flop_harness.ask.convert import Conversion, case_of, convert, given_by
from flop_harness.ask.figures import identified, parse
from flop_harness.ask.ways import Amount, Rules, resolve
from flop_harness.errors import UserError
from flop_harness.records import Case, Input
from flop_harness.records.account import Account

# A convolution with bias of 3 channels to 6, 3 x 3, on 10 x 10 without padding: 6 x 8 x 8 out.
NET = """
from torch import nn
import torch

def net():
    layers = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(384, 5, bias=False)
    return nn.Sequential(*layers).eval(), (torch.rand(2, 3, 10, 10),), {}
"""
OUTPUTS = 2 * 6 * 8 * 8
CONV = OUTPUTS * 27  # 3 x 3 x 3 multiplications for each
LINEAR = 2 * 384 * 5
MACS = CONV + LINEAR
PARAMS = (6 * 27 + 6) + (6 + 6) + 384 * 5


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "my.py").write_text(NET)
    monkeypatch.chdir(tmp_path)
    return "my.py:net"


def converted(figure: str, model: str, source: str, target: str) -> Conversion:
    case, folder = case_of(model, [])
    return convert(figure, case, source, target, folder)[0]


def test_macs_become_what_a_counter_charges(net: str):
    found = converted(f"{MACS:,} MAC", net, "reference", "thop")
    assert found.target.total == MACS + 4 * OUTPUTS  # four for each element of the batch norm
    assert {step.term: step.amount for step in found.bridge.steps} == {
        "batch normalisation": 4 * OUTPUTS
    }


def test_macs_become_flops_by_the_unit_alone(net: str):
    found = converted(f"{MACS}", net, "macs", "flops")
    assert found.target.total == 2 * MACS
    assert [step.amount for step in found.bridge.steps] == [MACS]
    back = converted(f"{2 * MACS} FLOPs", net, "flops", "macs")
    assert back.target.total == MACS
    assert [step.amount for step in back.bridge.steps] == [-MACS]


def test_exact_flops_part_from_the_double_by_a_term_of_each_product(net: str):
    # 2K - 1 + 1 with the bias is 2K; without a bias one addition less per output
    found = converted(f"{MACS}", net, "macs", "exact-flops")
    assert found.target.total == 2 * MACS - 2 * 5
    assert {step.term: step.amount for step in found.bridge.steps} == {
        "2 FLOPs per MAC": MACS, "linear": -2 * 5,
    }  # fmt: skip


def test_two_flops_a_mac_are_the_same_for_a_convention_and_a_counter(net: str):
    for source, target in (("flops", "torch"), ("torch", "flops")):
        assert converted(f"{2 * MACS}", net, source, target).bridge.steps == ()


@pytest.mark.parametrize(
    ("source", "target"),
    [("macs", "torch"), ("torch", "macs"), ("torch", "fvcore"), ("exact-flops", "ptflops-aten")],
)
def test_terms_lead_from_one_total_to_the_other(net: str, source: str, target: str):
    said = {"macs": MACS, "torch": 2 * MACS, "exact-flops": 2 * MACS - 2 * 5}
    bridge = converted(f"{said[source]}", net, source, target).bridge
    assert bridge.reference == said[source]
    assert bridge.reference + sum(step.amount for step in bridge.steps) == bridge.reading
    for step in bridge.steps:
        assert sum(step.modules.values()) == step.amount


def test_a_rounded_figure_is_the_model_s_and_a_mac_is_two_flops(net: str):
    assert MACS == 24_576
    for figure in ("24.6 kMACs", "24,576", "25k", "49.2 kFLOPs", "0.0246 MMac"):
        assert converted(figure, net, "reference", "macs-bias").source.total == MACS
    assert converted("49.15k", net, "flops", "reference").target.total == MACS


def test_what_a_tool_calls_its_figure_is_taken_as_it_calls_it(net: str):
    found = converted(f"{MACS + 2 * OUTPUTS} FLOPs", net, "fvcore", "macs")  # it counts MACs
    assert (found.source.unit, found.target.total) == ("MAC", MACS)


def test_parameters_stay_parameters(net: str):
    assert converted(f"{PARAMS / 1e3:.2f}k params", net, "params", "thop").target.total == PARAMS


@pytest.mark.parametrize(
    ("figure", "source", "told"),
    [
        (
            f"{MACS + 4 * OUTPUTS}",
            "reference",
            f"is {MACS:,} MAC under macs.*would be under .*thop",
        ),
        ("1.2345G", "thop", "nor does any other way"),
        (f"{PARAMS} params", "macs", "nothing of that kind under macs.*under params"),
    ],
)
def test_a_figure_that_is_not_the_model_s_is_refused(net: str, figure: str, source: str, told: str):
    with pytest.raises(UserError, match=told):
        converted(figure, net, source, "flops")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("1.0", "m:n", "refrence", "thop"), "did you mean 'reference'"),
        (("1.0", "m:n", "macs", "thopp"), "did you mean 'thop'"),
        (("1.0", "m:n", "ptflop", "thop"), "did you mean 'ptflops'"),
        (("much", "m:n", "macs", "thop"), "no printed number"),
        (("4 GWatt", "m:n", "macs", "thop"), "unknown unit"),
    ],
)
def test_mistakes_are_told_before_the_model_is_built(words: tuple[str, ...], told: str):
    figure, model, source, target = words
    with pytest.raises(UserError, match=told):
        converted(figure, model, source, target)


def test_compute_does_not_become_parameters(net: str):
    with pytest.raises(UserError, match="params says nothing in the compute"):
        converted(str(MACS), net, "macs", "params")


def test_a_case_of_a_suite_is_a_model():
    case, _ = case_of("resnet50", [])
    assert case.model == "torchvision:resnet50"
    assert case_of("resnet50", ["2x3x64x64"])[0].inputs[0].shape == (2, 3, 64, 64)


def test_a_figure_taken_apart():
    figure = parse("4.089GMac")
    assert (figure.printed.text, figure.unit.base, figure.unit.scale) == ("4.089", "MAC", 10**9)


@pytest.mark.parametrize(
    ("called", "meant"),
    [("ptflops", "ptflops-pytorch"), ("FlopCounterMode", "torch"), ("THOP", "thop"),
     ("torch.utils.flop_counter", "torch"), ("pytorch_model_summary", "pytorch-model-summary")],
)  # fmt: skip
def test_a_counter_is_known_by_the_names_that_people_write(called: str, meant: str):
    assert resolve(called)[0].id == meant


def test_macs_that_a_tool_calls_flops_are_told_to_be_macs(net: str):
    found = converted("24,576 FLOPs", net, "reference", "flops")
    assert found.source.total == MACS
    assert "macs counts MACs" in found.remarks[0] and "not FLOPs" in found.remarks[0]


def test_a_bare_number_is_tried_in_thousands_and_more(net: str):
    found = converted("24.576", net, "reference", "flops")
    assert (found.source.total, found.target.total) == (MACS, 2 * MACS)
    assert found.remarks == [f"24.576 was read as {MACS / 1000:.2f} kMAC"]


@pytest.mark.parametrize("figure", ["0", "0.00 GMac", "1 GMac", "1", "1e400"])
def test_a_figure_without_a_digit_of_the_model_s_is_not_the_model_s(net: str, figure: str):
    """Everything is less than 1 GMac: rounded up it would be that of any small model."""
    with pytest.raises(UserError, match="MAC under macs, not"):
        converted(figure, net, "macs", "flops")


@pytest.mark.parametrize(
    ("figure", "source", "how"),
    [("24.58k", "macs", ""), ("24.57k", "macs", "cut off"), ("27.7k", "thop", "rounded up"),
     ("3e4", "macs", None), ("50 kFLOPs", "flops", None)],
)  # fmt: skip
def test_a_figure_is_rounded_to_the_nearest_and_else_it_is_said(net, figure, source, how):
    """24,576 are 24.58 or 24.57 k; thop's 27,648 are 27.7 k and the 49,152 FLOPs no 50 k."""
    if how is None:
        with pytest.raises(UserError, match=f"not {figure}"):
            converted(figure, net, source, "macs")
        return
    remarks = converted(figure, net, source, "macs").remarks
    assert (f"{figure} is that figure {how}" in remarks) == bool(how)


def test_who_is_nearest_is_named_first():
    amounts = [Amount(way, "MAC", Account.of([("", "convolution", total)]))
               for way, total in (("macs", 1_814_073_344), ("other", 1_819_467_776))]  # fmt: skip
    found = identified(parse("1.82 GMac"), amounts)
    assert [(each.amount.way, each.how) for each in found] == [
        ("other", ""),
        ("macs", "rounded up"),
    ]


def test_every_backend_of_a_tool_is_tried(net: str):
    aten = converted(f"{MACS + OUTPUTS}", net, "ptflops-aten", "macs").source  # it charges the bias
    assert converted(f"{MACS + OUTPUTS}", net, "ptflops", "macs").source.way == aten.way


def test_command(net: str):
    ended = typed("convert", "24.6kMac", "--model", net, "--from", "reference", "--to", "thop")
    assert ended.code == 0
    assert "24,576" in ended.out and f"{MACS + 4 * OUTPUTS:,}" in ended.out
    ended = typed("convert", "11M", "--model", net, "--from", "reference", "--to", "thop")
    assert (ended.code, ended.out) == (2, "")
    assert "not 11M" in ended.err


# --------------------------------------------------------------------- who may have counted so


def test_without_a_way_of_counting_all_that_give_the_figure_are_told(net: str):
    told = typed("convert", f"{MACS}", "--model", net).out
    assert f"{MACS:,}" in told and "macs" in told and "--from" in told
    charged = MACS + 4 * OUTPUTS
    found = {each.amount.way: each for each in given_by(f"{charged} MAC", *case_of(net, []))}
    assert "thop" in found and "macs" not in found
    assert all(each.amount.total == charged for each in found.values())


def test_how_a_figure_was_read_has_a_column_where_one_had_to_be(net: str):
    assert "if read as" not in typed("convert", f"{MACS}", "--model", net).out
    told = typed("convert", f"{MACS / 2**10:.1f} kFLOPs", "--model", net).out
    assert "if read as" in told and "MACs called FLOPs" in told


def test_what_nothing_gives_is_refused_and_a_target_alone_too(net: str):
    with pytest.raises(UserError, match=f"is {MACS:,} MAC under macs, .*nor does any other"):
        given_by("1.2345G", *case_of(net, []))
    refused = typed("convert", f"{MACS}", "--model", net, "--to", "thop")
    assert refused.code == 2 and "--from" in refused.err


def test_a_prefix_in_powers_of_two_is_read_so_and_said(net: str):
    """Claims read it so too: MACs called FLOPs, in units of 2^10."""
    figure = f"{MACS / 2**10:.1f} kFLOPs"
    found = converted(figure, net, "macs", "thop")
    assert found.source.total == MACS
    assert f"{figure} was read so: its prefix stands for 2^10" in found.remarks
    (how,) = {each.how for each in given_by(figure, *case_of(net, [])) if each.amount.way == "macs"}
    assert how == "MACs called FLOPs, its prefix stands for 2^10"


def test_lines_end_without_blanks(net: str):
    told = typed("convert", f"{MACS}", "--model", net, "--from", "macs", "--to", "thop")
    lines = told.out.splitlines()
    assert len(lines) > 2 and all(line == line.rstrip() for line in lines)


MADE = """
import torch
from torch import nn

class Auxiliary(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body, self.head = nn.Linear(4, width), nn.Linear(width, 2)

    def forward(self, x):
        y = self.body(x)
        return self.head(y) if self.training else y

def auxiliary(width=5):
    return Auxiliary(width).eval(), (torch.rand(3, 4),)
"""


@pytest.fixture
def auxiliary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "auxiliaries.py").write_text(MADE)
    monkeypatch.chdir(tmp_path)
    return "auxiliaries.py:auxiliary"


@pytest.mark.parametrize("command", ["convert", "explain"])
def test_a_model_is_made_as_one_asks(auxiliary: str, command: str):
    """Three rows of 4 to 7, then to 2 in training: one multiplication is two FLOPs to torch."""
    for words, macs in (("--eval", 3 * 4 * 7), ("--train", 3 * 4 * 7 + 3 * 7 * 2)):
        if command == "convert":
            asked = (f"{macs} MAC", "--model", auxiliary, "--from", "macs", "--to", "torch")
        else:
            asked = (auxiliary, "fvcore", "torch")
        told = typed(command, *asked, "--kwargs", "width=7", words)
        assert told.code == 0 and f" {2 * macs:,} " in told.out, told.err + told.out


@pytest.mark.parametrize("words", [("--train",), ("--dtype", "bfloat16"), ("--kwargs", "a=1")])
@pytest.mark.parametrize(
    "asked", [("convert", "1 MAC", "--model", "vgg16"), ("explain", "vgg16", "thop", "fvcore")]
)
def test_a_case_of_a_suite_is_made_as_the_suite_says(asked: tuple, words: tuple):
    refused = typed(*asked, *words)
    assert refused.code == 2 and "are for a model reference" in refused.err


@pytest.mark.parametrize("counter", ["torch-flops", "onnx-tool", "hf-trainer"])
def test_who_follows_from_what_it_makes_as_it_runs_says_nothing_rather_than_0(counter):
    """A trace alone does not hold the graph, or which input is the main one."""
    rules = Rules(Case("linear", "torch.nn:Linear", (Input((2, 4)),),
                       kwargs={"in_features": 4, "out_features": 3}))  # fmt: skip
    (way,) = resolve(counter)
    try:
        found = [amount.unit for amount in rules.amounts(way)]
    except UserError as error:
        assert "compare asks it" in str(error)
    else:
        assert found == ["parameter"]
    assert counter not in {
        amount.way for amount in rules.everything() if amount.unit != "parameter"
    }
