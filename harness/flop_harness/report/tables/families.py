"""Where counters part: a row for each family of cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import median
from typing import Any

from flop_harness.records import Reference
from flop_harness.report.analysis.families import Family, causes_of, families
from flop_harness.report.analysis.index import Index
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import listed


def family_table(index: Index, name_of: Callable[[Reference], str], title: str) -> Table:
    heads = (
        Column("family"), Column("cases", "integer"),
        Column("widest", "factor"), Column("median", "factor"),
        Column("most often lowest"), Column("most often highest"),
        Column("equal to the reference throughout"), Column("heaviest causes"),
    )  # fmt: skip
    heaviest = causes_of(index)
    rows = tuple(_row(family, heaviest) for family in families(index, name_of))
    return Table(title, heads, rows)


def _row(family: Family, heaviest: Callable[[Iterable[str]], list[str]]) -> tuple[Any, ...]:
    factors = [spread.factor for spread in family.spreads]
    return (
        family.name, len(family.cases), family.widest, median(factors) if factors else None,
        family.often(lambda spread: spread.low.counter),
        family.often(lambda spread: spread.high.counter),
        listed(family.exact) if family.exact else "none", "; ".join(heaviest(family.cases)),
    )  # fmt: skip
