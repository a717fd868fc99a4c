"""A whole run in one row for each case: on a terminal, and in the summary of a step on GitHub."""

from __future__ import annotations

from collections.abc import Iterator
from math import isinf
from typing import TYPE_CHECKING

from flop_harness.records import Metric, Reading, Run
from flop_harness.report.analysis.comparison import NAMES, unknowns
from flop_harness.report.analysis.index import BASE_UNIT, Index, figures_of, plain
from flop_harness.report.analysis.verdict import headline
from flop_harness.report.formats.markdown import grid
from flop_harness.report.formats.markdown import plain as escaped
from flop_harness.report.tables.tables import Column, Table
from flop_harness.report.words.text import compact, percent, plural, printable, shorten

if TYPE_CHECKING:
    from rich.table import Table as Grid

WORDS = {"unavailable": "n/a", "out_of_memory": "memory", "timeout": "time", "ok": "none"}
OPEN, ELSEWHERE, NEAR = "!", "~", "≈"
NOTE = (
    "Deviation of each counter from the reference in %; = is equal to the last unit, "
    f"{NEAR} is not quite."
)
NAME, HEAD = 32, 12
"""Columns on a terminal for the name of a case, and for a counter's"""
LEAST, MOST = 5e-4, 10.0
"""Deviations below the first are told as nearly equal, above the second as a factor"""
TONES = (
    (OPEN, "bold red"), ("failed", "yellow"), ("time", "yellow"), ("memory", "yellow"),
    ("none", "yellow"), ("n/a", "bright_black"), ("=", "bright_black"), ("×", "dark_orange3"),
    ("-", "steel_blue"), ("+", "dark_orange3"),
)  # fmt: skip
SUMMARY_BYTES = 1_000_000
"""GitHub refuses a step summary of more than 1 MiB"""


def compact_table(index: Index, metric: Metric = "compute") -> Table:
    """Rows are cases; of each counter the deviation, in the first of the contexts it was asked in."""
    asked = by_counter(index, metric)
    heads = [Column("case"), Column("reference", "integer", BASE_UNIT[metric])]
    heads += [Column(printable(name), "cell") for name in asked]
    rows = []
    for case in index.cases:
        found = [readings.get(case, []) for readings in asked.values()]
        reference = index.reference(case, metric)
        if any(found):
            told = "" if reference is None else compact(plain(reference))
            rows.append((printable(case), told, *(cell(index, readings) for readings in found)))
    notes = [NOTE]
    texts = {text[-1:] for row in rows for text in row[2:]}
    notes += [f"{ELSEWHERE} says otherwise in another context."] if ELSEWHERE in texts else []
    notes += [f"{OPEN} is not explained."] if OPEN in texts else []
    return Table(NAMES[metric], tuple(heads), tuple(rows), " ".join(notes))


def by_counter(index: Index, metric: Metric) -> dict[str, dict[str, list[Reading]]]:
    """The readings of each counter by case; `analytic` is the reference."""
    found: dict[str, dict[str, list[Reading]]] = {}
    for (counter, _), asked in index.by_place[metric].items():
        if counter != "analytic":
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
        return "×∞"
    if share == 0:
        return "="
    if abs(share) < LEAST:
        return NEAR
    if share >= MOST:
        return "×" + compact(1 + share).replace(" ", "")
    return f"{100 * share:+.0f}" if abs(share) >= 1 else f"{100 * share:+.1f}"


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


# ----------------------------------------------------------------------------------- terminal


def suite_tables(run: Run, width: int) -> Iterator[Grid]:
    """The compact table with colours, in as many pieces as have room for every figure."""
    table = compact_table(Index(run))
    pieces = list(fitting(table, width))
    for place, columns in enumerate(pieces):
        last = place == len(pieces) - 1
        yield coloured(table, columns, run.suite.name, table.note if last else "")


def room(table: Table, place: int) -> int:
    """Columns of a terminal that a column needs: all of its figures, and most of its name."""
    longest = max((len(row[place]) for row in table.rows), default=0)
    if not place:
        return min(longest, NAME)
    return max(longest, min(len(table.columns[place].title), HEAD))


def fitting(table: Table, width: int) -> Iterator[list[int]]:
    """The columns in groups, each with the names and references of the cases before it."""
    always = [0, 1]
    start = sum(room(table, place) + 1 for place in always) + 2
    group, taken = list(always), start
    for place in range(2, len(table.columns)):
        if taken + room(table, place) + 1 > width and group != always:
            yield group
            group, taken = list(always), start
        group.append(place)
        taken += room(table, place) + 1
    yield group


def coloured(table: Table, places: list[int], suite: str, note: str) -> Grid:
    from rich import box
    from rich.table import Table as Grid
    from rich.text import Text

    made = Grid(title=Text(f"{printable(suite)}: {table.title.lower()}"),
                caption=Text(note) if note else None, title_justify="left",
                caption_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))  # fmt: skip
    for place in places:
        column = table.columns[place]
        made.add_column(Text(column.title), justify=column.align, no_wrap=not place,
                        overflow="fold" if place else "ellipsis", vertical="bottom",
                        width=room(table, place))  # fmt: skip
    for row in table.rows:
        made.add_row(*(Text(row[place], tone(row[place]) if place > 1 else "")
                       for place in places))  # fmt: skip
    return made


def tone(text: str) -> str:
    return next((style for sign, style in TONES if sign in text), "")


# ------------------------------------------------------------------------------- step summary


def step_summary(run: Run) -> str:
    """The run as GitHub shows it below a step: headline, table, what is open, in Markdown."""
    index = Index(run)
    parts = [f"## FLOP counters on {escaped(run.suite.name)}", f"**{escaped(headline(run))}**"]
    if index.metrics:
        parts.append(grid(compact_table(index), titled=False))
    parts += [f"- {escaped(line)}" for line in parameter_lines(index)]
    parts += [f"- {escaped(line)}" for line in unknowns(index)]
    text = "\n\n".join(parts) + "\n\n"
    if len(text.encode("utf-8", "replace")) > SUMMARY_BYTES:
        return "\n\n".join([*parts[:2], "The table is too long for a step summary."]) + "\n\n"
    return text
