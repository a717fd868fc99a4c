"""Cases that differ in one thing alone: groups of a convolution, batch or size of the input."""

from __future__ import annotations

from typing import Any

from flop_harness.report.analysis.sweeps import Larger, grouped, larger_inputs, shape
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.tables.table import Column, Table

GROUPED = (
    Column("sweep"), Column("series"), Column("groups", "integer"),
    Column("in theory", "factor", note="fewer MACs"), Column("measured", "factor", note="faster"),
    Column("from", "factor", "95 %"), Column("to", "factor", "95 %"),
    Column("share", "part", note="of the theory"), Column("difference"),
)  # fmt: skip


def grouped_table(clock: MachineTimings) -> Table:
    rows = []
    for each in grouped(clock):
        if each.groups > 1:
            low, high = each.interval or (None, None)
            rows.append((each.sweep, str(each.series), each.groups, each.theory, each.speedup, low,
                         high, each.speedup / each.theory, each.against.verdict))  # fmt: skip
    note = (
        "Groups divide the MACs by their number; measured is the median ratio of turns next to each "
        "other, with its interval."
    )
    return Table("Grouped convolutions: in theory and measured", GROUPED, tuple(rows), note)


INPUTS = (
    Column("case"), Column("against"), Column("series"), Column("input"), Column("its input"),
    Column("MAC", "factor"), Column("parameters", "factor"), Column("time", "factor"),
    Column("from", "factor", "95 %"), Column("to", "factor", "95 %"),
    Column("time per MAC", "factor"),
)  # fmt: skip


def input_table(clock: MachineTimings) -> Table:
    """Models that run on several inputs: by how much MACs, parameters and seconds grow."""
    note = "Each input beside the smallest of the same model: factors, not differences."
    return Table(
        "Larger inputs and batches", INPUTS, tuple(map(_input_row, larger_inputs(clock))), note
    )


def _input_row(each: Larger) -> tuple[Any, ...]:
    low, high = each.against.interval or (None, None)
    return (
        each.case.id, each.base.id, str(each.series), shape(each.case), shape(each.base), each.macs,
        each.params, each.against.ratio, low, high, each.against.ratio / each.macs,
    )  # fmt: skip
