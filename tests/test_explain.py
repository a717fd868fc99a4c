"""``flop-harness explain``: a bridge as a tree whose lines add up."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from commands import results_of, typed
from flop_harness.ask.convert import case_of, difference
from flop_harness.ask.explain import find, find_metric, find_run, suite_of
from flop_harness.errors import UserError
from flop_harness.records import Bridge, Failure, Run, Step
from flop_harness.report.analysis.bridges import merged
from flop_harness.report.analysis.index import Index
from flop_harness.report.formats.terminal.bridge import Line, explain, grid, tree
from runs import GRAD, a_run, explained, loud_run, small_run


def lines_of(run: Run, bridge: Bridge, **options: int) -> list[Line]:
    return list(explain(Index(run), bridge, **options))


def amount(line: Line) -> int:
    return int(line.amount.replace(",", "").replace("\N{MINUS SIGN}", "-"))


def depth_of(line: Line) -> int:
    """0 for the root, 1 for a term, 2 for a module below it."""
    return (len(line.text) - len(line.text.lstrip("│├└─ "))) // 3


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return results_of(small_run(), tmp_path)


def test_reference_terms_and_residual_add_up_to_the_reading():
    run = small_run()
    for bridge in run.bridges:
        top = [line for line in lines_of(run, bridge) if depth_of(line) < 2 and line.amount]
        assert amount(top[0]) == bridge.reference
        assert sum(map(amount, top[:-1])) == amount(top[-1]) == bridge.reading


def test_modules_below_a_term_add_up_to_it():
    terms = {f"layer{place % 3}.{place}": 10 + place for place in range(12)}
    step = Step("ReLU", sum(terms.values()), terms)
    reading, bridge = explained("net", "thop", 1000, {"ReLU": step.amount})
    bridge = replace(bridge, steps=(step,))
    run = a_run([(reading, bridge)])
    for depth, most in ((1, 4), (2, 2), (2, 9)):
        found = lines_of(run, bridge, depth=depth, most=most)
        below = [line for line in found if line.amount and depth_of(line) == 2]
        assert sum(map(amount, below)) == step.amount


def test_one_module_more_than_is_named_is_named_too():
    reading, bridge = explained("net", "thop", 1000, {"ReLU": 3})
    for count, named in ((3, 3), (4, 2)):
        step = Step("ReLU", count, dict.fromkeys("abcd"[:count], 1))
        made = replace(bridge, steps=(step,))
        below = [line.text for line in lines_of(a_run([(reading, made)]), made, most=2)
                 if line.amount and depth_of(line) == 2]  # fmt: skip
        assert len(below) == named + (named < count)
        assert below[-1].endswith("others") == (named < count)


def test_modules_are_folded_into_those_above_them():
    assert tree({"a.b.c": 1, "a.b.d": 2, "a.e": 4, "": 8}, 2) == {
        "": {"a": 7, "(root)": 8},
        "a": {"a.b": 3, "a.e": 4},
    }
    assert tree({"a.b": 1}, 0) == {}


def test_each_term_has_its_sentence():
    run = small_run()
    bridge = find(run, "vit", "thop").bridges[0]
    text = " ".join(line.text for line in lines_of(run, bridge))
    assert "thop does not see attention products" in text


def test_a_residual_is_loud():
    run = loud_run()
    told = [line.text for line in lines_of(run, run.bridges[0])]
    assert any("NOT EXPLAINED" in line for line in told)


def test_a_residual_is_drawn_beside_its_amount():
    run = loud_run()
    drawn = grid("", list(lines_of(run, run.bridges[0])), 120)
    console = Console(width=120, file=io.StringIO())
    console.print(drawn)
    (line,) = (each for each in console.file.getvalue().splitlines() if "NOT EXPLAINED" in each)
    assert any(block in line for block in "▏▎▍▌▋▊▉█▐▕")


def test_contexts_that_say_the_same_stand_together():
    found = find(small_run(), "vgg16", "torch").bridges
    assert [names for _, names in merged(found)] == [["cpu grad", "cpu no_grad"]]
    one, other = found[0], replace(found[1], reading=found[1].reading + 1)
    assert len(merged([one, other])) == 2


def test_context_chooses_by_words():
    run = small_run()
    assert [each.context for each in find(run, "vgg16", "torch", "grad").bridges] == [GRAD]
    assert len(find(run, "vgg16", "torch", "cpu").bridges) == 2


@pytest.mark.parametrize(
    ("question", "told"),
    [
        (("vgg61", "thop"), "did you mean 'vgg16'"),
        (("vgg16", "thopp"), "did you mean 'thop'"),
        (("vgg16", "torch", "meta"), "it was in: cpu grad, cpu no_grad"),
        (("vgg16", "fvcore", "", "params"), "was not asked about params of vgg16"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(question: tuple[str, ...], told: str):
    with pytest.raises(UserError, match="(?s)" + told):
        find(small_run(), *question)


def test_unknown_metric():
    with pytest.raises(UserError, match="did you mean 'params'"):
        find_metric("param")


def test_a_case_of_no_suite():
    with pytest.raises(UserError, match=r"no suite has a case 'vgg166'.*did you mean"):
        suite_of("vgg166")


def test_results_that_were_not_made_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    assert find_run("vgg16") is None
    with pytest.raises(UserError, match="flop-harness compare seeds"):
        find_run("vgg16", "seeds")


def test_results_are_found_by_suite_by_folder_and_by_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    folder = results_of(small_run(), Path("results") / "mine")
    named = (None, "mine", folder, str(folder), folder / "run.json.xz", folder / "measured.json.xz")
    for name in named:
        found = find_run("vit", name)
        assert found is not None and found[1:] == ("vit", folder), name
    with pytest.raises(UserError, match="did you mean 'vit'"):
        find_run("vitt", "mine")


def test_command(results: Path):
    ended = typed("explain", "vgg16", "ptflops-pytorch", "--dir", results)
    assert ended.code == 0
    assert all(told in ended.out for told in ("15,470,264,320", "+12,294,122", "features"))


def test_command_without_a_figure_says_why(results: Path):
    ended = typed("explain", "vit", "ptflops-pytorch", "--dir", results)
    assert ended.out == ""
    assert "failed: ValueError: no shape" in ended.err


def test_a_figure_whose_rules_raise_is_told_with_what_they_raised(tmp_path: Path):
    run = small_run()
    failure = Failure("vgg16", "thop's rules for compute", "KeyError: 'in_features'")
    bridges = tuple(each for each in run.bridges if each.counter != "thop")
    broken = replace(run, bridges=bridges, failures=(*run.failures, failure))
    ended = typed("explain", "vgg16", "thop", "--dir", results_of(broken, tmp_path))
    assert ended.out == ""
    assert "no bridge leads to" in ended.err and failure.message in ended.err


# ------------------------------------------------------------------- from one counter to another

NORMED = """
from torch import nn

