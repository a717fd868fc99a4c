"""The smallest code for each finding prints what it says that it prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from torch import nn

from cells import asked
from commands import typed
from flop_harness import counters, store
from flop_harness.code.module_pass import TracedFigure
from flop_harness.code.smallest import Example, example
from flop_harness.counters import overlay
from flop_harness.reconcile import bridges as reconcile
from flop_harness.records import Case, Context, Reading, Run
from flop_harness.report.analysis.faults import Faults
from flop_harness.report.analysis.findings import profiles
from flop_harness.report.analysis.index import Index
from flop_harness.report.sources.examples import Key, examples_in
from flop_harness.report.sources.figure_code import Codes, codes_in
from layers import Factory, made, sequential
from networks import NETWORKS
from pasted import ROOT, number, printed, printed_in_turn, remark

RESULTS = ROOT / "results"
COUNTERS = counters.counters()


# ------------------------------------------------------------------------------ one by one


def traced(counter: str, factory: Factory, context: Context | None = None) -> TracedFigure:
    """What a counter's rules say of a sample, with the traces behind it."""
    tool = COUNTERS[counter]
    context = context or tool.contexts[0]
    _, own = asked(tool, factory, context)
    metric = next(iter(tool.quantities))
    value = tool.quantities[metric].price(own).total
    reading = Reading("net", counter, "", own.context, metric, tool.quantities[metric].unit, "ok", value)  # fmt: skip
    bridge = reconcile.bridge(reading, tool, own, own)
    return TracedFigure(Case("net", "net.py:net"), tool, bridge, own, own)


def shown(counter: str, factory: Factory, term: str, context: Context | None = None) -> Example:
    found = example(traced(counter, factory, context), term)
    assert found is not None
    return found


def test_the_smallest_layer_that_shows_a_term_is_taken():
    factory = made(sequential(lambda: nn.Conv2d(3, 8, 3), nn.ReLU, nn.Flatten,
                              lambda: nn.Linear(288, 7), nn.ReLU), (1, 3, 8, 8))  # fmt: skip
    found = shown("ptflops-pytorch", factory, "ReLU")
    assert (found.module, found.kind) == ("4", "ReLU")
    assert "model = torch.nn.ReLU()" in found.code and "torch.rand(1, 7)" in found.code
    assert remark(found.code) == (14, 0, [7, 7])


def test_a_term_of_a_forward_pass_is_shown_by_the_module_that_makes_it():
    class Gate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(6, 6)

        def forward(self, x):
            return torch.mul(x, self.fc(x))

    found = shown("ptflops-pytorch", made(sequential(Gate, nn.ReLU), (1, 6)), "multiplication")
    assert (found.module, found.kind) == ("0", "Gate")
    assert 'model = model.get_submodule("0")' in found.code
    assert remark(found.code) == (36 + 6 + 6, 36, [6, 6])


def test_a_term_that_no_part_shows_is_shown_by_the_whole():
    layer = nn.Linear(6, 6)
    factory = made(lambda: nn.Sequential(nn.Sequential(layer), nn.Sequential(layer)), (3, 6))
    found = shown("thop", factory, "linear of a shared module counted again")
    assert found.module == "" and found.kind == "Sequential"


def test_a_tool_that_asks_for_a_parameter_gets_one():
    factory = made(sequential(lambda: nn.Linear(6, 5), nn.Tanh), (3, 6))
    found = shown("flopth", factory, "Tanh")
    assert found.module == "1" and "model.lent = torch.nn.Parameter(torch.zeros(1))" in found.code
    assert remark(found.code) == (15, 0, [15])


def test_inputs_that_cannot_be_written_are_passed_over():
    found = shown("ptflops-aten", NETWORKS["packed lstm"], "recurrent product bias")
    assert found.module == ""


def test_self_attention_is_given_one_tensor():
    grad = Context(grad=True)
    factory = NETWORKS["encoder layer batch first"]
    found = shown("torch", factory, "attention product not seen", grad)
    assert found.kind == "MultiheadAttention" and "args = (x, x, x" in found.code
    assert printed_in_turn([found.code]) == [str(int(remark(found.code)[0]))]


def test_a_figure_that_is_not_explained_has_no_part():
    given = traced("thop", made(sequential(lambda: nn.AvgPool2d(2)), (1, 3, 4, 4)))
    loud = replace(
        given, bridge=replace(given.bridge, residual=5, reading=given.bridge.reading + 5)
    )
    found = example(loud, "average pooling")
    assert found is not None and found.module == ""
    assert "not explained +5" in found.code and remark(found.code) == (17, 0, [12, 5])


# ---------------------------------------------------------------------------------- results


@cache
def results(suite: str) -> tuple[Run, dict[Key, Example]]:
    run = store.load(RESULTS / suite)
    return run, examples_in(RESULTS / suite, run, Faults())


def disagreeing(examples: Iterable[tuple[Key, Example]]) -> dict[Key, str]:
    """What is printed where it is not what the comment says."""
    by_counter: dict[str, list[tuple[Key, str]]] = {}
    for key, each in examples:
        by_counter.setdefault(key[0], []).append((key, each.code))
    found = {}
    for counter, pairs in by_counter.items():
        for (key, code), said in zip(pairs, printed(counter, [c for _, c in pairs]), strict=True):
            if not is_number(said, remark(code)[0]):
                found[key] = said
    return found


