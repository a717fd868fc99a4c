"""One case on a terminal: who says what, and why."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from flop_harness.records import Bridge, Reading, Run
from flop_harness.report.analysis.bridges import part_of
from flop_harness.report.analysis.index import Index, key_of, where
from flop_harness.report.tables.cases import Answer, answer_of
from flop_harness.report.words.text import percent, printable, shorten, signed

if TYPE_CHECKING:
    from rich.table import Table

HEADS = (("counter", "left"), ("figure", "right"), ("unit", "left"), ("deviation", "right"),
         ("why", "left"))  # fmt: skip
UNITS = {"parameter": "param"}


def case_table(run: Run, case: str) -> Table:
    """A compact table of every reading of a case; a context stands where a counter has several."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    index = Index(run)
    readings = index.by_case.get(case, [])
    asked = Counter((reading.counter, reading.metric) for reading in readings)
    table = Table(title=Text(printable(case)), box=box.SIMPLE_HEAD, title_justify="left",
                  padding=(0, 1, 0, 0))  # fmt: skip
    for name, justify in HEADS:
        whole = name not in ("counter", "why")
        width = 23 if name == "counter" else None
        table.add_column(name, justify=justify, no_wrap=whole, max_width=width)  # type: ignore[arg-type]
    metric = ""
    for reading in readings:
        if metric and metric != reading.metric:
            table.add_section()
        metric = reading.metric
        answer = answer_of(index, reading)
        told = answer.cell.value is not None
        style = "bold red" if answer.cell.loud else "" if told else "yellow"
        several = asked[reading.counter, reading.metric] > 1
        row = _row(answer, index.bridge_of.get(key_of(reading)), several)
        table.add_row(*(Text(cell) for cell in row), style=style)
    return table


def _row(answer: Answer, bridge: Bridge | None, several: bool) -> tuple[str, ...]:
    cell = answer.cell
    told = cell.value is not None
    context = cell.context
    words = context.variant or ("grad" if context.grad else "no_grad")
    if context.device not in ("", "cpu"):
        words = f"{context.device} {words}"
    why = reasons(bridge) if told and bridge else f"{cell.text}: {shorten(cell.message, 80)}"
    if cell.loud:
        why = f"UNEXPLAINED: {why}"
    return (
        printable(f"{cell.counter} ({words})" if several else cell.counter),
        cell.text if told else "",
        UNITS.get(cell.unit, cell.unit),
        percent(cell.deviation) if told else "",
        why,
    )


def reasons(bridge: Bridge, count: int = 3) -> str:
    """The heaviest terms of a bridge, abbreviated; a residual is never left out."""
    moved = [step for step in bridge.steps if step.amount]
    steps = sorted(moved, key=lambda step: -abs(step.amount))
    words = [f"{shorten(step.term, 32)} {percent(part_of(step.amount, bridge))}"
             for step in steps[:count]]  # fmt: skip
    if len(steps) > count:
        words.append(f"{len(steps) - count} more")
    if bridge.residual:
        words.insert(0, f"residual {signed(bridge.residual)}")
    return ", ".join(words)


def silence(reading: Reading) -> str:
    """Why there is no bridge to a reading, in a line."""
    word = "no figure" if reading.status == "ok" else reading.status.replace("_", " ")
    return f"{where(reading)}: {word}: {shorten(reading.message, 200)}"
