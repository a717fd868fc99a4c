"""A suite held against its golden: what moved is told by counter, case and term."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from flop_harness import store
from flop_harness.conventions.catalogue import CONVENTIONS, VERSION
from flop_harness.errors import UserError
from flop_harness.reconcile.changes import Comparison, compare, require_comparable
from flop_harness.records import Case, Failure, Figure, Reference, Run
from flop_harness.report.analysis import check as check_analysis
from flop_harness.report.documents import check as check_documents
from flop_harness.report.formats import junit
from runs import HOSTILE, a_reading, a_run, a_suite, explained, hostile_run, small_run

# AlexNet's ReLUs on one image of 224 x 224: two convolutions, three more, two linear layers.
RELU = 64 * 55 * 55 + 192 * 27 * 27 + (384 + 256 + 256) * 13 * 13 + 2 * 4096
ALEXNET = 714_188_480


def ptflops(version: str, terms: dict[str, int], residual: int = 0) -> Run:
    reading, bridge = explained("alexnet", "ptflops-pytorch", ALEXNET, terms, residual)
    return a_run([(replace(reading, version=version), bridge)])


ONCE, TWICE = {"ReLU": RELU}, {"ReLU": RELU, "ReLU counted twice": RELU}


def told(comparison: Comparison) -> list[str]:
    return list(check_analysis.lines(comparison))


# ------------------------------------------------------------------------------- what is found


def test_equal_runs_have_moved_nowhere():
    found = compare(small_run(), small_run())
    assert (found.moves, len(found.unchanged)) == ((), 12 + 2 + 1)  # readings, figures, unknown
    assert told(found) == [
        "vit: not counted, no formula: aten.mystery × 3",
        "small: 15 cells unchanged",
    ]


def test_a_junit_file_says_which_work_no_figure_holds():
    text = junit.junit(compare(small_run(), small_run())).decode()
    for case in ElementTree.fromstring(text):
        told = [each.text for each in case.iter("system-out")]
        unknown = ["not counted, operators without a formula: aten.mystery × 3"]
        assert told == (unknown if case.get("classname").endswith(".vit") else [])


def test_seconds_are_no_figures():
    slow = replace(
        small_run(),
        readings=tuple(replace(r, seconds=9.0, peak_bytes=1) for r in small_run().readings),
    )
    assert compare(small_run(), slow).moves == ()


def test_a_change_with_the_version_names_versions_counter_case_and_term():
    found = compare(ptflops("0.7.4", ONCE), ptflops("0.7.5", TWICE))
    (move,) = found.moves
    assert move.kind == "version"
    line, summary = told(found)
    assert line == (
        "ptflops-pytorch 0.7.4 -> 0.7.5: alexnet, compute, cpu no_grad: "
        f"{ALEXNET + RELU:,} MAC -> {ALEXNET + 2 * RELU:,} MAC (+493,184): "
        "ReLU counted twice (new): +493,184"
    )
    assert summary == "small: 0 cells unchanged; 1 changed with the counter's version"


def test_a_change_without_a_version_is_told_apart():
    (move,) = compare(ptflops("0.7.5", ONCE), ptflops("0.7.5", TWICE)).moves
    assert move.kind == "same version"


def test_a_change_under_another_torch_is_told_apart():
    before, after = ptflops("0.7.5", ONCE), ptflops("0.7.5", TWICE)
    newer = replace(after, environment={"torch": {"version": "2.15.0"}})
    (move,) = compare(before, newer).moves
    assert move.kind == "surroundings"


def test_a_version_that_moves_nothing_is_said_and_is_no_drift():
    found = compare(ptflops("0.7.4", ONCE), ptflops("0.7.5", ONCE))
    assert found.moves == ()
    assert told(found)[0] == "ptflops-pytorch 0.7.4 -> 0.7.5: nothing moved"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ({"ReLU": 5}, {}, "ReLU (gone): −5"),
        ({}, {"linear not seen": -8}, "linear not seen (new): −8"),
        ({"ReLU": 5}, {"ReLU": 12}, "ReLU 5 -> 12: +7"),
        ({"ReLU": 5, "GELU": 1}, {"GELU": 6}, "ReLU (gone): −5; GELU 1 -> 6: +5"),
    ],
)
def test_terms_are_told_in_words(before, after, words):
    assert words in told(compare(ptflops("1", before), ptflops("2", after)))[0]


def test_terms_that_move_under_an_equal_figure_are_seen():
    (line, _) = told(compare(ptflops("1", {"ReLU": 5}), ptflops("1", {"GELU": 5})))
    assert f"{ALEXNET + 5:,} MAC, by other terms: ReLU (gone): −5; GELU (new): +5" in line


def test_a_term_that_moves_to_another_module_is_seen():
    golden = ptflops("1", {"ReLU": 5})
    (bridge,) = golden.bridges
    (step,) = bridge.steps
    moved = replace(bridge, steps=(replace(step, modules={"classifier.1": 5}),))
    (move,) = compare(golden, replace(golden, bridges=(moved,))).moves
    assert move.terms[0].modules == {"features.0": -4, "features.1": -1, "classifier.1": 5}
    assert (
        "ReLU moved between modules (features.0, features.1, classifier.1)"
        in check_analysis.sentence(move)
    )


def test_a_residual_is_a_term():
    (line, _) = told(compare(ptflops("1", {}), ptflops("1", {}, residual=3)))
    assert line.endswith("residual (new): +3")


def test_a_lost_bridge_is_seen():
    golden = ptflops("1", {})
    (line, _) = told(compare(golden, replace(golden, bridges=())))
    assert line.endswith("no bridge leads to it any more")


def test_new_and_gone_cells_are_told():
    one, two = a_run([explained("a", "thop", 7)]), a_run([explained("b", "thop", 7)])
    found = compare(one, two)
    assert [(move.kind, move.key.case) for move in found.moves] == [("gone", "a"), ("new", "b")]
    assert told(found)[1] == "thop 1.0: b, compute, cpu no_grad: new: 7 MAC"


def test_a_counter_that_fails_now_is_drift_and_another_message_is_not():
    silent = a_run([], (a_reading("a", "thop", None, status="failed", message="at 0x1"),))
    again = a_run([], (a_reading("a", "thop", None, status="failed", message="at 0x2"),))
    figure = a_run([explained("a", "thop", 7)])
    assert compare(silent, again).moves == ()
    (line, _) = told(compare(figure, silent))
    assert line == "thop 1.0: a, compute, cpu no_grad: 7 MAC -> failed"


def test_what_the_harness_says_is_held_too():
    run = replace(
        a_run([]),
        suite=a_suite("a"),
        references=(Reference("a", "Net", {"linear": 12}, {"Linear parameters": 15}),),
        figures=(Figure("a", "macs", 12, "MAC"),),
        unsupported={"a": {"aten.mystery": 1}},
    )
    now = replace(
        run,
        references=(Reference("a", "Net", {"linear": 24}, {"Linear parameters": 15}),),
        figures=(Figure("a", "macs", 24, "MAC"),),
        unsupported={"a": {"aten.mystery": 1, "aten.other": 2}},
        failures=(Failure("a", "model", "it raises"),),
    )
    assert told(compare(run, now))[:-1] == [
        "flop-harness: a, reference, compute: 12 MAC -> 24 MAC (+12): linear 12 -> 24: +12",
        "flop-harness: a, convention macs: 12 MAC -> 24 MAC (+12)",
        "flop-harness: a, operators without a formula: 1 -> 2 (+1): aten.other (new): +2",
        "flop-harness: a, failure, model: new: it raises",
        "a: not counted, no formula: aten.mystery × 1, aten.other × 2",
    ]


# ------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"name": "zoo"}, "it is of suite 'zoo', not 'small'"),
        ({"version": 2}, "it is of version 2 of the suite, which is at 1"),
        ({"cases": (Case("a", "m:other"),)}, "case 'a' is another now"),
    ],
)
def test_a_golden_of_something_else_is_refused(change, reason):
    golden = replace(a_run([]), suite=replace(a_suite("a"), **change))
    with pytest.raises(UserError, match=reason):
        require_comparable(golden, a_suite("a"), VERSION, "run.json")


def test_a_golden_of_other_conventions_is_refused():
    golden = replace(a_run([]), suite=a_suite("a"), conventions=VERSION + 1)
    with pytest.raises(
        UserError, match=f"version {VERSION + 1} of the conventions, now at {VERSION}"
    ):
        require_comparable(golden, a_suite("a"), VERSION, "run.json")


def test_cases_may_come_and_go():
    golden = replace(a_run([]), suite=a_suite("a", "b"))
    require_comparable(golden, a_suite("b", "c"), VERSION, "run.json")


def test_the_version_of_the_conventions_is_stored(tmp_path):
    store.save(replace(a_run([]), schema=store.RUN_SCHEMA, conventions=3), tmp_path)
    assert store.load(tmp_path).conventions == 3


# ----------------------------------------------------------------------------------- the reports


def test_junit_has_a_test_for_each_cell_and_a_failure_for_each_move():
    found = compare(ptflops("0.7.4", ONCE), ptflops("0.7.5", TWICE))
    root = ElementTree.fromstring(junit.junit(found))
    assert (root.get("tests"), root.get("failures")) == ("1", "1")
    (test,) = root
    assert test.get("name") == "ptflops-pytorch: compute, cpu no_grad"
    assert test[0].text == check_analysis.sentence(found.moves[0])


def test_hostile_names_are_text_in_every_form():
    found = compare(a_run([]), hostile_run())
    tests = list(ElementTree.fromstring(junit.junit(found)))
    assert len(tests) == len(found.moves) >= 2 * len(HOSTILE)
    page = check_documents.markdown(found)
    assert "<script>" not in page
    assert "<img" not in page
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(found.moves)
    assert all("\n" not in line for line in check_analysis.lines(found))


# -------------------------------------------------------------------------- a doctored counter

COUNTER = """
from importlib.metadata import version