def net():
    layers = nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Flatten(), nn.Linear(384, 5)
    return nn.Sequential(*layers)
"""
OUTPUTS = 6 * 8 * 8
MACS = OUTPUTS * 27 + 384 * 5


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    (tmp_path / "my.py").write_text(NORMED)
    monkeypatch.chdir(tmp_path)
    return ["my.py:net", "--input", "1x3x10x10"]


def test_two_counters_are_told_apart_by_their_own_terms(net: list[str]):
    """thop charges four for each element of a norm; torchinfo its parameters, and every bias."""
    case, _ = case_of(net[0], [net[2]])
    found = difference(replace(case, mode="eval"), ("thop", "torchinfo"), "compute")
    assert found.source.total == MACS + 4 * OUTPUTS
    assert {step.term: step.amount for step in found.bridge.steps} == {
        "batch normalisation": -4 * OUTPUTS, "batch normalisation parameters": 2 * 6,
        "convolution bias": OUTPUTS, "linear bias": 5,
    }  # fmt: skip
    assert found.bridge.reading == found.target.total == MACS + 2 * 6 + OUTPUTS + 5
    back = difference(replace(case, mode="eval"), ("torchinfo", "thop"), "compute")
    assert {step.term: -step.amount for step in back.bridge.steps} == {
        step.term: step.amount for step in found.bridge.steps}  # fmt: skip


def test_two_counters_as_they_are_typed(net: list[str]):
    told = typed("explain", net[0], "thop", "torchinfo", *net[1:], "--eval")
    assert told.code == 0 and f"{MACS + 4 * OUTPUTS:,}" in told.out
    assert all(line == line.rstrip() for line in told.out.splitlines())
    refused = typed("explain", net[0], "thop", "torchinfo", *net[1:], "--code")
    assert refused.code == 2 and "by their rules" in refused.err
    assert typed("explain", net[0], "numel", "thop", *net[1:]).code == 2  # parameters alone


def test_a_bridge_is_printed_to_be_pasted(results: Path):
    case = small_run().bridges[0]
    asked = ("explain", case.case, case.counter, "--dir", str(results), "--metric", case.metric)
    for format, rule in (("md", "| --- |"), ("tex", r"\toprule")):
        told = typed(*asked, "--format", format)
        assert told.code == 0 and rule in told.out
        for step in case.steps:
            assert step.term in told.out and f"{abs(step.amount):,}" in told.out
    assert "did you mean 'tex'" in typed(*asked, "--format", "text").err
