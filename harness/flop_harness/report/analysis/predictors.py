"""Which count predicts time, and in which sentence the data supports it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from flop_harness.records.times import Series
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.words.text import digits, few, plural
from flop_harness.timing.theory.prediction import Points, Prediction, difference, predict

ROOFLINE = "roofline bound"
LIVE = "live activations"
MANY = (LIVE,)
"""Counts whose names are plural"""
FEWEST_CASES = 10
WELL_KNOWN = ("params", "macs", "bytes", ROOFLINE)
"""What the chart shows"""


@dataclass(frozen=True, slots=True)
class Predictor:
    """A count and how well it predicts, under one series.

    ``same`` are other counts that differ from it by a constant factor, and so predict the same.
    """

    name: str
    metric: str
    points: Points
    prediction: Prediction
    same: tuple[str, ...] = ()


def families(clock: MachineTimings) -> dict[str, str]:
    """The module in which a model's class stands: ``resnet`` for a ResNeXt too."""
    return {case: theory.type.rpartition(".")[0].rpartition(".")[2] for case, theory in
            clock.theory.items()}  # fmt: skip


def counts(clock: MachineTimings, series: Series) -> dict[tuple[str, str], dict[str, float]]:
    """(counting, metric) -> case -> its count, of what was both counted and timed."""
    found: dict[tuple[str, str], dict[str, float]] = {}
    for case, theory in clock.theory.items():
        if (case, series) not in clock.medians:
            continue
        for each in theory.amounts:
            found.setdefault((each.counting, each.metric), {})[case] = each.value
        if theory.live:
            found.setdefault((LIVE, "memory"), {})[case] = theory.live
        least = clock.least(case, series)
        if least:
            found.setdefault((ROOFLINE, "time"), {})[case] = least
    return found


@cache
def predictors(clock: MachineTimings, series: Series) -> tuple[Predictor, ...]:
    """The best first; a count that is 0, or missing, for one case in ten is left out."""
    timed = [case for case in clock.theory if (case, series) in clock.medians]
    if len(timed) < FEWEST_CASES:
        return ()
    family = families(clock)
    alike: dict[tuple, list[tuple[str, str]]] = {}
    shapes: dict[tuple, Points] = {}
    for key, said in counts(clock, series).items():
        cases = tuple(case for case in timed if said.get(case, 0) > 0)
        if len(cases) < 0.9 * len(timed):
            continue
        values = tuple(float(said[case]) for case in cases)
        shape = (cases, tuple(round(value / values[0], 9) for value in values))
        alike.setdefault(shape, []).append(key)
        shapes.setdefault(shape, Points(cases, tuple(family[case] for case in cases), values,
                          tuple(clock.medians[case, series] for case in cases)))  # fmt: skip
    found = [
        Predictor(*first, shapes[shape], prediction, tuple(name for name, _ in others))
        for shape, (first, *others) in alike.items()
        if (prediction := predict(shapes[shape])) is not None
    ]
    return tuple(sorted(found, key=lambda each: each.prediction.factor))


UNDECIDED = "no difference shown"


def beside(clock: MachineTimings, each: Predictor, other: Predictor | None) -> str:
    """``better``, ``worse`` or ``no difference shown``, by a paired bootstrap."""
    if other is None or each is other:
        return ""
    low, high = difference(each.prediction, other.prediction, families(clock))[1]
    return UNDECIDED if low <= 1 <= high else "better" if low > 1 else "worse"


def find(found: tuple[Predictor, ...], name: str) -> Predictor | None:
    return next((each for each in found if name in (each.name, *each.same)), None)


def sentences(clock: MachineTimings) -> Iterator[str]:
    """One for each series: the best, MACs and parameters, and which differences are shown."""
    for series in clock.series:
        found = predictors(clock, series)
        if found:
            yield sentence(clock, series, found)


def sentence(clock: MachineTimings, series: Series, found: tuple[Predictor, ...]) -> str:
    """The best count, those that may be as good, and how MACs and parameters compare."""
    best = found[0]
    models, families = len(best.points.cases), len(set(best.points.families))
    over = f"{series}: over {plural(models, 'model')} of {plural(families, 'family')}, "
    unseen = "on a family that the fit has not seen"
    tied = [name_of(each) for each in found[1:] if beside(clock, each, best) == UNDECIDED]
    if tied:
        names = few([name_of(best), *tied], 5)
        told = [f"{over}{plural(len(tied) + 1, 'count')} of {len(found):,} are not told apart by how close they come "
                f"to the time: {names}; the first is off {off(best, '95 %: ')} {unseen}"]  # fmt: skip
    else:
        come = "come" if best.name in MANY else "comes"
        told = [
            f"{over}{name_of(best)} {come} closest to the time: off {off(best, '95 %: ')} {unseen}"
        ]
    for name, words in (("macs", "MACs"), ("params", "Parameters")):
        each = find(found, name)
        if each is not None and each is not best:
            verdict = beside(clock, each, best)
            shown = "which is worse" if verdict == "worse" else "not shown to be worse"
            told.append(f"{words} are off {off(each)}, {shown}")
    return f"{'. '.join(told)}."


def name_of(each: Predictor) -> str:
    return f"the {each.name}" if each.name in (ROOFLINE, LIVE) else each.name


def off(each: Predictor, kind: str = "") -> str:
    p = each.prediction
    low, high = p.factor_interval
    return f"by a factor of {digits(p.factor)} ({kind}{digits(low)} to {digits(high)})"
