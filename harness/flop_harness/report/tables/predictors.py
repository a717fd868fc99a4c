"""Which count predicts time."""

from __future__ import annotations

from flop_harness.records.times import Series
from flop_harness.report.analysis.predictors import Predictor, beside, find, predictors
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import few

PREDICTORS = (
    Column("count"), Column("of"), Column("models", "integer"),
    Column("off by", "factor", note="families not seen"), Column("off from", "factor", "95 %"),
    Column("off to", "factor", "95 %"), Column("rank", "number", note="Spearman"),
    Column("rank from", "number", "95 %"), Column("rank to", "number", "95 %"),
    Column("exponent", "number", note="time ~ count^b"), Column("against MACs"), Column("same"),
)  # fmt: skip


def predictor_table(clock: MachineTimings, series: Series) -> Table:
    found = predictors(clock, series)
    macs = find(found, "macs")
    rows = tuple(_row(clock, each, macs) for each in found)
    note = (
        "Off by: the geometric mean of predicted / measured or its inverse, for models of a family "
        "that the fit has not seen. Intervals of 95 % over draws of families. Against MACs: paired, by "
        "model. Same: counts that differ by a constant factor, and so predict the same."
    )
    return Table(f"What predicts time ({series})", PREDICTORS, rows, note)


def _row(clock: MachineTimings, each: Predictor, macs: Predictor | None) -> tuple:
    p = each.prediction
    return (
        each.name, each.metric, len(each.points.cases), p.factor, *p.factor_interval, p.rank,
        *p.rank_interval, p.exponent, beside(clock, each, macs), few(each.same, 4),
    )  # fmt: skip
