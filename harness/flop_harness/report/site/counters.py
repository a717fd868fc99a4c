"""The page of a counter: what it charges and misses, where it departs, its refusals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flop_harness.records import Reading
from flop_harness.report.analysis.findings import Profile
from flop_harness.report.analysis.index import Index
from flop_harness.report.site.answers import MARKS
from flop_harness.report.site.axis import Axis, axis_of, rounds
from flop_harness.report.site.families import QUANTISED, FamilyCell, FamilyRow
from flop_harness.report.words.text import brief_ratio, few, plural, printable, shorten

MESSAGE = 300


@dataclass(frozen=True, slots=True)
class Charge:
    """One thing that a counter does otherwise than the reference, with the smallest code for it."""

    sentence: str
    extent: str
    case: str
    code: str


def charges(profile: Profile, examples: Mapping[Any, str]) -> list[Charge]:
    """The findings of a counter, those that move most work first."""
    ranked = sorted(profile.findings, key=lambda each: (each.cause.metric, -each.cause.weight))
    return [Charge(each.sentence, each.extent, each.cause.smallest.case, examples.get(each.key, ""))
            for each in ranked]  # fmt: skip


@dataclass(frozen=True)
class Departure:
    """A family on the page of a counter: a dot for each model, at its ratio to the reference."""

    row: FamilyRow
    cell: FamilyCell
    axis: Axis | None

    @property
    def dots(self) -> list[tuple[float, str, str]]:
        """(place on the axis, case, ratio), the lowest first; zeros have no place."""
        found = sorted(self.cell.ratios.items(), key=lambda pair: pair[1])
        return [(self.axis.place(value), case, brief_ratio(value))
                for case, value in found if value > 0 and self.axis]  # fmt: skip

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Powers of ten, as ratios are written."""
        if self.axis is None:
            return []
        return [
            (self.axis.place(value), brief_ratio(value))
            for value in rounds(self.axis.low, self.axis.high, (1,))
        ]

    @property
    def zeros(self) -> list[str]:
        return [case for case, value in self.cell.ratios.items() if value == 0]

    @property
    def farthest(self) -> str:
        """The case that is farthest from the reference."""
        worst = self.cell.worst
        return next((case for case, value in self.cell.ratios.items() if value == worst), "")


def departures(counter: str, rows: Iterable[FamilyRow]) -> list[Departure]:
    """Every family that the counter was asked about; quantised models on an axis of their own."""
    found = [(row, cell) for row in rows for cell in row.cells if cell.counter == counter]
    told = [(row, cell) for row, cell in found if cell.ratios or cell.silent]
    parts = {
        part: [cell for row, cell in told if is_quantised(row) == part] for part in (False, True)
    }
    axes = {part: axis_of([1.0, *(value for cell in cells for value in cell.ratios.values())])
            for part, cells in parts.items()}  # fmt: skip
    return [Departure(row, cell, axes[is_quantised(row)]) for row, cell in told]


def is_quantised(row: FamilyRow) -> bool:
    return row.kind == QUANTISED


def by_axis(departures: Iterable[Departure]) -> list[list[Departure]]:
    """Those that share an axis stand together."""
    return [list(alike) for _, alike in groupby(departures, key=lambda each: each.axis)]


def exact_told(departures: Iterable[Departure]) -> str:
    """On how many models it equals the reference, called as documented; empty where it was asked about none."""
    cells = [each.cell for each in departures]
    asked = sum(len(cell.ratios) + len(cell.silent) for cell in cells)
    exact = sum(ratio == 1 for cell in cells for ratio in cell.ratios.values())
    if not asked:
        return ""
    models = plural(asked, "model")
    return f"Called as documented, it equals the reference on {exact} of the {models} of the families below."


@dataclass(frozen=True, slots=True)
class Refusal:
    """Models on which a counter gives no figure, all for the same reason."""

    word: str
    message: str
    cases: tuple[str, ...]
    upstream: str
    """A text ready to be filed as an issue with the tool; empty where the tool was not asked"""


def refusals(
    index: Index, counter: str, version: str, codes: Mapping[str, str]
) -> Iterator[Refusal]:
    """Each reason once, that of most models first; ``codes`` gives code for a case."""
    found: dict[tuple[str, str], list[Reading]] = {}
    for reading in index.readings:
        if reading.counter == counter and reading.status != "ok":
            word = MARKS.get(reading.status, "no figure")
            found.setdefault((word, shorten(reading.message, MESSAGE)), []).append(reading)
    for (word, message), readings in sorted(found.items(), key=lambda item: -len(item[1])):
        cases = tuple(dict.fromkeys(each.case for each in readings))
        asked = readings[0].status != "unavailable"
        upstream = report(counter, version, message, cases, codes) if asked else ""
        yield Refusal(word, message, cases, upstream)


def report(
    counter: str, version: str, message: str, cases: tuple[str, ...], codes: Mapping[str, str]
) -> str:
    """Title, what happens, how to see it: as an issue of the tool is written."""
    code = next((codes[case] for case in cases if codes.get(case)), "")
    shown = f"\n\nTo reproduce:\n\n```python\n{code.strip()}\n```" if code else ""
    return (
        f"{counter} {version} gives no figure for {few(map(printable, cases), 3)}\n\n"
        f"It ends with:\n\n```\n{message}\n```{shown}\n\n"
        f"Seen on {plural(len(cases), 'model')}: {few(map(printable, cases), 12)}."
    )
