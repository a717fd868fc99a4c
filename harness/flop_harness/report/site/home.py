"""The first page: what there is to say in one sentence, made by rule, and the heat map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from flop_harness.report.analysis.index import Index
from flop_harness.report.site.families import FamilyCell, FamilyRow, strength
from flop_harness.report.words.text import digits, plural, ratio, verb

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
    """How many figures are close to the reference, and how far the farthest one is."""
    ratios = [value for row in rows for cell in row.cells for value in cell.ratios.values()]
    if not ratios:
        return "no figures"
    close = sum(abs(value - 1) <= MOST for value in ratios)
    above = [value for value in ratios if value > 0]
    far = max(above, key=strength, default=1.0)
    zero = len(ratios) - len(above)
    words = f"{percent(close, len(ratios))} of figures are within 2 % of the reference, the farthest is {far_words(far)}"
    return words + (f", and {plural(zero, 'figure')} {verb(zero, 'is', 'are')} 0" if zero else "")


def percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %"


def far_words(value: float) -> str:
    if 0.5 < value < 2:
        return f"{digits(abs(value - 1) * 100, 2)} % {'above' if value > 1 else 'below'}"
    return f"{ratio(value - 1)} times it" if value > 1 else f"{digits(1 / value)} times too small"


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
    off = [row.name for row, cell in cells[name] if any(value != 1 for value in cell.ratios.values())]
    return f"{name} equals the reference on {exact[name]} of {plural(every, 'model')}" + (
        f"; it departs in {plural(len(off), 'family')}, and no counter is exact everywhere."
        if off else "."
    )  # fmt: skip


def models_counted(index: Index) -> str:
    return plural(len(index.cases), "model")