from flop_harness.records.account import Account
from flop_harness.counters.protocol import Answer, Counter, Quantity
from flop_harness.trace.walk import module_calls

RULES = {rules}


def price(trace):
    rules = RULES[version("doctored-counter")]
    return Account.of(
        (visit.path, term, each * visit.call.output.numel)
        for visit, module in module_calls(trace)
        for term, each in rules.get(module.type_name, {{}}).items()
    )


def read(model, args, kwargs, context):
    from flop_harness.trace.recorder import record

    return Answer(price(record(model, args, kwargs)).total)


COUNTER = Counter("doctored", "doctored-counter", "charges what one tells it", "doctored.py",
                  {{"compute": Quantity("FLOPs", "MAC", price)}}, read)
"""
RULES = {"1.0": {"Linear": {"linear": 8}}, "1.1": {"Linear": {"linear": 8}, "ReLU": {"ReLU": 1}}}
SUITE = """
name = "guarded"
version = 1
counters = ["doctored", "analytic"]
[[case]]
id = "net"
model = "net.py:Net"
inputs = [[2, 8]]
[[case]]
id = "relu"
model = "torch.nn:ReLU"
inputs = [[3, 5]]
"""
NET = """
from torch import nn

def Net():
    return nn.Sequential(nn.Linear(8, 4), nn.ReLU())
