"""The first page: what there is to say in a few sentences, made by rule, and the heat map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median

from flop_harness.report.analysis.causes import in_macs_each
from flop_harness.report.analysis.index import Index
from flop_harness.report.site.answers import said_of
from flop_harness.report.site.families import SECTIONS, FamilyRow, by_counter
from flop_harness.report.words.text import listed, plural, spread, verb

NAMES = dict(zip(SECTIONS, ("Convolutional networks", "Transformers", "Language models", "Other tasks", "Quantised networks"), strict=True))  # fmt: skip
CLOSE = 0.02
"""What is called close: within 2 per cent"""
LOSSES = 3
"""So many kinds of work are named that a counter misses"""


def sentences(rows: Sequence[FamilyRow], index: Index) -> Iterator[str]:
    """How far counters are apart on networks of each kind, then who equals the reference most."""
    for section, name in NAMES.items():
        found = [row for row in rows if row.kind == section]
        if found:
            yield f"{name}: {apart(found)}."
    best = nearest(rows)
    if best is not None:
        yield equal(best, rows, index)


def apart(rows: Sequence[FamilyRow]) -> str:
    """How many counters are close on most models, and how far those are apart that count anything."""
    counters, models = by(rows, 0), by(rows, 1)
    if not counters:
        return "no figures"
    close = sum(2 * sum(map(is_close, ratios)) > len(ratios) for ratios in counters.values())
    told = f"{close} of {plural(len(counters), 'counter')} {verb(close, 'is', 'are')} mostly within 2 %"
    above = {case: [ratio for ratio in ratios if ratio > 0] for case, ratios in models.items()}
    factors = {case: max(ratios) / min(ratios) for case, ratios in above.items() if ratios}
    if max(factors.values(), default=1.0) > 1:
        widest = max(factors, key=lambda case: factors[case])
        usual, most = median(factors.values()), factors[widest]
        told += f"; {spread(usual)} apart on the usual model, {spread(most)} on {widest}"
    figures = [ratio for ratios in counters.values() for ratio in ratios]
    zeros = figures.count(0)
    return told + (f"; {part(zeros, len(figures))} are 0" if zeros else "")


def by(rows: Iterable[FamilyRow], which: int) -> dict[str, list[float]]:
    """Ratios of each counter (0) or of each model (1)."""
    found: dict[str, list[float]] = {}
    for row in rows:
        for cell in row.cells:
            for case, ratio in cell.ratios.items():
                found.setdefault((cell.counter, case)[which], []).append(ratio)
    return found


def is_close(ratio: float) -> bool:
    return round(abs(ratio - 1), 9) <= CLOSE


def part(count: int, every: int) -> str:
    return f"{count:,} of {plural(every, 'figure')}"


def nearest(rows: Sequence[FamilyRow]) -> str | None:
    """The counter that equals the reference on most models; None where none equals it anywhere."""
    exact = {name: ratios.count(1) for name, ratios in by(rows, 0).items()}
    return max(exact, key=lambda name: exact[name]) if any(exact.values()) else None


def equal(counter: str, rows: Sequence[FamilyRow], index: Index) -> str:
    """On how many models a counter equals the reference, and what it misses on the others."""
    ratios = {case: ratio for row in rows for cell in row.cells if cell.counter == counter
              for case, ratio in cell.ratios.items()}  # fmt: skip
    every = sum(len(row.cases) for row in rows)
    exact = sum(ratio == 1 for ratio in ratios.values())
    told = f"{counter} equals the reference on {exact} of {plural(every, 'model')}"
    terms = terms_of(counter, [case for case, ratio in ratios.items() if ratio != 1], index)
    if not terms:
        return f"{told}."
    named = [f"{term} ({plural(models, 'model')})" for term, models in terms.most_common(LOSSES)]
    return f"{told} and departs from it by {listed(named)}."


def terms_of(counter: str, cases: Iterable[str], index: Index) -> Counter[str]:
    """Terms that lead from the reference to a counter's figures, and on how many models each does."""
    found: Counter[str] = Counter()
    for case in cases:
        bridge = by_counter(said_of(index, case, "compute"))[counter].bridge
        weights: Mapping[str, object] = {} if bridge is None else dict(
            zip((step.term for step in bridge.steps), in_macs_each(index, bridge), strict=True))  # fmt: skip
        found.update(term for term, weight in weights.items() if weight)
    return found
