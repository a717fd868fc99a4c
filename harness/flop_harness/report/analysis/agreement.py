"""Which counters say the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from flop_harness.records import Metric
from flop_harness.report.analysis.figures import in_macs, is_figure
from flop_harness.report.analysis.index import CounterColumn, Index

Figures: TypeAlias = dict[str, Fraction]
"""case -> figure, in MAC or parameters"""


def figures_in(index: Index, column: CounterColumn, metric: Metric) -> Figures:
    asked = index.in_column(column, metric)
    return {case: in_macs(each.value or 0, each.unit)
            for case, each in asked.items() if is_figure(each)}  # fmt: skip


def shared(one: Figures, other: Figures) -> tuple[int, int]:
    """(cases on which both gave a figure, those on which the figures are equal)."""
    both = one.keys() & other.keys()
    return len(both), sum(one[case] == other[case] for case in both)


def agree(one: Figures, other: Figures) -> bool:
    both, equal = shared(one, other)
    return both > 0 and both == equal


@dataclass(frozen=True, slots=True)
class Group:
    """Counters of which any two say the same wherever both gave a figure."""

    columns: tuple[CounterColumn, ...]
    cases: int


def groups(index: Index, metric: Metric) -> list[Group]:
    """Every counter once, with those that agree with all of its group, the largest first."""
    found: list[list[tuple[CounterColumn, Figures]]] = []
    for column in index.columns(metric):
        figures = figures_in(index, column, metric)
        if not figures:
            continue
        home = next((group for group in found
                     if all(agree(figures, other) for _, other in group)), None)  # fmt: skip
        if home is None:
            found.append([(column, figures)])
        else:
            home.append((column, figures))
    made = [Group(tuple(column for column, _ in group), common(figures for _, figures in group))
            for group in found]  # fmt: skip
    return sorted(made, key=lambda group: -len(group.columns))


def common(figures: Iterable[Figures]) -> int:
    """The cases on which two or more gave figures; of one alone, its own."""
    every = list(figures)
    told = Counter(case for each in every for case in each)
    return sum(count > 1 for count in told.values()) if len(every) > 1 else len(told)


def matrix(index: Index, metric: Metric) -> tuple[list[CounterColumn], list[list[tuple[int, int]]]]:
    """For every two counters, on how many cases both gave figures and on how many equal ones."""
    columns = list(index.columns(metric))
    figures = [figures_in(index, column, metric) for column in columns]
    kept = [place for place, found in enumerate(figures) if found]
    cells = [[shared(figures[one], figures[other]) for other in kept] for one in kept]
    return [columns[place] for place in kept], cells