"""


class Workplace:
    """A folder with a suite, and a distribution with a counter at a version."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.site = folder, folder / "site"
        (folder / "guarded.toml").write_text(SUITE)
        (folder / "net.py").write_text(NET)

    def install(self, version: str, rules: dict = RULES) -> None:
        for old in self.site.glob("*.dist-info"):
            shutil.rmtree(old)
        home = self.site / f"doctored_counter-{version}.dist-info"
        home.mkdir(parents=True, exist_ok=True)
        head = f"Metadata-Version: 2.1\nName: doctored-counter\nVersion: {version}\n"
        (home / "METADATA").write_text(head)
        (home / "entry_points.txt").write_text("[flop_harness.counters]\nd = doctored:COUNTER\n")
        (self.site / "doctored.py").write_text(COUNTER.format(rules=rules))

    def type_in(self, *arguments: str, code: int, **variables: str) -> list[str]:
        path = os.pathsep.join([str(self.site), os.environ.get("PYTHONPATH", "")])
        done = subprocess.run(
            [sys.executable, "-m", "flop_harness", *arguments], cwd=self.folder, text=True,
            env={**os.environ, "PYTHONPATH": path, **variables}, capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return (done.stdout or done.stderr).splitlines()


@pytest.fixture(scope="module")
def workplace(tmp_path_factory) -> Workplace:
    """With a golden made with version 1.0 of the doctored counter."""
    made = Workplace(tmp_path_factory.mktemp("guarded"))
    made.install("1.0")
    made.type_in("compare", "guarded.toml", "--no-timing", code=0)
    return made


# In each case the reference twice, every convention, one figure of one counter, two of the other.
NOT_APPLICABLE = ("real-macs", "dense-macs", "block-macs", "rank-macs", "kept-params")
CELLS = 2 * (2 + len(CONVENTIONS) - len(NOT_APPLICABLE) + 1 + 2)
NET_MOVED = (
    "doctored 1.0 -> 1.1: net, compute, cpu no_grad train: 64 MAC -> 72 MAC (+8): ReLU (new): +8"
)
# 2 rows of 4 outputs in the net, 3 x 5 elements in the layer; the rest is as it was.
RELU_MOVED = (
    "doctored 1.0 -> 1.1: relu, compute, cpu no_grad train: 0 MAC -> 15 MAC (+15): ReLU (new): +15"
)


@pytest.mark.slow
def test_nothing_moves_where_nothing_changed(workplace):
    workplace.install("1.0")
    assert workplace.type_in("check", "guarded.toml", code=0) == [
        f"guarded: {CELLS} cells unchanged"
    ]


def test_a_new_version_that_charges_more_fails_with_counter_case_and_term(workplace):
    workplace.install("1.1")
    *moves, summary = workplace.type_in("check", "guarded.toml", "--junit", "j.xml", code=1,
                                        GITHUB_STEP_SUMMARY="summary.md")  # fmt: skip
    assert moves == [NET_MOVED, RELU_MOVED]
    assert summary == f"guarded: {CELLS - 2} cells unchanged; 2 changed with the counter's version"
    assert NET_MOVED in ElementTree.parse(workplace.folder / "j.xml").getroot().itertext()
    page = (workplace.folder / "summary.md").read_text()
    assert "| doctored | 1.0 -&gt; 1.1 | net |" in page


@pytest.mark.slow
def test_a_rule_changed_in_silence_fails_too(workplace):
    workplace.install("1.0", {"1.0": RULES["1.1"]})
    *moves, summary = workplace.type_in("check", "guarded.toml", "--cases", "net", code=1)
    assert moves == [NET_MOVED.replace("1.0 -> 1.1", "1.0")]
    assert summary.endswith("1 changed without a version change")


def test_a_rule_of_ours_is_checked_from_the_traces_alone_without_torch(workplace):
    """The stored reading stands; what explains it is priced anew."""
    workplace.install("1.0", {"1.0": RULES["1.1"]})
    (workplace.folder / "torch.py").write_text("raise ImportError('torch is not needed')\n")
    try:
        *moves, _ = workplace.type_in("check", "guarded.toml", "--traces", code=1)
    finally:
        (workplace.folder / "torch.py").unlink()
    assert moves == [
        "doctored 1.0: net, compute, cpu no_grad train: 64 MAC, by other terms: "
        "ReLU (new): +8; residual (new): −8",
        "doctored 1.0: relu, compute, cpu no_grad train: 0 MAC, by other terms: "
        "ReLU (new): +15; residual (new): −15",
    ]


@pytest.mark.slow
def test_an_update_shows_what_moves_and_makes_it_the_golden(tmp_path):
    place = Workplace(tmp_path)
    place.install("1.0")
    place.type_in("compare", "guarded.toml", "--no-timing", code=0)
    place.install("1.1")
    *moves, _, told = place.type_in("check", "guarded.toml", "--update", code=0)
    assert (moves, told) == ([NET_MOVED, RELU_MOVED], "golden: results/guarded")
    assert place.type_in("check", "guarded.toml", "--traces", code=0)[-1].endswith("unchanged")
    assert place.type_in("check", "guarded.toml", code=0) == [f"guarded: {CELLS} cells unchanged"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ("check", "guarded.toml", "--golden", "nowhere"),
            "nowhere holds no results: flop-harness compare guarded.toml",
        ),
        (("check", "seeds", "--golden", "results/guarded"), "of suite 'guarded', not 'seeds'"),
        (("check", "guarded.toml", "--update", "--traces"), "--update rewrites the whole golden"),
        (("check", "guarded.toml", "--traces", "--cases", "x"), "--traces prices everything"),
        (("check", "guarded.toml", "--cases", "nte"), "no case of suite 'guarded' matches"),
        (("check", "guarded.toml", "--counters", "tohp"), "unknown counter 'tohp'"),
        (("check", "gaurded.toml"), "no such file"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(workplace, arguments, told):
    workplace.install("1.0")
    (line,) = workplace.type_in(*arguments, code=2)
    assert line.startswith("flop-harness: ")
    assert told in line


def test_lost_traces_are_named(workplace, tmp_path):
    golden = workplace.folder / "results/guarded"
    for name in (store.RUN_FILE, store.MEASURED_FILE):
        (tmp_path / name).write_bytes((golden / name).read_bytes())
    workplace.install("1.0")
    arguments = ("check", "guarded.toml", "--traces", "--golden", str(tmp_path))
    (line,) = workplace.type_in(*arguments, code=2)
    assert "lacks the trace" in line
