"""The comparison as a paper prints it: rounded, one context for each counter, one row for each case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from flop_harness.records import Metric, Reading
from flop_harness.report.analysis.cells import inputs_of
from flop_harness.report.analysis.figures import REFERENCE, figures_of, plain
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.comparison import NOT_COUNTED, RULE
from flop_harness.report.tables.deviations import SILENT, WORDS, by_counter
from flop_harness.report.tables.reasons import reasons
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import compact, few, left_out, many, plural, shorten

OTHERWISE, OPEN = "†", "*"
"""Marks of a figure: another context says otherwise; it is not explained"""
MARKS = {OTHERWISE: "another context says otherwise", OPEN: "not explained",
         "failed": "the counter raised", **SILENT}  # fmt: skip
LEAD = 4
"""Columns before those of the counters: case, input, parameters, reference"""


def summary_table(index: Index) -> Table:
    """Compute of each case by the reference and by each counter in the first of its contexts."""
    asked = by_counter(index, "compute")
    first = {name: first_of(readings) for name, readings in asked.items()}
    heads = [Column("case"), Column("input"), Column("parameters", "brief"),
             Column("reference", "brief", "MAC")]  # fmt: skip
    heads += [Column(name, "brief", many(each.unit)) for name, each in first.items()]
    unknown = index.run.unsupported
    lacking = any(unknown.values())
    rows = []
    for case in index.cases:
        told = [mark(index, first[name], found.get(case, [])) for name, found in asked.items()]
        lead = (case, brief_inputs(index, case), rounded(index, case, "params"), rounded(index, case, "compute"))  # fmt: skip
        if any((*lead[2:], *told)):
            rows.append((*lead, *told, *([left_out(unknown.get(case, {}))] if lacking else [])))
    heads += [NOT_COUNTED] if lacking else []
    return Table("Compute", tuple(heads), tuple(rows), " ".join(notes(index, first, rows)))


def brief_inputs(index: Index, case: str) -> str:
    """``2 × 3x800x800`` where inputs are alike."""
    shapes = Counter(inputs_of(index, case).split(" + "))
    return " + ".join(
        f"{times} × {shape}" if times > 1 else shape for shape, times in shapes.items()
    )


def rounded(index: Index, case: str, metric: Metric) -> str:
    value = index.reference(case, metric)
    return "" if value is None else compact(plain(value))


def first_of(readings: dict[str, list[Reading]]) -> Reading:
    """A reading in the context that a counter is shown in: the first in which it gave a figure."""
    every = [each for found in readings.values() for each in found]
    return next(iter(figures_of(every)), every[0])


def mark(index: Index, first: Reading, readings: list[Reading]) -> str:
    """``15.5 G``, and whether it is not explained or another context says otherwise."""
    if not readings:
        return ""
    place = index.place(first)
    told = next((each for each in readings if index.place(each) == place), readings[0])
    if told not in figures_of([told]) or told.value is None:
        text = WORDS.get(told.status, told.status)
    else:
        text = compact(told.value) + ("" if index.explained(told) else OPEN)
    said = {(each.status, each.value) for each in readings}
    return text + (OTHERWISE if len(said) > 1 else "")


def notes(index: Index, first: dict[str, Reading], rows: list) -> Iterator[str]:
    yield f"Rounded; exact figures and further contexts stand in appendix.tex. Reference (version {index.run.conventions} of its rules): {RULE['compute']}; a MAC is two FLOPs. Parameters: {RULE['params']}."
    said = [f"{shorten(f'{name} {each.version}', 60)} ({index.setting(alike(index, each))})"
            for name, each in first.items() if name != REFERENCE]  # fmt: skip
    if said:
        yield f"Counters: {', '.join(said)}."
    yield f"Figures are of the whole input, of every sample in a batch. {modes_told(index)}".strip()
    figures = " ".join(cell for row in rows for cell in row[LEAD : LEAD + len(first)])
    yield from (f"{each}: {meaning}." for each, meaning in MARKS.items() if each in figures)
    why = [] if index.run.suite.digest else [*reasons(index)]
    if why:
        yield f"Why they depart: {'; '.join(why)}."


def alike(index: Index, first: Reading) -> list[Reading]:
    """The figures of a counter in the context that is shown."""
    asked = index.by_place[first.metric][index.place(first)].values()
    return list(figures_of(asked)) or [first]


def modes_told(index: Index) -> str:
    """In which mode the reference stands: batch normalisation and attention run otherwise in training."""
    modes = index.modes
    trained = [case for case in index.cases if modes.get(case) == "train"]
    others = len(modes) - len(trained)
    if not trained:
        return f"The reference is of {plural(others, 'model')} in eval mode." if others else ""
    told = f"The reference is of {few(trained, 3)} in training mode"
    return f"{told}, {plural(others, 'model')} in eval mode." if others else f"{told}."
