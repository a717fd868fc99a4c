"""Which count predicts time."""

from __future__ import annotations

from collections import Counter
from itertools import chain

from flop_harness.records.times import Series
from flop_harness.report.analysis.predictors import (
    BY_LAYERS,
    Predictor,
    beside,
    find,
    layer_seconds,
    predictors,
)
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import few
from flop_harness.timing.theory.overhead import Parts, fitted, kind_of, predicted

PREDICTORS = (
    Column("count"), Column("of"), Column("models", "integer"),
    Column("off by", "factor", note="families not seen"), Column("off from", "factor", "95 %"),
    Column("off to", "factor", "95 %"), Column("middle", "factor"), Column("at most", "factor"),
    Column("rank", "number", note="Spearman"),
    Column("rank from", "number", "95 %"), Column("rank to", "number", "95 %"),
    Column("exponent", "number", note="time ~ count^b"), Column("against MACs"), Column("same"),
)  # fmt: skip


def predictor_table(clock: MachineTimings, series: Series) -> Table:
    found = predictors(clock, series)
    macs = find(found, "macs")
    rows = tuple(_row(clock, each, macs) for each in found)
    note = (
        "Off by: the geometric mean of predicted / measured or its inverse, for models of a family "
        "that the fit has not seen; middle and at most are of the models one by one. Intervals of 95 % over draws of families. Against MACs: paired, by "
        "model. Same: counts that differ by a constant factor, and so predict the same."
    )
    return Table(f"What predicts time ({series})", PREDICTORS, rows, note)


def _row(clock: MachineTimings, each: Predictor, macs: Predictor | None) -> tuple:
    p = each.prediction
    return (
        each.name, each.metric, len(each.points.cases), p.factor, *p.factor_interval,
        p.middle, p.worst, p.rank,
        *p.rank_interval, p.exponent, beside(clock, each, macs), few(each.same, 4),
    )  # fmt: skip


RATES = (
    Column("kind of layer"), Column("layers", "integer"), Column("launch", "number", "µs"),
    Column("bandwidth", "number", "GB/s"), Column("rate", "number", "GMAC/s"),
)  # fmt: skip


def rate_table(clock: MachineTimings, series: Series) -> Table:
    """What the timed layers of all models give for each kind."""
    timed = list(chain.from_iterable(layer_seconds(clock, series).values()))
    rates, counts = fitted(timed), Counter(kind_of(work) for work, _ in timed)
    rows = tuple(
        (kind, counts[kind], each.launch * 1e6, 1e-9 / each.byte if each.byte else None,
         0.5e-9 / each.flop if each.flop else None)
        for kind, each in sorted(rates.items())
    )  # fmt: skip
    note = (
        "Seconds of a layer = launch + bytes / bandwidth + MACs / rate, by least squares without "
    )
    note += "negative constants; empty where the fit gives bytes, or MACs, no time."
    return Table(f"What a layer takes ({series})", RATES, rows, note)


PARTS = (
    Column("case"), Column("measured", "number", "ms"), Column("predicted", "number", "ms"),
    Column("predicted / measured", "factor"), Column("launches", "number", "%"),
    Column("bytes", "number", "%"), Column("MACs", "number", "%"),
)  # fmt: skip


def part_table(clock: MachineTimings, series: Series) -> Table:
    """What each forward pass goes into by those constants; its prediction is by other families alone.

    Constants are those of layers in forward passes: nothing is told of a backward pass.
    """
    whole = fitted(chain.from_iterable(layer_seconds(clock, series).values()))
    told = find(predictors(clock, series), BY_LAYERS)
    rows = [] if told is None or not whole else [
        _part_row(case, measured, said, predicted(clock.theory[case].layers, whole))
        for case, said, measured in zip(told.points.cases, told.points.counts,
                                        told.points.seconds, strict=True)
    ]  # fmt: skip
    return Table(f"Launches, bytes and MACs ({series})", PARTS, tuple(rows),
                 "Shares of the predicted time, by constants of all models; predicted is by the "
                 "layers and passes of other families.")  # fmt: skip


def _part_row(case: str, measured: float, said: float, parts: Parts) -> tuple:
    shares = (100 * each / parts.seconds for each in (parts.launches, parts.bytes, parts.macs))
    return case, measured * 1e3, said * 1e3, said / measured, *shares
