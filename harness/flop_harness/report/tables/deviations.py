"""A whole run in one row for each case: how far each counter is from the reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import isinf

from flop_harness.records import Metric, Reading
from flop_harness.report.analysis.figures import BASE_UNIT, REFERENCE, figures_of, plain
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.comparison import NAMES
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import (
    compact,
    group,
    left_out,
    many,
    minus,
    percent,
    plural,
    printable,
    shorten,
)

LEAST, MOST = 5e-4, 10.0
"""Deviations below the first are told as nearly equal, above the second as a factor"""
OPEN, ELSEWHERE, NEAR, MULTIPLE = "!", "~", "≈", "×"
WORDS = {"unavailable": "n/a", "out_of_memory": "memory", "timeout": "time", "ok": "none"}
"""How a reading without a figure stands in a table"""
SILENT = {"n/a": "it cannot be asked", "memory": "it ran out of memory", "time": "it ran out of time",
          "none": "it gave no figure"}  # fmt: skip
MEANINGS = {"=": "equal to the last unit", NEAR: f"within {100 * LEAST:g} %", MULTIPLE: "times the reference",
            ELSEWHERE: "another context says otherwise", OPEN: "not explained", **SILENT}  # fmt: skip


def deviation_table(index: Index, metric: Metric = "compute", exact: bool = False) -> Table:
    """Rows are cases; of each counter the deviation, in the first of the contexts it was asked in.

    What a figure leaves out stands last, where it leaves anything out.
    """
    asked = by_counter(index, metric)
    heads = [Column("case"), Column("reference", "integer", many(BASE_UNIT[metric]))]
    heads += [Column(printable(name), "cell") for name in asked]
    unknown = index.run.unsupported if metric == "compute" else {}
    heads += [Column("not counted")] if any(unknown.values()) else []
    rows = []
    for case in index.cases:
        found = [readings.get(case, []) for readings in asked.values()]
        reference = index.reference(case, metric)
        if any(found):
            told = "" if reference is None else (group if exact else compact)(plain(reference))
            row = [printable(case), told, *(cell(index, readings) for readings in found)]
            row += [left_out(unknown.get(case, {}))] if any(unknown.values()) else []
            rows.append(tuple(row))
    marks = legend((text for row in rows for text in row[2 : 2 + len(asked)]), MEANINGS)
    note = "Deviation of each counter from the reference in %"
    return Table(
        NAMES[metric], tuple(heads), tuple(rows), f"{note}: {marks}." if marks else f"{note}."
    )


def legend(cells: Iterable[str], meanings: Mapping[str, str]) -> str:
    """``= equal to the last unit, ! not explained``: the marks that occur in cells, no others."""
    text = " ".join(cells)
    return ", ".join(f"{mark} {meaning}" for mark, meaning in meanings.items() if mark in text)


def by_counter(index: Index, metric: Metric) -> dict[str, dict[str, list[Reading]]]:
    """The readings of each counter by case; `analytic` is the reference."""
    found: dict[str, dict[str, list[Reading]]] = {}
    for (counter, _), asked in index.by_place[metric].items():
        if counter != REFERENCE:
            for case, reading in asked.items():
                found.setdefault(counter, {}).setdefault(case, []).append(reading)
    return found


def cell(index: Index, readings: list[Reading]) -> str:
    """``+1.1``: the first figure there is, and whether others differ or one is not explained."""
    if not readings:
        return ""
    told = figures_of(readings)
    if not told:
        return WORDS.get(readings[0].status, readings[0].status)
    text = apart(index.deviation(told[0]))
    if not all(index.explained(each) for each in told):
        return text + OPEN
    said = {index.deviation(each) for each in told}
    return text + (ELSEWHERE if len(said) > 1 or len(told) < len(readings) else "")


def apart(share: float | None) -> str:
    """A deviation in a few signs, in per cent; from tenfold on as a factor."""
    if share is None:
        return "?"
    if isinf(share):
        return f"{MULTIPLE}∞"
    if share == 0:
        return "="
    if abs(share) < LEAST:
        return NEAR
    if share >= MOST:
        return MULTIPLE + compact(1 + share).replace(" ", "")
    return minus(f"{100 * share:+.0f}" if abs(share) >= 1 else f"{100 * share:+.1f}")


def parameter_lines(index: Index) -> Iterator[str]:
    """One line for each counter whose parameters are not always those of the reference."""
    for counter, asked in by_counter(index, "params").items():
        told = figures_of(each for readings in asked.values() for each in readings)
        off = [each for each in told if index.deviation(each)]
        if off:
            worst = max(off, key=lambda each: abs(index.deviation(each) or 0))
            cases = len({each.case for each in off})
            yield (f"parameters: {printable(counter)} departs on {cases:,} of "
                   f"{plural(len(asked), 'case')}, most on {shorten(worst.case, 40)} "
                   f"({percent(index.deviation(worst))})")  # fmt: skip
