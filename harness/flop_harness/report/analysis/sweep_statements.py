"""What groups of a convolution and larger inputs bring, in sentences with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from flop_harness.records.times import Series
from flop_harness.report.analysis.statements import Statement, with_interval
from flop_harness.report.analysis.sweeps import Grouped, Larger, grouped, larger_inputs, shape
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.words.text import digits, group, listed, plural, verb
from flop_harness.timing.statistics import median, median_interval

FEW = "too few to know an interval"


def grouped_statements(clock: MachineTimings) -> Iterator[Statement]:
    """What a sweep says of "only in theory faster", of cases whose time is not launches alone."""
    found = [each for each in grouped(clock) if each.groups > 1]
    for series in clock.series:
        here = [each for each in found if each.series == series
                and not clock.only_overhead(each.case, series)]  # fmt: skip
        if here:
            yield _faster_or_slower(series, here)
            yield _reached(series, here)
        depthwise = [each for each in here if each.depthwise]
        if depthwise:
            yield _depthwise(series, depthwise)


def _faster_or_slower(series: Series, here: Sequence[Grouped]) -> Statement:
    """By the intervals of pairs of turns, so that what is counted is shown."""
    faster = sum(each.against.verdict == "faster" for each in here)
    slower = sum(each.against.verdict == "slower" for each in here)
    return Statement(
        f"{series}: of {plural(len(here), 'grouped convolution')} {group(faster)} "
        f"{verb(faster, 'is', 'are')} shown to be faster than the ungrouped one, {group(slower)} "
        f"slower, {group(len(here) - faster - slower)} neither (95 % each).",
        faster + slower > 0, "no difference is shown",
    )  # fmt: skip


def _reached(series: Series, here: Sequence[Grouped]) -> Statement:
    """Which part of the promised speed-up there is, in the middle of all."""
    shares = [100 * each.speedup / each.theory for each in here]
    interval = median_interval(shares)
    told = f"{digits(median(shares))} %" if interval is None else (
        with_interval(median(shares), interval, " %")
    )  # fmt: skip
    return Statement(
        f"{series}: grouped convolutions reach {told} of the speed-up that their MACs promise, in "
        f"the middle of {plural(len(here), 'case')}.", interval is not None, FEW,
    )  # fmt: skip


def _depthwise(series: Series, here: Sequence[Grouped]) -> Statement:
    """The least and the most that a depthwise convolution gains, each with its interval."""
    ordered = sorted(here, key=lambda each: each.speedup)
    ends = list(dict.fromkeys((ordered[0], ordered[-1])))
    promised = dict.fromkeys(digits(each.theory) for each in
                             sorted(here, key=lambda each: each.theory)[:: max(len(here) - 1, 1)])  # fmt: skip
    gains = [with_interval(each.speedup, each.interval) if each.interval else digits(each.speedup)
             for each in ends]  # fmt: skip
    return Statement(
        f"{series}: depthwise convolutions, {' to '.join(promised)} times cheaper in theory, are "
        f"{' to '.join(gains)} times as fast as the ungrouped.",
        all(each.interval for each in ends), FEW,
    )  # fmt: skip


def input_statements(clock: MachineTimings) -> Iterator[Statement]:
    """For each model and series: by how much time grows, beside MACs and parameters."""
    groups: dict[tuple[str, Series], list[Larger]] = {}
    for each in larger_inputs(clock):
        if each.case.model.startswith("torchvision:"):
            groups.setdefault((each.case.model, each.series), []).append(each)
    for (model, series), here in groups.items():
        kept = "; the parameters stay the same" if all(each.params == 1 for each in here) else ""
        yield Statement(
            f"{model.rpartition(':')[2]}, {series}: {listed(map(_growth, here))}{kept}.",
            all(each.against.shown for each in here), "a ratio of times is not known to differ from 1",
        )  # fmt: skip


def _growth(each: Larger) -> str:
    interval = each.against.interval
    told = digits(each.against.ratio) if interval is None else (
        with_interval(each.against.ratio, interval)
    )  # fmt: skip
    return (
        f"{shape(each.case)} takes {told} times the time of {shape(each.base)} for "
        f"{digits(each.macs)} times the MACs"
    )
