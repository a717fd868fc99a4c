"""The longest case is begun first: no worker is left alone with it at the end."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from flop_harness import store
from flop_harness.records import Case
from flop_harness.run.order import earlier_seconds, longest_first
from flop_harness.run.plan import Work
from runs import GRAD, a_reading, a_run


def works(*cases: str) -> list[Work]:
    return [Work(Case(case, f"m:{case}"), ()) for case in cases]


def ids(found: list[Work]) -> list[str]:
    return [work.case.id for work in found]


def makespan(seconds: Sequence[float], workers: int) -> float:
    """When the last of the workers is done, each taking the next as it becomes free."""
    free = [0.0] * workers
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def test_the_longest_comes_first_and_what_is_not_known_before_it():
    found = longest_first(works("a", "b", "c", "d", "e"), {"a": 1.0, "c": 3.0, "d": 2.0})
    assert ids(found) == ["b", "e", "c", "d", "a"]


@given(st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(1, 3))
def test_it_ends_within_a_third_of_the_best_order(seconds: list[int], workers: int):
    """Graham's bound for the longest first: 4/3 - 1/(3 m) of the best, found by trying all."""
    told = {str(place): each for place, each in enumerate(seconds)}
    ordered = [told[case] for case in ids(longest_first(works(*told), told))]
    best = min(makespan(order, workers) for order in permutations(seconds))
    assert makespan(ordered, workers) <= best * (4 / 3 - 1 / (3 * workers)) + 1e-9


def test_what_cases_took_is_read_from_the_run_that_lies_there(tmp_path: Path):
    """Two metrics of a cell carry the same seconds, which count once."""
    readings = [
        a_reading("net", "thop", 8, seconds=2.0),
        a_reading("net", "thop", 3, metric="params", unit="parameter", seconds=2.0),
        a_reading("net", "thop", 8, context=GRAD, seconds=0.5),
        a_reading("net", "fvcore", None, status="timeout", seconds=30.0),
        a_reading("other", "thop", 8),
    ]
    store.save(replace(a_run([], tuple(readings)), schema=store.RUN_SCHEMA), tmp_path)
    assert earlier_seconds(tmp_path) == {"net": 2.0 + 0.5 + 30.0, "other": 0.0}


def test_no_run_and_a_damaged_one_tell_nothing(tmp_path: Path):
    assert earlier_seconds(tmp_path) == {}
    (tmp_path / store.RUN_FILE).write_bytes(b"no run")
    assert earlier_seconds(tmp_path) == {}
