"""The first page: what there is to say in one sentence, made by rule, and the heat map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flop_harness.report.site.families import FamilyCell, FamilyRow
from flop_harness.report.words.text import digits, group, plural, verb

NAMES = {"Convolutions": "Convolutional networks", "Attention and recurrence": "Transformers",
         "Beyond classification": "Other tasks"}  # fmt: skip
MOST = 0.02
"""What is called close: within 2 per cent"""


def sentences(rows: Sequence[FamilyRow]) -> Iterator[str]:
    """How far counters are apart on networks of each kind, then who equals the reference most."""
    for section, name in NAMES.items():
        found = [row for row in rows if row.kind == section]
        if found:
            yield f"{name}: {apart(found)}."
    best = nearest(rows)
    if best:
        yield best


def apart(rows: Iterable[FamilyRow]) -> str:
    """How many figures are close to the reference, and how far the others go."""
    ratios = [value for row in rows for cell in row.cells for value in cell.ratios.values()]
    if not ratios:
        return "no figures"
    close = sum(round(abs(value - 1), 9) <= MOST for value in ratios)
    above = [value for value in ratios if value > 0]
    low, high = min(above, default=1.0), max(above, default=1.0)
    ends = [words for value, words in ((low, f"{times(1 / low)} too low"), (high, f"{times(high)} too high"))
            if abs(value - 1) > MOST]  # fmt: skip
    told = f"{100 * close / len(ratios):.0f} % of figures are within 2 %"
    if ends:
        told += f", others up to {' and '.join(ends)}"
    zero = len(ratios) - len(above)
    return told + (f", and {group(zero)} {verb(zero, 'is', 'are')} 0" if zero else "")


def times(factor: float) -> str:
    """``12 %`` up to a half as much again, then ``× 74``."""
    return f"{digits((factor - 1) * 100, 2)} %" if factor < 1.5 else f"{digits(factor, 2)} times"


def nearest(rows: Sequence[FamilyRow]) -> str:
    """The counter that equals the reference on most models, and what those families have in common
    on which it does not."""
    cells: dict[str, list[tuple[FamilyRow, FamilyCell]]] = {}
    for row in rows:
        for cell in row.cells:
            cells.setdefault(cell.counter, []).append((row, cell))
    exact = {name: sum(value == 1 for _, cell in found for value in cell.ratios.values())
             for name, found in cells.items()}  # fmt: skip
    if not any(exact.values()):
        return ""
    name = max(exact, key=lambda each: exact[each])
    every = sum(len(row.cases) for row in rows)
    off = [
        row.name for row, cell in cells[name] if any(value != 1 for value in cell.ratios.values())
    ]
    return f"{name} equals the reference on {exact[name]} of {plural(every, 'model')}" + (
        f"; it departs in {plural(len(off), 'family')}, and no counter is exact everywhere."
        if off else "."
    )  # fmt: skip
