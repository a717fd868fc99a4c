"""One case at a time: its figures and the bridge to every reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from flop_harness.records import Bridge, Metric, Reading, Step
from flop_harness.report.analysis.causes import part_of
from flop_harness.report.analysis.comparison import NAMES, cell_of, shown_columns
from flop_harness.report.analysis.index import (
    BASE_UNIT,
    UNIT_WORDS,
    Index,
    deviation,
    figures_of,
    in_macs,
    key_of,
    plain,
)
from flop_harness.report.analysis.verdict import spreads
from flop_harness.report.tables import tables
from flop_harness.report.tables.tables import Cell, Table
from flop_harness.report.words.text import (
    Number,
    anchor,
    factor_words,
    group,
    plural,
    printable,
    shorten,
)

TERM = tables.Column("term")
FROM = tables.Column("from")
TOP = 3


@dataclass(frozen=True, slots=True)
class Bar:
    """A step of a waterfall in per cent of its width."""

    left: float
    width: float
    tone: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One reading, the bridge that leads to it and a waterfall of it."""

    reading: Reading
    cell: Cell
    bridge: Table | None
    bars: tuple[Bar, ...] = ()

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
        words.append("all alike" if factor == 1 else f"spread x {factor_words(factor)}")
    return ", ".join(words)


def inputs_of(index: Index, case: str) -> str:
    """``1x3x224x224``; empty where the model brings its own inputs."""
    given = next((each.inputs for each in index.run.suite.cases if each.id == case), ())
    return " + ".join("x".join(map(str, each.shape)) or "scalar" for each in given)


def _figures(index: Index, case: str) -> Table:
    rows = [(each.convention, each.value, each.unit)
            for each in index.run.figures if each.case == case]  # fmt: skip
    return Table("By convention", tables.columns("convention value:integer unit"), tuple(rows))


def _unsupported(index: Index, case: str) -> Table:
    counts = index.run.unsupported.get(case, {})
    return Table("Operators without a formula", tables.columns("operator calls:integer"),
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
    unit = UNIT_WORDS.get(BASE_UNIT[metric], BASE_UNIT[metric])
    heads = (tables.Column("who"), tables.Column("says", "integer", unit),
             tables.Column("deviation", "share"))  # fmt: skip
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
    return Answer(reading, cell, bridge_table(bridge), bars(bridge))


def bridge_table(bridge: Bridge) -> Table:
    """Reference, terms, residual, reading: each with its share and where it comes from."""
    amount = tables.Column("amount", "signed", bridge.unit)
    part = tables.Column("share", "share", "of reference")
    rows: list[tuple[str, Number, float | None, str]] = [("reference", bridge.reference, None, "")]
    rows += [(step.term, step.amount, part_of(step.amount, bridge), origin(step))
             for step in bridge.steps]  # fmt: skip
    rows.append(("residual", bridge.residual, part_of(bridge.residual, bridge), ""))
    rows.append(("reading", bridge.reading, None, ""))
    title = f"{bridge.counter} ({bridge.context}) on {bridge.case}, {bridge.metric}"
    return Table(title, (TERM, amount, part, FROM), tuple(rows))


def origin(step: Step, count: int = TOP) -> str:
    """The modules that a term comes from: the heaviest few, and how many others."""
    parts = sorted(step.modules.items(), key=lambda pair: -abs(pair[1]))
    words = [f"{shorten(path or '(root)', 48)} {group(amount)}" for path, amount in parts[:count]]
    if len(parts) > count:
        words.append(f"and {plural(len(parts) - count, 'other')}")
    return "; ".join(words)


def bars(bridge: Bridge) -> tuple[Bar, ...]:
    """The waterfall of a bridge, drawn between its lowest and its highest level.

    The levels are distances from the reference: a term is often a thousandth of it, and a bar
    that starts at zero would show nothing.
    """
    moves = [*(step.amount for step in bridge.steps), bridge.residual]
    levels: list[Number] = [0]
    for move in moves:
        levels.append(levels[-1] + move)
    low, span = min(levels), max(levels) - min(levels)
    if not span:
        return ()
    drawn = [Bar(_part(-low, span), 0, "base")]
    for start, end in pairwise(levels):
        tone = "up" if end > start else "down" if end < start else "base"
        drawn.append(Bar(_part(min(start, end) - low, span), _part(abs(end - start), span), tone))
    if bridge.residual:
        drawn[-1] = Bar(drawn[-1].left, drawn[-1].width, "loud")
    end = levels[-1]
    return (*drawn, Bar(_part(min(0, end) - low, span), _part(abs(end), span), "base"))


def _part(amount: Number, span: Number) -> float:
    return round(100 * amount / span, 2)
