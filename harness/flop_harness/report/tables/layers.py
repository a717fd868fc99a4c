"""Seconds of each layer beside its work, and what it costs to measure them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from flop_harness.records.times import HookCost, LayerTimes, LayerWork, Series
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.tables.tables import Column, Table
from flop_harness.report.words.text import digits, plural
from flop_harness.timing.statistics import iqr, median
from flop_harness.timing.theory.roofline import Bound, Roof


@dataclass(frozen=True)
class Layer:
    """One layer of one case: its work, the seconds in it, and the ceilings over it."""

    times: LayerTimes
    work: LayerWork | None
    roof: Roof | None

    @cached_property
    def median(self) -> float:
        return median(self.times.seconds)

    @property
    def least(self) -> float | None:
        if self.work is None or self.roof is None:
            return None
        return self.roof.seconds(self.work)

    @property
    def bound(self) -> Bound | None:
        return None if self.work is None or self.roof is None else self.roof.bound(self.work)

    @property
    def share(self) -> float | None:
        """Of the attainable rate that is attained."""
        return self.least / self.median if self.least is not None and self.median else None

    @property
    def intensity(self) -> float | None:
        """FLOP per byte."""
        return self.work.flop / self.work.bytes if self.work and self.work.bytes else None

    @property
    def achieved(self) -> float | None:
        """FLOP per second."""
        return self.work.flop / self.median if self.work and self.median else None


def layers(clock: MachineTimings) -> Iterator[Layer]:
    """Layers that were timed and have work, in the order of the suite and of the calls."""
    work = {(theory.case, each.path): each for theory in clock.times.theory
            for each in theory.layers}  # fmt: skip
    for each in clock.times.layers:
        if (each.case, each.path) in work:
            yield Layer(each, work[each.case, each.path], clock.roofs.get(each.series))


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


def seconds(found: list[Layer]) -> float:
    return sum(layer.median for layer in found)


def flop(found: list[Layer]) -> int:
    return sum(layer.work.flop for layer in found if layer.work)


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
                 clock.times.hooks if each.bare)  # fmt: skip
    note = (
        "Cost is the median ratio of passes with hooks to passes without, in turn. What is not in "
        "layers are functions that the model calls between them, and the hooks themselves."
    )
    return Table("What measuring the layers costs", HOOKS, rows, note)


def _hook_row(each: HookCost, inside: list[float]) -> tuple:
    hooked = median(each.hooked)
    cost = median([a / b for a, b in zip(each.hooked, each.bare, strict=True)]) - 1
    return (each.case, str(each.series), len(inside), hooked * 1e3, median(each.bare) * 1e3, cost,
            min(sum(inside) / hooked, 1.0))  # fmt: skip


def sentences(clock: MachineTimings) -> Iterator[str]:
    """What the hooks cost over all cases, and where compute- and memory-bound layers stand."""
    rows = hook_table(clock).rows
    if rows:
        costs = sorted(row[5] for row in rows)
        yield (
            f"Hooks on every layer make a pass {digits(costs[len(costs) // 2] * 100)} % longer in the "
            f"middle of {plural(len(rows), 'case')}, {digits(costs[-1] * 100)} % at most."
        )
    found = [each for each in layers(clock) if each.bound is not None]
    if found:
        bound = [each for each in found if each.bound == "memory"]
        yield (
            f"{len(bound)} of {plural(len(found), 'timed layer')} are memory-bound under the ceilings "
            f"measured here; they take {share(seconds(bound), seconds(found))} of the time with "
            f"{share(flop(bound), flop(found))} of the MACs."
        )


def share(part: float, whole: float) -> str:
    return f"{digits(100 * part / whole)} %" if whole else "none"
