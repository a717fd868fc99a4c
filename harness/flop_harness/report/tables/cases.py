"""One case at a time: its figures and the bridge to every reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from flop_harness.records import Metric, Reading
from flop_harness.report.analysis.cells import Cell, cell_of, inputs_of, shown_columns
from flop_harness.report.analysis.figures import BASE_UNIT, deviation, figures_of, in_macs, plain
from flop_harness.report.analysis.index import Index, key_of
from flop_harness.report.analysis.verdict import spreads
from flop_harness.report.tables.bridges import bridge_table
from flop_harness.report.tables.comparison import NAMES
from flop_harness.report.tables.table import Column, Table, columns
from flop_harness.report.words.text import (
    anchor,
    factor_words,
    group,
    many,
    plural,
    printable,
    shorten,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One reading and the bridge that leads to it; ``apart`` tells whether terms or a residual do."""

    reading: Reading
    cell: Cell
    bridge: Table | None
    apart: bool = False

    @property
    def told(self) -> str:
        """What the tool itself called the figure and how it returned it."""
        label = shorten(self.reading.label, 40)
        figure = shorten(self.reading.figure, 60)
        return f"{label}: {figure}" if label and figure else label or figure

    @property
    def by_module(self) -> str:
        """Whether the tool's own figures by module are the predicted ones."""
        compared, off = self.cell.modules, self.cell.off
        if not compared or self.cell.value is None:
            return ""
        told = f"Figures by module: {compared:,} compared"
        return f"{told}, all equal" if not off else f"{told}, {off:,} differ"

    @property
    def remarks(self) -> list[str]:
        """What the tool did besides counting."""
        notes = [("warned", self.reading.warnings), ("left behind", self.reading.leftovers)]
        return [f"{word}: {shorten('; '.join(said), 300)}" for word, said in notes if said]


@dataclass(frozen=True, slots=True)
class Section:
    """All that a run knows of one case."""

    case: str
    summary: str
    description: str
    figures: Table
    answers: tuple[Answer, ...]
    unsupported: Table
    agreed: tuple[Table, ...]
    loud: bool

    @property
    def anchor(self) -> str:
        return anchor("case", self.case)


def sections(index: Index) -> Iterator[Section]:
    """The cases in the order of their suite."""
    words = {case.id: case.description for case in index.run.suite.cases}
    factors = {spread.case: spread.factor for spread in spreads(index)}
    for case in index.cases:
        answers = tuple(answer_of(index, reading) for reading in index.by_case[case])
        yield Section(
            case, _summary(index, case, factors.get(case)), words.get(case, ""),
            _figures(index, case), answers, _unsupported(index, case),
            tuple(agreed(index, case, metric) for metric in index.metrics),
            any(answer.cell.loud for answer in answers),
        )  # fmt: skip


def _summary(index: Index, case: str, factor: float | None) -> str:
    told = figures_of(index.by_case[case])
    reference = index.reference(case, "compute")
    words = ["no reference" if reference is None else f"{group(plain(reference))} MAC"]
    words += [shapes for shapes in [inputs_of(index, case)] if shapes]
    words.append(plural(len(told), "figure"))
    if factor is not None:
        words.append("all alike" if factor == 1 else f"spread × {factor_words(factor)}")
    return ", ".join(words)


def _figures(index: Index, case: str) -> Table:
    rows = [(each.convention, each.value, each.unit)
            for each in index.run.figures if each.case == case]  # fmt: skip
    return Table("By convention", columns("convention value:integer unit"), tuple(rows))


def _unsupported(index: Index, case: str) -> Table:
    counts = index.run.unsupported.get(case, {})
    return Table("Operators without a formula", columns("operator calls:integer"),
                 tuple(counts.items()))  # fmt: skip


def agreed(index: Index, case: str, metric: Metric) -> Table:
    """Who says the same of a case, the reference first, then by how far they are from it."""
    reference = index.reference(case, metric)
    groups: dict[Fraction, list[str]] = defaultdict(list)
    if reference is not None:
        groups[reference].append("reference")
    for value, name in said_by(index, case, metric):
        groups[value].append(name)
    rows = [(", ".join(names), plain(value), _apart(value, reference))
            for value, names in groups.items()]  # fmt: skip
    rows.sort(key=lambda row: abs(row[2] or 0))
    unit = many(BASE_UNIT[metric])
    heads = (Column("who"), Column("says", "integer", unit),
             Column("deviation", "share"))  # fmt: skip
    return Table(f"Who agrees: {NAMES[metric].lower()}", heads, tuple(rows))


def said_by(index: Index, case: str, metric: Metric) -> Iterator[tuple[Fraction, str]]:
    """What each counter says, in MAC, and its name; with its contexts where it says several things."""
    names = dict.fromkeys(column.counter for column in shown_columns(index, metric))
    for counter in names:
        values: dict[Fraction, list[str]] = defaultdict(list)
        for reading in figures_of(index.by_case[case]):
            if (reading.counter, reading.metric) == (counter, metric) and reading.value is not None:
                value = in_macs(reading.value, reading.unit)
                values[value].append(str(replace(reading.context, mode="")))
        for value, contexts in values.items():
            under = f" ({', '.join(contexts)})" if len(values) > 1 else ""
            yield value, f"{printable(counter)}{under}"


def _apart(value: Fraction, reference: Fraction | None) -> float | None:
    return None if reference is None else deviation(value, reference)


def answer_of(index: Index, reading: Reading) -> Answer:
    """A reading with its bridge; ``analytic``'s own figure is one step long."""
    bridge = index.bridge_of.get(key_of(reading))
    cell = cell_of(index, reading)
    if bridge is None or cell.value is None:
        return Answer(reading, cell, None)
    return Answer(reading, cell, bridge_table(bridge), bool(bridge.steps or bridge.residual))
