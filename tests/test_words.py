"""Numbers, nouns and names as a reader sees them."""

from __future__ import annotations

import re
import warnings

import pytest

from flop_harness.errors import raised, warn
from flop_harness.records import Context
from flop_harness.report.analysis.figures import deviation
from flop_harness.report.words import text
from runs import (
    HOSTILE,
)  # fmt: skip


@pytest.mark.parametrize(("share", "words", "factor"), [
    (0.0, "=", "1"), (-1.0, "−100 %", "0"), (0.0109, "+1.09 %", "1.011"),
    (2.6e-5, "+0.00260 %", "1.000026"), (1.5, "+150 %", "2.50"), (-0.99, "−99.0 %", "0.0100"),
    (701.0, "+70,100 %", "702"), (float("inf"), "∞", "∞"), (None, "", "?"),
])  # fmt: skip
def test_deviations_in_words(share, words, factor):
    assert text.percent(share) == words
    assert text.ratio(share) == factor


def test_deviations_are_exact():
    assert deviation(10**18 + 1, 10**18) == 1e-18
    assert deviation(0, 0) == 0 and deviation(1, 0) == float("inf")


def test_anchors_are_stable_and_tell_names_apart():
    assert text.anchor("why", "vgg16", Context()) == "why--vgg16--cpu_no_grad"
    assert text.slug("a b") != text.slug("a-b") != text.slug("a/b")
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", text.slug(HOSTILE[0]))


@pytest.mark.parametrize(("count", "noun", "told"), [
    (1, "model", "1 model"), (0, "model", "0 models"), (1, "family", "1 family"),
    (2, "family", "2 families"), (2, "series", "2 series"), (2, "timed layer", "2 timed layers"),
    (2, "loss", "2 losses"), (1, "parameter", "1 parameter"), (285, "parameter", "285 parameters"),
    (4984, "MAC", "4,984 MAC"), (-1234, "FLOP", "−1,234 FLOP"), (0.5, "MAC", "0.5 MAC"),
])  # fmt: skip
def test_nouns_go_with_their_counts(count: float, noun: str, told: str):
    assert text.plural(count, noun) == told


@pytest.mark.parametrize(("value", "words"), [
    (4_133_742_592, "4.13 G"), (1 + 12.500321285140561, "13.5"), (999, "999"), (0, "0"),
])  # fmt: skip
def test_a_figure_in_a_sentence_has_three_digits_or_is_whole(value, words):
    assert text.compact(value) == words


def test_what_sets_colours_on_a_terminal_leaves_nothing_behind():
    coloured = "\x1b[1;96mtorch.export\x1b[0m"
    assert text.printable(coloured) == "torch.export"
    assert raised(ValueError(f"see {coloured}")) == "ValueError: see torch.export"
    assert text.printable("\x1b[2Jgone") == "\N{REPLACEMENT CHARACTER}[2Jgone"


def test_a_warning_of_ours_is_told_once_whatever_filters_change_meanwhile():
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        warn("once is enough")
        warnings.simplefilter("default")  # Python forgets what it told
        warn("once is enough")
    assert [str(each.message) for each in told] == ["once is enough"]
