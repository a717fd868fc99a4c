"""Time of layers beside their work: every layer, by type, and what the hooks cost."""

from __future__ import annotations

from flop_harness.records.times import HookCost, Series
from flop_harness.report.analysis.layers import Layer, flop, hook_cost, hooked, layers, seconds
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.tables.table import Column, Table
from flop_harness.timing.statistics import iqr, median

LAYERS = (
    Column("case"), Column("layer"), Column("type"), Column("series"),
    Column("median_s", "number"), Column("iqr_s", "number"), Column("passes", "integer"),
    Column("flop", "integer"), Column("bytes", "integer"), Column("flop_per_byte", "number"),
    Column("flop_per_s", "number"), Column("least_s", "number"), Column("share", "number"),
    Column("bound"),
)  # fmt: skip


def layer_table(clock: MachineTimings) -> Table:
    """Every layer, as data."""
    rows = tuple(
        (
            each.times.case, each.times.path, each.times.type, str(each.times.series), each.median,
            iqr(each.times.seconds), len(each.times.seconds), each.work.flop if each.work else None,
            each.work.bytes if each.work else None, each.intensity, each.achieved, each.least,
            each.share, each.bound,
        )
        for each in layers(clock)
    )  # fmt: skip
    return Table("Layers", LAYERS, rows)


SUMMARY = (
    Column("type"), Column("series"), Column("layers", "integer"),
    Column("seconds", "number", "ms", note="all cases"), Column("of the time", "part"),
    Column("of the MACs", "part"), Column("compute-bound", "integer"),
    Column("memory-bound", "integer"), Column("share", "part", note="of attainable, by time"),
)  # fmt: skip


def summary_table(clock: MachineTimings) -> Table:
    """By type of layer: how much of the time, how much of the MACs, how near to the ceiling."""
    groups: dict[tuple[str, Series], list[Layer]] = {}
    for each in layers(clock):
        groups.setdefault((each.times.type, each.times.series), []).append(each)
    rows = []
    for (kind, series), found in groups.items():
        here = [layer for (_, other), some in groups.items() if other == series for layer in some]
        time, macs = seconds(found), flop(found)
        least = sum(layer.least for layer in found if layer.least is not None)
        rows.append((
            kind, str(series), len(found), time * 1e3, time / seconds(here),
            macs / flop(here) if flop(here) else None,
            sum(layer.bound == "compute" for layer in found),
            sum(layer.bound == "memory" for layer in found), min(least / time, 1.0) if time else None,
        ))  # fmt: skip
    rows.sort(key=lambda row: -row[3])
    note = (
        "Seconds inside the module itself, modules inside it taken out, by hooks; every layer of every "
        "case is in layers.csv. A share over 100 % stands as 100 %: small tensors that stay in a cache "
        "between layers can move faster than a copy."
    )
    return Table("Time by type of layer", SUMMARY, tuple(rows), note)


HOOKS = (
    Column("case"), Column("series"), Column("layers", "integer"),
    Column("with hooks", "number", "ms"), Column("without", "number", "ms"),
    Column("cost", "share"), Column("in layers", "part", note="of the pass with hooks"),
)  # fmt: skip


def hook_table(clock: MachineTimings) -> Table:
    """What the hooks cost, pass by pass in turn, and how much of a pass lies in layers at all."""
    inside: dict[tuple[str, Series], list[float]] = {}
    for each in clock.times.layers:
        inside.setdefault((each.case, each.series), []).append(median(each.seconds))
    rows = tuple(_hook_row(each, inside.get((each.case, each.series), [])) for each in
                 hooked(clock))  # fmt: skip
    note = (
        "Cost is the median ratio of passes with hooks to passes without, in turn. What is not in "
        "layers are functions that the model calls between them, and the hooks themselves."
    )
    return Table("What measuring the layers costs", HOOKS, rows, note)


def _hook_row(each: HookCost, inside: list[float]) -> tuple:
    whole = median(each.hooked)
    return (each.case, str(each.series), len(inside), whole * 1e3, median(each.bare) * 1e3,
            hook_cost(each), min(sum(inside) / whole, 1.0))  # fmt: skip
