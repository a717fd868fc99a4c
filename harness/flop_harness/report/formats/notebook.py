"""Suites, accounts, bridges and runs as a notebook shows them: HTML tables and SVG charts."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from flop_harness.records import Bridge, Run, Suite
from flop_harness.records.account import Account
from flop_harness.report.analysis.findings import sentences
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.verdict import headline
from flop_harness.report.charts.heatmap import heatmap
from flop_harness.report.charts.waterfall import waterfall
from flop_harness.report.tables.bridges import bridge_table
from flop_harness.report.tables.deviations import deviation_table, parameter_lines
from flop_harness.report.tables.figures_of_case import figure_table
from flop_harness.report.tables.module_tree import Node
from flop_harness.report.tables.table import Column, Table, columns, show
from flop_harness.report.words.text import group, hanging, left_out, part, plural, printable

ROWS = 60
"""Longer tables are cut, and say so"""
CHARTED = 40
"""Up to so many cases a heat map can be read in a notebook"""


def grid(table: Table) -> str:
    """A table of at most ``ROWS`` rows."""
    heads = "".join(f"<th>{escape(column.title)}</th>" for column in table.columns)
    rows = "".join(line(row, table.columns) for row in table.rows[:ROWS])
    left = len(table.rows) - ROWS
    note = " ".join([table.note, f"{plural(left, 'more row')}." if left > 0 else ""]).strip()
    told = f"<p>{escape(note)}</p>" if note else ""
    title = f"<caption>{escape(printable(table.title))}</caption>" if table.title else ""
    return f"<table>{title}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>{told}"


def line(row: tuple[Any, ...], columns: tuple[Column, ...]) -> str:
    cells = (
        f'<td style="text-align:{column.align}">{escape(show(value, column))}</td>'
        for value, column in zip(row, columns, strict=True)
    )
    return f"<tr>{''.join(cells)}</tr>"


def tree(node: Node, unit: str, depth: int = 1) -> str:
    """A module and those below it, each to be unfolded; ``depth`` levels stand open."""
    words = (
        f"<b>{escape(printable(node.name))}</b> {escape(printable(node.type))}: "
        f"{escape(node.inputs)} → {escape(node.output)}; {plural(node.params, 'parameter')}"
        + (f", {group(node.trainable)} trainable" if node.trainable != node.params else "")
        + f"; {group(node.amount)} {escape(unit)} ({part(node.share)})"
    )
    if not node.below:
        return f'<div style="margin-left:1.1em">{words}</div>'
    inner = "".join(tree(each, unit, depth - 1) for each in node.below)
    opened = " open" if depth > 0 else ""
    return (f'<details{opened} style="margin-left:1.1em"><summary>{words}</summary>{inner}'
            "</details>")  # fmt: skip


def of_suite(suite: Suite) -> str:
    """Its cases, with their models and inputs."""
    rows = tuple(
        (case.id, case.model, ", ".join("x".join(map(str, each.shape)) for each in case.inputs),
         case.description)
        for case in suite.cases
    )  # fmt: skip
    title = f"{suite.name}, version {suite.version}: {suite.description}"
    return grid(Table(title, columns("case model inputs description"), rows))


def of_account(account: Account) -> str:
    """Its terms, then its modules."""
    return of_amounts("term", account.by_term()) + of_amounts("module", account.by_module())


def of_amounts(what: str, amounts: Mapping[str, int | float]) -> str:
    heads = (Column(what), Column("amount", "integer"), Column("share", "part"))
    total = sum(amounts.values())
    ordered = sorted(amounts.items(), key=lambda pair: -abs(pair[1]))
    rows = [(name or "(root)", each, each / total if total else 0) for name, each in ordered]
    return grid(Table("", heads, (*rows, ("total", total, 1))))


def of_bridge(bridge: Bridge) -> str:
    """A waterfall, the terms with the modules they come from, and a sentence for each."""
    run = Run(0, Suite("", 0, "", ()), {}, bridges=(bridge,))
    told = "".join(f"<li>{escape(each)}</li>" for each in sentences(Index(run), bridge))
    return waterfall(run, bridge) + grid(bridge_table(bridge)) + f"<ul>{told}</ul>"


def of_run(run: Run) -> str:
    """The headline, the figures of its case or a row for each, a heat map where it can be read."""
    index = Index(run)
    parts = [f"<p><strong>{escape(headline(run))}</strong></p>"]
    if len(index.cases) == 1:
        return "".join([*parts, *(grid(figure_table(index, each)) for each in index.metrics)])
    if index.metrics and len(index.cases) <= CHARTED:
        parts.append(heatmap(run))
    parts += [grid(deviation_table(index, metric)) for metric in index.metrics[:1]]
    parts += [f"<p>{escape(case)}: not counted, no formula: {escape(left_out(unknown))}</p>"
              for case, unknown in run.unsupported.items() if unknown]  # fmt: skip
    parts += [f"<p>{escape(case)} {escape(hanging(looks))}</p>"
              for case, looks in run.looks.items()]  # fmt: skip
    parts += [f"<p>{escape(each)}</p>" for each in parameter_lines(index)]
    return "".join(parts)
