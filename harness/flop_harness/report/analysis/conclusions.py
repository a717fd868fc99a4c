"""What times let one conclude, of two machines: whether what one shows holds on the other.

A conclusion is about order and size, not about seconds: another machine has other seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from flop_harness.records.times import Series
from flop_harness.report.analysis.predictors import BY_LAYERS, Predictor, find, name_of, predictors
from flop_harness.report.analysis.sweeps import Grouped, grouped
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.words.text import digits, few, group, plural
from flop_harness.timing.stability import Comparison, compare

Holding = Literal["holds", "does not hold", "not shown here"]
PREDICTING = (BY_LAYERS, "macs", "bytes", "params")
"""Whose errors are compared"""


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What was published, what is found here, and whether it holds; ``apart`` names what differs."""

    about: str
    published: str
    here: str
    holding: Holding
    apart: tuple[str, ...] = ()


def conclusions(published: MachineTimings, here: MachineTimings) -> Iterator[Conclusion]:
    """One of each kind for each series that both machines were timed in."""
    for series in shared_series(published, here):
        yield from order(published, here, series)
        yield from predicting(published, here, series)
        yield from promises(published, here, series)


def shared_series(published: MachineTimings, here: MachineTimings) -> list[Series]:
    return [series for series in published.series if series in here.series]


# --------------------------------------------------------------------------------------- order


def order(published: MachineTimings, here: MachineTimings, series: Series) -> Iterator[Conclusion]:
    """Of each two cases, which takes longer: by pairs of turns next to each other."""
    cases = [case for case in published.cases
             if all((case, series) in clock.medians for clock in (published, here))]  # fmt: skip
    shown, same, reversed_pairs = 0, 0, []
    for pair in combinations(cases, 2):
        before, now = (between(clock, pair, series) for clock in (published, here))
        if before is None or not before.shown:
            continue
        shown += 1
        if now is not None and now.shown:
            same += now.verdict == before.verdict
            if now.verdict != before.verdict:
                reversed_pairs.append(" and ".join(pair))
    if shown:
        open_pairs = shown - same - len(reversed_pairs)
        yield Conclusion(
            f"which of two cases takes longer ({series})",
            f"shown for {plural(shown, 'pair')}",
            f"the same for {group(same)}, reversed for {group(len(reversed_pairs))}, "
            f"not shown for {group(open_pairs)}",
            "does not hold" if reversed_pairs else "holds" if same else "not shown here",
            tuple(reversed_pairs),
        )


def between(clock: MachineTimings, pair: tuple[str, str], series: Series) -> Comparison | None:
    """How many times as long the second of two cases takes."""
    turns: tuple[list, list] = ([], [])
    for one, other in zip(*(clock.middles[case, series] for case in pair), strict=False):
        together = min(len(one), len(other))
        for into, middles in zip(turns, (one, other), strict=True):
            into.extend((middle,) for middle in middles[:together])
    return compare(*turns) if turns[0] else None


# ---------------------------------------------------------------------------------- predictors


def predicting(
    published: MachineTimings, here: MachineTimings, series: Series
) -> Iterator[Conclusion]:
    """By what factor a count is off, on families not seen: the same if the intervals overlap."""
    before, now = predictors(published, series), predictors(here, series)
    if not before:
        return
    for name in PREDICTING:
        first, second = find(before, name), find(now, name)
        if first is None:
            continue
        holding: Holding = "not shown here"
        if second is not None:
            holding = "holds" if overlap(first, second) else "does not hold"
        yield Conclusion(
            f"{name_of(first)} as a measure of time ({series})",
            f"off {error_of(first)}",
            f"off {error_of(second)}" if second else "too few models were timed",
            holding,
        )


def overlap(first: Predictor, second: Predictor) -> bool:
    (low, high), (other_low, other_high) = (
        each.prediction.factor_interval for each in (first, second)
    )
    return low <= other_high and other_low <= high


def error_of(each: Predictor) -> str:
    low, high = each.prediction.factor_interval
    return f"by a factor of {digits(each.prediction.factor)} ({digits(low)} to {digits(high)})"


# -------------------------------------------------------------------------- grouped convolutions


def promises(
    published: MachineTimings, here: MachineTimings, series: Series
) -> Iterator[Conclusion]:
    """Which convolutions in g groups gain less than the 1/g that their MACs promise."""
    before, now = (
        {
            each.case: each
            for each in grouped(clock)
            if each.series == series
            and each.groups > 1
            and not clock.only_overhead(each.case, series)
        }
        for clock in (published, here)
    )
    short = [case for case in before if case in now and gains_less(before[case])]
    if not short:
        return
    same = [case for case in short if gains_less(now[case])]
    kept = [case for case in short if gains_as_promised(now[case])]
    yield Conclusion(
        f"grouped convolutions gain less than their MACs promise ({series})",
        f"shown for {group(len(short))} of {group(len(before))}",
        f"shown for {group(len(same))} of these {group(len(short))}",
        "does not hold" if kept else "holds" if len(same) == len(short) else "not shown here",
        tuple(case for case in short if case not in same),
    )


def gains_less(each: Grouped) -> bool:
    """Whether the whole interval of the speed-up lies below what the MACs promise."""
    return each.interval is not None and each.interval[1] < each.theory


def gains_as_promised(each: Grouped) -> bool:
    return each.interval is not None and each.interval[0] >= each.theory


def apart_in_words(each: Conclusion) -> str:
    return f" ({few(each.apart, 4)})" if each.apart else ""
