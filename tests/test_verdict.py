"""How a run ended, in numbers and in sentences: expected values by arithmetic."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flop_harness import report, store
from flop_harness.records import Failure, Reading, Run
from flop_harness.report.analysis import cells, verdict
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.silences import silences
from flop_harness.report.analysis.verdict import particulars, spreads
from flop_harness.report.charts import heatmap
from flop_harness.report.formats.step_summary import step_summary
from flop_harness.report.tables import table as neutral
from flop_harness.report.tables.agreement import distance_table, group_table
from flop_harness.report.words.text import about
from runs import (
    a_reading,
    a_run,
    a_suite,
    explained,
    failed_run,
    loud_run,
    small_run,
)  # fmt: skip

RESULTS = Path(__file__).parents[1] / "results"
EMPTY = Run(1, a_suite(), {})


def test_the_verdict_counts_every_reading_once():
    result = report.verdict(small_run())
    assert (result.readings, result.explained, result.unexplained) == (10, 10, 0)
    assert (result.failed, result.unavailable, result.cases) == (2, 0, 2)
    assert result.clean and not report.verdict(loud_run()).clean
    assert result.sentence == ("10 readings over 2 cases: 10 explained with residual 0, 0 not, "
                               "2 failed, 0 unavailable. In 1 case figures leave work out: "
                               "operators without a formula.")  # fmt: skip


def test_a_reading_without_a_bridge_is_not_explained():
    run = a_run([], (a_reading("net", "thop", 5),))
    assert report.verdict(run).unexplained == 1
    assert "no bridge" in report.verdict_lines(run)[1]


def test_figures_explained_by_the_model_itself_are_counted_apart():
    pair = explained("net", "thop", 100, {"linear not seen in this context": -40})
    told = report.verdict(a_run([pair]))
    assert (told.explained, told.in_context) == (1, 1)
    assert told.sentence.endswith(
        "1 explained because the model itself runs other operations in that context."
    )


def test_a_step_that_no_run_without_the_counter_shows_explains_nothing():
    term = "linear not seen in this context"
    made, bridge = explained("net", "thop", 100, {term: -40})
    run = a_run([(made, replace(bridge, unconfirmed={term: -40}))])
    told = report.verdict(run)
    assert (told.explained, told.in_context, told.clean) == (0, 0, False)
    assert f"a run without the counter does not show {term!r} (−40)" in report.verdict_lines(run)[1]


def test_failures_of_each_kind_are_told_apart():
    result = report.verdict(failed_run())
    assert (result.readings, result.failed, result.unavailable) == (0, 2, 1)
    assert "ours failed: net, trace: cannot be traced" in "\n".join(
        report.verdict_lines(failed_run())
    )


def test_the_headline_tells_the_spread_and_how_much_is_explained():
    assert report.headline(small_run()) == (
        "On 2 models, 3 counters differ by a factor of 1.49 at most, "
        "and 10 of 10 figures are explained to the last unit."
    )
    assert report.headline(EMPTY) == "Nothing was read in this run."


def test_only_counters_of_compute_are_said_to_differ_in_it():
    """One that counts parameters alone has no figure to differ in."""
    made = small_run()
    other = a_reading("vit", "pytorch-model-summary", 7, "parameter", "params")
    told = report.headline(replace(made, readings=(*made.readings, other)))
    assert told.startswith("On 2 models, 3 counters differ by a factor of 1.49 at most, ")


def test_the_particulars_name_the_widest_spread():
    told = particulars(small_run())
    assert "farthest apart on vit, where thop counts 11.3 GMAC and torch counts 16.8 GMAC" in told


def test_a_zero_where_there_is_work_is_said_and_does_not_make_the_spread_infinite():
    run = a_run([explained("lstm", "thop", 100), explained("lstm", "fvcore", 100, {"unseen": -50}),
                 explained("lstm", "torch", 100, {"not seen": -200}, unit="FLOP")])  # fmt: skip
    assert "factor of 2.00" in report.headline(run)
    assert "1 figure is 0 though" in particulars(run)


def test_figures_that_look_alike_are_said_exactly():
    run = a_run([explained("net", "thop", 10**9), explained("net", "fvcore", 10**9, {"bias": 5})])
    told = particulars(run)
    assert "thop counts 1,000,000,000 MAC and fvcore counts 1,000,000,005" in told
    assert "on none of 1 model." in told


def test_agreement_is_said():
    run = a_run([explained("net", "thop", 100), explained("net", "torch", 100, unit="FLOP")])
    assert report.headline(run).startswith("On 1 model, 2 counters agree everywhere, and")


def test_the_reference_is_no_counter():
    """One counter beside it has nothing to differ from; the reference alone is no comparison."""
    own = explained("net", "analytic", 100)
    assert report.headline(a_run([own])).startswith("On 1 model, no counter gave a compute figure")
    both = a_run([own, explained("net", "thop", 100, {"bias": 5})])
    assert report.headline(both).startswith(
        "On 1 model, 1 counter stands beside the reference, and"
    )
    assert spreads(Index(both)) == []
    three = a_run([own, explained("net", "thop", 100), explained("net", "fvcore", 100)])
    [row] = group_table(Index(three)).rows
    assert row == ("compute", "the reference, thop, fvcore", 2, 1)


def test_a_distance_has_no_direction():
    """The counter is 40 % below on one case and equal on another: 20 % in the middle."""
    pairs = [explained("a", "thop", 100, {"linear not seen": -40}), explained("b", "thop", 100)]
    table = distance_table(Index(a_run(pairs)), "compute")
    shown = dict(zip(table.names[:6], (neutral.show(value, column) for value, column
                 in zip(table.rows[0], table.columns, strict=True)), strict=False))  # fmt: skip
    assert shown["median distance"] == "20.0 %" and shown["lowest"] == "−40.0 %"


def test_a_refusal_of_a_counter_is_not_loud():
    page = report.render(failed_run(), "report.html").decode()
    assert "<dt>refused</dt>" in page
    assert '<div class="loud"><dt>' not in page


def test_what_the_context_alone_explains_is_counted_apart():
    pairs = [explained("net", "thop", 100, {"linear not seen in this context": -40}),
             explained("other", "thop", 100, {"ReLU": 5})]  # fmt: skip
    run = a_run(pairs)
    assert verdict.verdict(run).in_context == 1
    assert (verdict.IN_CONTEXT, 1) in verdict.verdict(run).counts
    [line] = [line for line in verdict.unknowns(Index(run)) if "context of the reading" in line]
    assert line.startswith("1 figure is explained") and line.endswith("elsewhere: net.")


@pytest.mark.parametrize("git", [None, {"commit": "abc", "dirty": False}])
def test_figures_of_a_commit_need_no_remark(git):
    assert verdict.origin(replace(small_run(), environment={"git": git})) == ""


def test_figures_of_no_commit_are_told_on_every_page():
    run = replace(small_run(), environment={"git": {"commit": "a" * 40, "dirty": True}})
    told = f"The code that made these figures differs from commit {'a' * 12}"
    for name in ("report.html", "report.md"):
        assert told in report.render(run, name).decode()
    assert told in step_summary(run)


def test_a_heat_map_says_of_which_suite_inputs_and_versions():
    drawn = report.render(store.load(RESULTS / "seeds"), "heatmap.svg").decode()
    for words in ("seeds, version", "one MAC for each", "1x3x224x224", "torchinfo 1.8.0"):
        assert words in drawn


def test_names_in_a_heat_map_have_room_in_wide_letters_too():
    """Of 11 pixels in DejaVu Sans, which machines put for Helvetica: advances of its letters, added."""
    name, counter = "conv-transposed-grouped", "pytorch-model-summary"
    wide, high = 141.1, 136.0
    drawn = report.render(a_run([explained(name, counter, 100)]), "heatmap.svg").decode()
    left, top = map(float, re.findall(r"translate\(([\d.]+),([\d.]+)\)", drawn)[0])
    caption = 12  # a line of it at least
    assert left >= wide and top >= high + caption


DEJAVU = {**dict.fromkeys("0123456789", 7.0), ".": 3.5, "/": 3.7, "≈": 9.2, "∞": 9.2, "–": 5.5,
          "k": 6.4, "M": 9.5, "G": 8.5, "T": 6.7, "r": 4.5, "e": 6.8, "f": 3.9, "u": 7.0, "s": 5.7,
          "P": 6.7, "d": 7.0, "a": 6.7, "i": 3.1, "l": 3.1, "n": 7.0, "o": 6.7}  # fmt: skip
"""Advances of letters of 11 pixels in DejaVu Sans"""
CELL = 46


@given(st.floats(-1, 1e12, exclude_min=True) | st.floats(-1e-3, 1e-3))
def test_a_ratio_stands_in_its_cell_of_a_heat_map(deviation):
    told = about(deviation)
    assert sum(DEJAVU[sign] for sign in told) < CELL - 2
    assert (told == "1") == (deviation == 0)


def test_a_word_stands_in_its_cell_of_a_heat_map():
    words = {heatmap.SHORT.get(word, word) for word in cells.ENDED.values()}
    assert max(sum(DEJAVU[sign] for sign in word) for word in words) < CELL - 2


def test_a_model_that_does_not_run_is_told_first_and_is_no_failure_of_ours():
    """Two cases, one of which does not run."""
    both = a_run([explained("net", "thop", 100), explained("other", "thop", 100)])
    failure = Failure("other", "model", "case 'other': the model raises on these inputs: no")
    readings = tuple(each for each in both.readings if each.case == "net")
    run = replace(both, readings=readings, failures=(failure,))
    assert report.headline(run).startswith("On 1 of 2 models (the rest does not run), ")
    assert f"does not run: {failure.message}" in map(str.strip, report.verdict_lines(run))
    assert not any("ours failed" in line for line in report.verdict_lines(run))


def test_missing_packages_are_told_in_a_line_for_each_command():
    def absent(counter: str, package: str, command: str) -> Reading:
        return a_reading("net", counter, None, status="unavailable",
                         message=f"{package} is not installed ({command})")  # fmt: skip

    extra = "pip install 'flop-harness[counters]'"
    found = [absent("thop", "thop", extra), absent("ptflops-aten", "ptflops", extra),
             absent("ptflops-pytorch", "ptflops", extra), absent("mine", "mine", "pip install mine")]  # fmt: skip
    assert list(silences(Index(a_run([], others=tuple(found))), ["unavailable"])) == [
        f"not installed: thop, ptflops ({extra})",
        "not installed: mine (pip install mine)",
    ]


@pytest.mark.parametrize(("printed", "told"), [
    ("", "failed: m, thop (cpu no_grad): TypeError: no"),
    ("loading\nTypeError: no", "failed: m, thop (cpu no_grad): TypeError: no"),
    ("loading\nTypeError:  no", "failed: m, thop (cpu no_grad): TypeError: no"),
    ("loading\nasked 3 layers", "failed: m, thop (cpu no_grad): TypeError: no; it printed last: asked 3 layers"),
])  # fmt: skip
def test_what_a_counter_printed_last_is_told_where_its_message_does_not_say_it(printed, told):
    said = a_reading("m", "thop", None, status="failed", message="TypeError: no", output=printed)
    assert list(silences(Index(a_run([], others=(said,))), ["failed"])) == [told]
