"""Cases that differ in one thing alone: groups of a convolution, batch or size of the input."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

from flop_harness.records import Case
from flop_harness.records.times import Series
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.tables.tables import Column, Table
from flop_harness.report.words.text import digits, listed, plural
from flop_harness.timing.stability import Comparison

# ------------------------------------------------------------------------------------- groups


@dataclass(frozen=True, slots=True)
class Grouped:
    """One convolution in ``groups`` beside the same in one group, in one series."""

    sweep: str
    case: str
    series: Series
    groups: int
    depthwise: bool
    theory: float
    """How many times fewer MACs"""
    against: Comparison
    """Its seconds divided by those in one group"""
    counted: float

    @property
    def speedup(self) -> float:
        return 1 / self.against.ratio

    @property
    def interval(self) -> tuple[float, float] | None:
        """Of the speed-up."""
        found = self.against.interval
        return None if found is None else (1 / found[1], 1 / found[0])


def without_groups(case: Case) -> tuple[Any, ...]:
    """What two cases have in common that differ in their groups alone."""
    kwargs = tuple(
        sorted((key, str(value)) for key, value in case.kwargs.items() if key != "groups")
    )
    return case.model, case.inputs, case.dtype, case.mode, kwargs


def sweep_name(case: Case) -> str:
    """``128 channels, 56 x 56``"""
    shape = case.inputs[0].shape
    channels = f"{case.kwargs.get('in_channels', shape[1])} channels"
    batch = f", batch {shape[0]}" if shape[0] != 1 else ""
    return f"{channels}, {' x '.join(map(str, shape[2:]))}{batch}"


def grouped(clock: MachineTimings) -> list[Grouped]:
    """Every case that has a partner in one group; the sweeps in the order of the suite."""
    sweeps: dict[tuple, list[Case]] = {}
    for case in clock.cases.values():
        if case.kwargs.get("in_channels") and case.inputs and len(case.inputs[0].shape) > 2:
            sweeps.setdefault(without_groups(case), []).append(case)
    return [
        row
        for cases in sweeps.values()
        if len(cases) > 1
        for series in clock.series
        for row in _sweep(clock, cases, series)
    ]


def _sweep(clock: MachineTimings, cases: list[Case], series: Series) -> Iterator[Grouped]:
    first = next((case for case in cases if groups_of(case) == 1), None)
    if first is None:
        return
    for case in cases:
        against = clock.pair((first.id, series), (case.id, series))
        macs = [clock.amount(each.id, "macs") for each in (first, case)]
        if against is not None and macs[0] and macs[1]:
            depthwise = groups_of(case) == case.kwargs["in_channels"] > 1
            yield Grouped(sweep_name(case), case.id, series, groups_of(case), depthwise,
                          macs[0] / macs[1], against, macs[1])  # fmt: skip


def groups_of(case: Case) -> int:
    return int(case.kwargs.get("groups", 1))


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


def grouped_sentences(clock: MachineTimings) -> Iterator[str]:
    """What the sweep says of "only in theory faster", one sentence for each series."""
    found = [each for each in grouped(clock) if each.groups > 1]
    for series in clock.series:
        here = [each for each in found if each.series == series]
        if not here:
            continue
        faster = sum(each.against.verdict == "faster" for each in here)
        slower = sum(each.against.verdict == "slower" for each in here)
        shares = sorted(each.speedup / each.theory for each in here)
        said = (
            f"{series}: of {plural(len(here), 'grouped convolution')} {faster} are faster than the "
            f"ungrouped one, {slower} slower, {len(here) - faster - slower} show no difference; they "
            f"reach {share(shares[0])} to {share(shares[-1])} of the speed-up that their MACs promise"
        )
        depthwise = [each for each in here if each.depthwise]
        if depthwise:
            gains = sorted(each.speedup for each in depthwise)
            promised = sorted(each.theory for each in depthwise)
            said += (
                f". Depthwise ones, {between(promised)} times cheaper in theory, are "
                f"{between(gains)} times as fast"
            )
        yield said + "."


def share(value: float) -> str:
    return f"{digits(value * 100)} %"


def between(values: list[float]) -> str:
    """``3 to 7``; one figure where there is but one."""
    ends = dict.fromkeys(digits(value) for value in (values[0], values[-1]))
    return " to ".join(ends)


# ------------------------------------------------------------------------------------- inputs

INPUTS = (
    Column("case"), Column("against"), Column("series"), Column("input"), Column("its input"),
    Column("MAC", "factor"), Column("parameters", "factor"), Column("time", "factor"),
    Column("from", "factor", "95 %"), Column("to", "factor", "95 %"),
    Column("time per MAC", "factor"),
)  # fmt: skip


def input_table(clock: MachineTimings) -> Table:
    """Models that run on several inputs: by how much MACs, parameters and seconds grow."""
    note = "Each input beside the smallest of the same model: factors, not differences."
    return Table("Larger inputs and batches", INPUTS, tuple(_input_rows(clock)), note)


def _input_rows(clock: MachineTimings) -> Iterator[tuple[Any, ...]]:
    for base, case in input_pairs(clock):
        for series in clock.series:
            found = clock.pair((base.id, series), (case.id, series))
            macs = ratio(clock, base, case, "macs")
            if found is None or macs is None:
                continue
            low, high = found.interval or (None, None)
            yield (
                case.id, base.id, str(series), shape(case), shape(base), macs,
                ratio(clock, base, case, "params"), found.ratio, low, high, found.ratio / macs,
            )  # fmt: skip


def input_pairs(clock: MachineTimings) -> Iterator[tuple[Case, Case]]:
    """(the case with the smallest input, another of the same model)."""
    models: dict[tuple, list[Case]] = {}
    for case in clock.cases.values():
        kwargs = tuple(sorted((key, str(value)) for key, value in case.kwargs.items()))
        if len(case.inputs) == 1:
            models.setdefault((case.model, kwargs, case.dtype, case.mode), []).append(case)
    for cases in models.values():
        base = min(cases, key=lambda case: prod(case.inputs[0].shape))
        yield from ((base, case) for case in cases if case is not base)


def ratio(clock: MachineTimings, base: Case, case: Case, counting: str) -> float | None:
    before, after = clock.amount(base.id, counting), clock.amount(case.id, counting)
    return after / before if before and after else None


def shape(case: Case) -> str:
    return "x".join(map(str, case.inputs[0].shape))


def input_sentences(clock: MachineTimings) -> Iterator[str]:
    """For each model and series: by how much time grows, beside MACs and parameters."""
    models = {case.id: case.model for case in clock.cases.values()}
    rows = [row for row in _input_rows(clock) if models[row[0]].startswith("torchvision:")]
    for key in dict.fromkeys((models[row[0]], row[2]) for row in rows):
        here = [row for row in rows if (models[row[0]], row[2]) == key]
        told = [f"{row[3]} takes {digits(row[7])} times the time of {row[4]} for {digits(row[5])} "
                "times the MACs" for row in here]  # fmt: skip
        kept = "; the parameters stay the same" if all(row[6] == 1 for row in here) else ""
        model = key[0].rpartition(":")[2]
        yield f"{model}, {key[1]}: {listed(told)}{kept}."
