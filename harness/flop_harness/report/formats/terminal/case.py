"""One case on a terminal: who says what, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from flop_harness.records import Bridge, Metric, Reading, Run
from flop_harness.report.analysis.bridges import part_of
from flop_harness.report.analysis.index import (
    BASE_UNIT,
    REFERENCE,
    Index,
    key_of,
    plain,
    where,
)
from flop_harness.report.formats.terminal.fitting import Fitted, Head, Row
from flop_harness.report.tables.cases import Answer, answer_of
from flop_harness.report.words.text import (
    group,
    human,
    left_out,
    percent,
    printable,
    shorten,
    signed,
)

HEADS = (Head("counter"), Head("figure", "right", False), Head("", "left", False),
         Head("deviation", "right", False), Head("why"))  # fmt: skip
UNITS = {"parameter": "param"}


def case_table(run: Run, case: str, exact: bool = False) -> Fitted:
    """A compact table of every reading of a case, the reference first.

    A context stands where a counter has several. Beside each figure stands the same in short, with
    its unit; with ``exact`` the unit alone.
    """
    index = Index(run)
    readings = index.by_case.get(case, [])
    asked = Counter((reading.counter, reading.metric) for reading in readings)
    rows: list[Row] = []
    for metric in index.metrics:
        here = [_row(index, each, asked[each.counter, metric] > 1, exact) for each in readings
                if each.metric == metric and not restates(index, each)]  # fmt: skip
        rows += with_line([*reference_row(index, case, metric, exact), *here], bool(rows))
    return Fitted(printable(case), HEADS, rows)


def with_line(rows: list[Row], above: bool) -> Iterator[Row]:
    for place, row in enumerate(rows):
        yield Row(row.cells, row.style, row.styles, section=above and not place)


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


def _row(index: Index, reading: Reading, several: bool, exact: bool) -> Row:
    answer = answer_of(index, reading)
    told = answer.cell.value is not None
    style = "bold red" if answer.cell.loud else "" if told else "yellow"
    bridge = index.bridge_of.get(key_of(reading))
    return Row(_cells(answer, bridge, several, exact), style)


def _cells(answer: Answer, bridge: Bridge | None, several: bool, exact: bool) -> tuple[str, ...]:
    cell = answer.cell
    context = cell.context
    words = context.variant or ("grad" if context.grad else "no_grad")
    if context.device not in ("", "cpu"):
        words = f"{context.device} {words}"
    name = printable(f"{cell.counter} ({words})" if several else cell.counter)
    if cell.value is None:
        return name, "", "", "", f"{cell.text}: told below"
    why = reasons(bridge) if bridge else ""
    if cell.loud:
        why = f"UNEXPLAINED: {why}"
    return name, cell.text, short(cell.value, cell.unit, exact), percent(cell.deviation), why


def reasons(bridge: Bridge, count: int = 3) -> str:
    """The heaviest terms of a bridge, abbreviated; a residual is never left out."""
    moved = [step for step in bridge.steps if step.amount]
    steps = sorted(moved, key=lambda step: -abs(step.amount))
    words = [f"{shorten(step.term, 60)} {percent(part_of(step.amount, bridge))}"
             for step in steps[:count]]  # fmt: skip
    if len(steps) > count:
        words.append(f"{len(steps) - count} more")
    if bridge.residual:
        words.insert(0, f"residual {signed(bridge.residual)}")
    return ", ".join(words)


def richest(run: Run, case: str) -> Bridge | None:
    """The bridge of a case with most terms: the one whose explanation tells most."""
    here = [each for each in run.bridges if each.case == case and each.metric == "compute"]
    return max(here, key=lambda each: sum(bool(step.amount) for step in each.steps), default=None)


def silence(reading: Reading) -> str:
    """Why there is no bridge to a reading, in a line."""
    word = "no figure" if reading.status == "ok" else reading.status.replace("_", " ")
    return f"{where(reading)}: {word}: {shorten(reading.message, 1000)}"
