"""One case on a terminal: who says what, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.records import Bridge, Run
from harness.report.cases import Answer, answer_of
from harness.report.comparison import share
from harness.report.index import Index, key_of
from harness.report.text import percent, printable, shorten

if TYPE_CHECKING:
    from rich.table import Table

HEADS = (("counter", "left"), ("context", "left"), ("figure", "right"), ("unit", "left"),
         ("deviation", "right"), ("why", "left"), ("status", "left"))  # fmt: skip


def case_table(run: Run, case: str) -> Table:
    """A compact table of every reading of a case."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    index = Index(run)
    table = Table(title=Text(printable(case)), box=box.SIMPLE_HEAD, title_justify="left")
    for name, justify in HEADS:
        table.add_column(name, justify=justify, no_wrap=name == "figure")  # type: ignore[arg-type]
    metric = ""
    for reading in index.by_case.get(case, []):
        if metric and metric != reading.metric:
            table.add_section()
        metric = reading.metric
        answer = answer_of(index, reading)
        told = answer.cell.value is not None
        style = "bold red" if answer.cell.loud else "" if told else "yellow"
        row = _row(answer, index.bridge_of.get(key_of(reading)))
        table.add_row(*(Text(cell) for cell in row), style=style)
    return table


def _row(answer: Answer, bridge: Bridge | None) -> tuple[str, ...]:
    cell = answer.cell
    told = cell.value is not None
    figure = cell.text if told else ""
    why = reasons(bridge) if told and bridge else shorten(cell.message, 80)
    status = "UNEXPLAINED" if cell.loud else "ok" if told else cell.text
    apart = percent(cell.deviation) if told else ""
    return (printable(cell.counter), printable(cell.context), figure, cell.unit, apart, why, status)


def reasons(bridge: Bridge, count: int = 3) -> str:
    """The heaviest terms of a bridge, abbreviated; a residual is never left out."""
    moved = [step for step in bridge.steps if step.amount]
    steps = sorted(moved, key=lambda step: -abs(step.amount))
    words = [f"{shorten(step.term, 32)} {percent(share(step.amount, bridge))}"
             for step in steps[:count]]  # fmt: skip
    if len(steps) > count:
        words.append(f"{len(steps) - count} more")
    if bridge.residual:
        words.insert(0, f"residual {bridge.residual:+,}")
    return ", ".join(words)
