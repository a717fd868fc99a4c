"""The first page: how far counters are apart on each kind of network, and who is nearest, by rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from flop_harness.report.analysis.causes import in_macs_each, term_in_words
from flop_harness.report.analysis.index import Index
from flop_harness.report.site.answers import said_of
from flop_harness.report.site.families import (
    OTHER_TASKS,
    QUANTISED,
    SECTIONS,
    FamilyRow,
    by_counter,
    is_close,
    strength,
)
from flop_harness.report.site.models import Model
from flop_harness.report.site.sources import is_library
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.terms import BEYOND, DENIED, predicate
from flop_harness.report.words.text import group, listed, plural, spread, verb

LOSSES = 3
"""So many kinds of work are named that a counter misses"""


def count_told(models: Sequence[Model]) -> str:
    """``153 models and 215 single layers and small networks``: what is of no library is told apart."""
    named = {each.model for each in models if is_library(each.model)}
    others = sum(not is_library(each.model) for each in models)
    if not named:
        return plural(others, "model")
    told = [plural(len(named), "model")]
    if others:
        words = verb(others, "single layer or small network", "single layers and small networks")
        told.append(f"{group(others)} {words}")
    return listed(told)


def headline(rows: Sequence[FamilyRow]) -> str:
    """How far figures of one model usually are apart, kind by kind; what is of several kinds is left out."""
    told = {
        name: usual
        for name, _, usual, *_ in kinds_table(rows).rows
        if usual and name != OTHER_TASKS
    }
    counters = len(by(rows, 0))
    if counters < 2 or not told:
        return ""
    (first, usual), *others = told.items()
    apart = [f"{usual} apart on {first.lower()}", *(f"{words} on {kind.lower()}" for kind, words in others)]  # fmt: skip
    return f"The highest and the lowest figure that {counters} counters give of one model are usually {listed(apart)}."


def kinds_table(rows: Sequence[FamilyRow]) -> Table:
    """A row for each kind of network: how many counters are close, how far figures are apart."""
    found = {kind: [row for row in rows if row.kind == kind] for kind in SECTIONS}
    return Table("How far counters are apart", (
        Column("kind of model"), Column("counters near the reference"), Column("usual spread"),
        Column("widest spread"), Column("figures of 0"),
    ), tuple((name, *apart(alike)) for name, alike in found.items() if alike),
        note="Near is within 2 % on most models. A spread is how far the highest figure of a model is from "
        "the lowest above 0; the usual one is the median.")  # fmt: skip


def apart(rows: Sequence[FamilyRow]) -> tuple[str, str, str, str]:
    """Counters that are close on most models; how far those are apart that count anything; zeros."""
    counters, models = by(rows, 0), by(rows, 1)
    close = sum(2 * sum(map(is_close, ratios)) > len(ratios) for ratios in counters.values())
    factors = {case: max(above) / min(above) for case, ratios in models.items()
               if (above := [ratio for ratio in ratios if ratio > 0])}  # fmt: skip
    worst = max(factors, key=lambda case: factors[case], default="")
    figures = [ratio for ratios in counters.values() for ratio in ratios]
    zeros = figures.count(0)
    return (
        f"{close} of {len(counters)}",
        spread(median(factors.values())) if factors else "",
        f"{spread(factors[worst])} on {worst}" if worst else "",
        f"{group(zeros)} of {group(len(figures))}",
    )


def by(rows: Iterable[FamilyRow], which: int) -> dict[str, list[float]]:
    """Ratios of each counter (0) or of each model (1)."""
    found: dict[str, list[float]] = {}
    for row in rows:
        for cell in row.cells:
            for case, ratio in cell.ratios.items():
                found.setdefault((cell.counter, case)[which], []).append(ratio)
    return found


def farthest(rows: Sequence[FamilyRow]) -> tuple[str, str, float] | None:
    """The case, the counter and the ratio above 0 that is farthest from 1; quantised networks are left out."""
    every = [(case, cell.counter, ratio) for row in rows if row.kind != QUANTISED
             for cell in row.cells for case, ratio in cell.ratios.items() if ratio not in (0, 1)]  # fmt: skip
    return max(every, key=lambda each: strength(each[2]), default=None)


def nearest(rows: Sequence[FamilyRow]) -> str | None:
    """The counter that equals the reference on most models; None where none equals it anywhere."""
    exact = {name: ratios.count(1) for name, ratios in by(rows, 0).items()}
    return max(exact, key=lambda name: exact[name]) if any(exact.values()) else None


def nearest_told(rows: Sequence[FamilyRow], index: Index) -> str:
    """On how many models the nearest counter equals the reference, and what parts it from it elsewhere."""
    counter = nearest(rows)
    if counter is None:
        return ""
    ratios = {case: ratio for row in rows for cell in row.cells if cell.counter == counter
              for case, ratio in cell.ratios.items()}  # fmt: skip
    every = sum(len(row.cases) for row in rows)
    exact = sum(ratio == 1 for ratio in ratios.values())
    cases = {each.id: each.model for each in index.run.suite.cases}
    libraries = dict.fromkeys(
        cases[case].partition(":")[0]
        for row in rows
        for case in row.cases
        if is_library(cases[case])
    )
    of = f" of {listed(libraries)}" if libraries else ""
    told = f"{counter} is nearest: it equals the reference on {exact} of the {plural(every, 'model')}{of} in the map of families."
    terms = terms_of(counter, [case for case, ratio in ratios.items() if ratio != 1], index)
    return f"{told} Elsewhere it {losses(terms.most_common(LOSSES))}." if terms else told


def losses(terms: Iterable[tuple[str, int]]) -> str:
    """``does not see linear layers (3 models) and means (2 models)``: the verb once for all that it denies."""
    told: dict[str, list[str]] = {}
    for term, models in terms:
        did = predicate(term).removesuffix(BEYOND)
        denial = next((each for each in DENIED if did.startswith(each)), "")
        told.setdefault(denial, []).append(
            f"{did.removeprefix(denial)} ({plural(models, 'model')})"
        )
    return listed([denial + listed(alike) for denial, alike in told.items()])


def terms_of(counter: str, cases: Iterable[str], index: Index) -> Counter[str]:
    """Terms that lead from the reference to a counter's figures, and on how many models each does."""
    found: Counter[str] = Counter()
    for case in cases:
        bridge = by_counter(said_of(index, case, "compute"))[counter].bridge
        weights: Mapping[str, object] = {} if bridge is None else dict(
            zip(map(term_in_words, bridge.steps), in_macs_each(index, bridge), strict=True))  # fmt: skip
        found.update(term for term, weight in weights.items() if weight)
    return found
