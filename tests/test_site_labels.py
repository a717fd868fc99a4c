"""Which dots of a chart are named, by arithmetic; nothing here needs a browser."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flop_harness.report.charts.drawing import SHAPES
from flop_harness.report.charts.spread import marked
from flop_harness.report.site.labels import SIZES, apart, box, named, overlap, pixels


def test_a_dot_on_the_line_has_no_name():
    """Three of four dots lie on it, so the fourth alone is farther than the average."""
    assert named(["a", "b", "c", "d"], [1, 10, 100, 1000], [1, 10, 100, 5000], [0, 0, 0, 1.6]) == [
        [3],
        [3],
    ]


def test_an_axis_is_logarithmic_and_one_value_stands_at_its_begin():
    assert pixels([1, 10, 100], 300) == pytest.approx([0, 150, 300])
    assert pixels([5, 5], 300) == [0, 0]


def test_a_name_stands_above_its_dot_towards_the_middle():
    assert box(0, 50, "abcd", 300) == (0, 30, 33, 50)
    assert box(300, 50, "abcd", 300) == (270, 300, 33, 50)


def test_of_two_names_in_one_place_the_farther_dot_keeps_its_own():
    boxes = {7: (0, 30, 0, 17), 2: (20, 50, 10, 27), 5: (30, 60, 0, 17)}
    assert apart(boxes, 9) == [7, 5]
    assert apart(boxes, 1) == [7]


@given(
    st.lists(
        st.tuples(st.floats(1, 1e6), st.floats(1, 1e3), st.floats(0, 3)), min_size=1, max_size=30
    )
)
def test_no_name_lies_upon_another(dots):
    counts, times, away = zip(*dots, strict=True)
    names = [f"model_{place}" for place in range(len(dots))]
    for found, (width, height, most) in zip(named(names, counts, times, away), SIZES, strict=True):
        across, down = pixels(counts, width), pixels(times, height)
        boxes = [box(across[each], height - down[each], names[each], width) for each in found]
        assert not any(overlap(*pair) for pair in combinations(boxes, 2))
        assert len(found) <= most and all(away[each] > sum(away) / len(away) for each in found)


def test_a_chart_has_no_more_marks_than_there_are_shapes():
    kinds = [f"kind {place}" for place in range(11) for _ in range(11 - place)]
    assert len(set(marked(kinds))) == len(SHAPES)
    assert marked(kinds).count("others") == sum(range(1, 12 - (len(SHAPES) - 1)))
    few = kinds[: sum(range(4, 12))]
    assert marked(few) == few  # as many kinds as shapes
