"""One case on a terminal: who says what, and why."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from flop_harness.records import Bridge, Context, Failure, Metric, Reading, Run
from flop_harness.report.analysis.bridges import part_of
from flop_harness.report.analysis.causes import in_macs_each
from flop_harness.report.analysis.cells import cell_of
from flop_harness.report.analysis.figures import BASE_UNIT, REFERENCE, is_figure, plain, where
from flop_harness.report.analysis.index import Index
from flop_harness.report.formats.terminal.fitting import Fitted, Head, Row
from flop_harness.report.tables.deviations import MEANINGS, legend
from flop_harness.report.tables.glossary import CONTEXTS
from flop_harness.report.words.text import group, human, left_out, percent, printable, shorten

HEADS = (Head("counter"), Head("figure", "right", False), Head("", "left", False),
         Head("deviation", "right", False), Head("why", beneath=True))  # fmt: skip
DEVIATION = 3
"""The place of that column"""
UNITS = {"parameter": "param"}


def case_table(run: Run, case: str, exact: bool = False) -> Fitted:
    """A compact table of every reading of a case, the reference first.

    Beside each figure stands the same in short, with its unit; with ``exact`` the unit alone.
    """
    index = Index(run)
    rows: list[Row] = []
    for metric in index.metrics:
        here = [*reference_row(index, case, metric, exact), *said(index, case, metric, exact)]
        rows += with_line(here, bool(rows))
    return Fitted(printable(case), HEADS, rows, "\n".join(filter(None, notes(rows))))


def notes(rows: Sequence[Row]) -> Iterator[str]:
    """What marks and contexts mean that occur in a table."""
    yield legend((row.cells[DEVIATION] for row in rows), {"=": MEANINGS["="]})
    if any(re.search(r"\bmath\b", row.cells[0]) for row in rows):
        yield f"math: {dict(CONTEXTS)['math']}"


def with_line(rows: list[Row], above: bool) -> Iterator[Row]:
    """With a line between these rows and those above them, if there are any."""
    return (replace(row, section=above and not place) for place, row in enumerate(rows))


def said(index: Index, case: str, metric: Metric, exact: bool) -> Iterator[Row]:
    """What counters say, in one row where several say the same for the same reasons."""
    readings = [each for each in index.by_case.get(case, []) if each.metric == metric]
    alike: dict[tuple[tuple[str, ...], str], list[Reading]] = defaultdict(list)
    for reading in readings:
        if not restates(index, reading):
            alike[cells_of(index, reading, exact)].append(reading)
    contexts = Counter(each.counter for each in readings)
    for (cells, style), found in alike.items():
        yield Row((who(found, contexts), *cells), style)


def who(readings: Sequence[Reading], asked: Mapping[str, int]) -> str:
    """``thop, torch (grad)``: counters, with the contexts of one that says something else in others.

    ``asked`` tells in how many contexts each counter was asked.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for each in readings:
        found[each.counter].append(in_short(each.context))
    told = (name + (f" ({', '.join(under)})" if len(under) < asked[name] else "")
            for name, under in found.items())  # fmt: skip
    return printable(", ".join(told))


def in_short(context: Context) -> str:
    """``grad``, ``meta grad``, ``math``; that it is a step of training is so of every row."""
    words = " ".join(word for word in context.variant.split() if word != "training")
    words = words or ("grad" if context.grad else "no_grad")
    return words if context.device in ("", "cpu") else f"{context.device} {words}"


def restates(index: Index, reading: Reading) -> bool:
    """Whether it is the reference once more, which has a row of its own."""
    return reading.counter == REFERENCE and index.deviation(reading) == 0 and \
        index.residual(reading) in (0, None)  # fmt: skip


def reference_row(index: Index, case: str, metric: Metric, exact: bool) -> Iterator[Row]:
    """The reference, and what it leaves out."""
    value = index.reference(case, metric)
    if value is not None:
        unknown = index.run.unsupported.get(case, {}) if metric == "compute" else {}
        why = f"not counted, for want of a formula: {left_out(unknown)}" if unknown else ""
        unit = BASE_UNIT[metric]
        figure = group(plain(value))
        yield Row(("reference", figure, short(plain(value), unit, exact), "", why), "bold")


def short(value: int | float, unit: str, exact: bool) -> str:
    word = UNITS.get(unit, unit)
    if exact:
        return word
    return human(value, unit) if unit != "parameter" else f"{human(value)} {word}"


def cells_of(index: Index, reading: Reading, exact: bool) -> tuple[tuple[str, ...], str]:
    """(figure, in short, deviation, why) and the style of the row."""
    cell = cell_of(index, reading)
    if cell.value is None:
        return ("", "", "", f"{cell.text}: told below"), "yellow"
    bridge = index.bridge_to(reading)
    why = filter(None, (cell.alarm, reasons(index, bridge) if bridge else ""))
    told = (cell.text, short(cell.value, cell.unit, exact), percent(cell.deviation))
    return (*told, ", ".join(why)), "bold red" if cell.loud else ""


def reasons(index: Index, bridge: Bridge, count: int = 3) -> str:
    """The heaviest causes of a deviation, with their shares of the reference, and how many more there are.

    The unit of a figure is none: they are weighed in MAC, as the deviation is.
    """
    weighed = zip(bridge.steps, in_macs_each(index, bridge), strict=True)
    moved = sorted(
        ((step, weight) for step, weight in weighed if weight), key=lambda pair: -abs(pair[1])
    )
    words = [f"{printable(step.term)} {percent(part_of(weight, bridge))}"
             for step, weight in moved[:count]]  # fmt: skip
    if len(moved) > count:
        words.append(f"{len(moved) - count} more")
    return ", ".join(words)


def richest(run: Run, case: str) -> Bridge | None:
    """The bridge of a case with most terms: the one whose explanation tells most."""
    here = [each for each in run.bridges if each.case == case and each.metric == "compute"]
    return max(here, key=lambda each: sum(bool(step.amount) for step in each.steps), default=None)


def silence(reading: Reading, failures: Sequence[Failure] = ()) -> str:
    """Why there is no bridge to a reading, in a line."""
    word, why = reading.status.replace("_", " "), reading.message
    if is_figure(reading):
        stages = (f"{reading.counter}'s rules for {reading.metric}", f"trace for {reading.counter}")
        ours = (each for each in failures if each.case == reading.case and each.stage in stages)
        word = f"no bridge leads to {group(reading.value)} {reading.unit}"
        why = "; ".join(f"{each.stage}: {each.message}" for each in ours)
    return f"{where(reading)}: {word}: {shorten(why, 1000)}"