def is_number(text: str, value: float) -> bool:
    try:
        return number(text) == value
    except ValueError:
        return False


@pytest.mark.parametrize("suite", ["seeds", "stress"])
def test_every_finding_has_an_example_whose_terms_add_up(suite: str):
    run, found = results(suite)
    findings = [each for profile in profiles(Index(run)) for each in profile.findings]
    assert found.keys() == {(f.counter, f.cause.metric, f.cause.term) for f in findings}
    for key, each in found.items():
        figure, reference, terms = remark(each.code)
        assert reference + sum(terms) == figure == each.bridge.reading, key
        assert reference == each.bridge.reference


def test_examples_of_layers_stand_alone():
    """No model of the suite is needed to show what a counter does with a layer."""
    _, found = results("seeds")
    alone = [each for each in found.values() if each.module]
    assert len(alone) >= 15
    assert all("model = torch.nn." in each.code for each in alone)


def test_examples_of_layers_print_what_they_say():
    codes = [each.code for each in results("seeds")[1].values() if "model = torch.nn." in each.code]
    assert list(map(number, printed_in_turn(codes))) == [remark(code)[0] for code in codes]


def test_without_traces_there_are_no_examples(tmp_path: Path):
    assert examples_in(tmp_path, results("seeds")[0], Faults()) == {}


@pytest.mark.slow
def test_the_examples_of_the_seeds_print_what_they_say():
    assert disagreeing(results("seeds")[1].items()) == {}


@pytest.mark.slow
@pytest.mark.parametrize(("suite", "stride"), [("stress", 1), ("torchvision", 4)])
def test_the_examples_of_larger_suites_print_what_they_say(suite: str, stride: int):
    found = list(results(suite)[1].items())[::stride]
    try:
        assert disagreeing(found) == {}
    except overlay.NotInstallable as error:
        pytest.skip(str(error))


# ----------------------------------------------------------------------------- every figure


def codes_of(codes: Codes, readings: Iterable[Reading]) -> dict[str, list[tuple[Reading, str]]]:
    found: dict[str, list[tuple[Reading, str]]] = {}
    for each in readings:
        if code := codes.of(each):
            found.setdefault(each.counter, []).append((each, code))
    return found


def wrong(run: Run, suite: str, chosen: Callable[[Reading], bool]) -> list[tuple[Reading, str]]:
    codes = codes_in(RESULTS / suite, run, Faults())
    readings = [each for each in run.readings if each.status == "ok" and chosen(each)]
    found = []
    for counter, pairs in codes_of(codes, readings).items():
        for (reading, _), said in zip(pairs, printed(counter, [c for _, c in pairs]), strict=True):
            if reading.value is None or not is_number(said, float(reading.value)):
                found.append((reading, said))
    return found


def test_every_figure_of_the_seeds_has_its_code():
    run = results("seeds")[0]
    codes = codes_in(RESULTS / "seeds", run, Faults())
    assert all(codes.of(reading) for reading in run.readings)
    assert len(codes.pieces) < len(run.suite.cases) + 2 * len(COUNTERS)
    compile(codes.of(run.readings[0]), "code", "exec")


def test_what_sharing_would_be_lost_on_the_way_to_meta_has_no_code():
    run = results("stress")[0]
    codes = codes_in(RESULTS / "stress", run, Faults())
    tied = [each for each in run.readings if each.case == "tied-weights"]
    assert {bool(codes.of(each)) for each in tied if each.context.device == "meta"} == {False}
    assert {bool(codes.of(each)) for each in tied if each.context.device == "cpu"} == {True}


@pytest.mark.slow
def test_the_code_of_each_figure_of_a_layer_prints_it():
    run = results("seeds")[0]
    layers = {case.id for case in run.suite.cases if case.model.startswith("torch.nn:")}
    assert wrong(run, "seeds", lambda reading: reading.case in layers) == []


@pytest.mark.slow
def test_the_code_of_figures_with_named_and_converted_inputs_prints_them():
    run = results("stress")[0]
    cases = {"any-inputs", "attention-self", "modules-called-with-keywords", "masked-attention",
             "tied-weights", "traced", "routed-experts"}  # fmt: skip
    here = {name for name, each in COUNTERS.items() if not each.overlay}
    assert wrong(run, "stress", lambda r: r.case in cases and r.counter in here) == []


# ---------------------------------------------------------------------------------- command


def test_command_prints_code_for_the_figure_and_each_term():
    ended = typed("explain", "alexnet", "thop", "--code", "--dir", RESULTS / "seeds")
    assert ended.code == 0
    assert 'torchvision.models.get_model("alexnet").eval()' in ended.out
    assert "# prints 714206912" in ended.out
    assert "# adaptive average pooling: +18,432\nimport torch" in ended.out
    compile(ended.out, "all of it", "exec")


def test_command_without_traces_says_so(tmp_path: Path):
    run = results("seeds")[0]
    store.save(run, tmp_path)
    ended = typed("explain", "alexnet", "thop", "--code", "--dir", tmp_path)
    assert ended.code == 2 and "traces" in ended.err
