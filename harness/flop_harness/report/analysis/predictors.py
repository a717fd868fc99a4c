"""Which count predicts time, and in which sentence the data supports it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

import numpy as np

from flop_harness.records.times import LayerWork, Series
from flop_harness.report.analysis.layers import layers
from flop_harness.report.analysis.statements import Statement, with_interval
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.words.text import digits, few, plural
from flop_harness.timing.theory.overhead import fitted, multiples, seconds_by_kind
from flop_harness.timing.theory.prediction import (
    FEWEST_FAMILIES,
    Points,
    Prediction,
    difference,
    judged,
    predict,
)

BY_LAYERS = "launches, bytes and MACs of layers"
ROOFLINE = "roofline bound"
LIVE = "live activations"
PLURAL = (BY_LAYERS, LIVE, "macs", "bytes", "params", "flops")
"""Counts whose names are plural"""
FEWEST_CASES = 10
WELL_KNOWN = ("params", "macs", "bytes", ROOFLINE)
"""What the chart shows"""
TITLES = {"params": "parameters", "macs": "MACs", "flops": "FLOPs", "bytes": "bytes moved"}
"""What stands at an axis for the name of a count, where that is another"""


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
    """The module in which a model's class stands: ``resnet`` for a ResNeXt too.

    Where all stand in one module, the class itself.
    """
    places = {case: theory.type.rpartition(".") for case, theory in clock.theory.items()}
    one_file = len({module for module, _, _ in places.values()}) == 1
    return {case: name if one_file else module.rpartition(".")[2]
            for case, (module, _, name) in places.items()}  # fmt: skip


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
    timed = [case for case in clock.theory if (case, series) in clock.medians
             and not clock.only_overhead(case, series)]  # fmt: skip
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
    found = [*by_layers(clock, series)]
    found += [
        Predictor(*first, shapes[shape], prediction, tuple(name for name, _ in others))
        for shape, (first, *others) in alike.items()
        if (prediction := predict(shapes[shape])) is not None
    ]
    return tuple(sorted(found, key=lambda each: each.prediction.factor))


def by_layers(clock: MachineTimings, series: Series) -> Iterator[Predictor]:
    """Each model by the layers of the other families; none where no layers were timed."""
    known = layer_seconds(clock, replace(series, phase="forward"))
    cases = tuple(case for case in known if (case, series) in clock.medians
                  and not clock.only_overhead(case, series))  # fmt: skip
    family = families(clock)
    if len(cases) < FEWEST_CASES or len({family[case] for case in cases}) < FEWEST_FAMILIES:
        return
    told = [seconds_told(clock, series, case, known, family) for case in cases]
    seconds = tuple(clock.medians[case, series] for case in cases)
    points = Points(cases, tuple(family[case] for case in cases), tuple(told), seconds)
    errors = np.log(points.counts) - np.log(points.seconds)
    yield Predictor(BY_LAYERS, "time", points, judged(points, errors, 1.0))


Timed = dict[str, list[tuple[LayerWork, float]]]
"""Case -> its layers and the seconds of each"""


def seconds_told(
    clock: MachineTimings, series: Series, case: str, known: Timed, family: dict[str, str]
) -> float:
    """What the other families' layers and passes let one expect of a case.

    Layers are timed one by one in forward passes. Within a pass, forward or with a backward pass too,
    each kind of layer takes a multiple of that, fitted to the passes of other families.
    """
    others = [each for each in known if family[each] != family[case]]
    rates = fitted(chain.from_iterable(known[each] for each in others))
    timed = [each for each in others if (each, series) in clock.medians]
    passes = [seconds_by_kind(clock.theory[each].layers, rates) for each in timed]
    times = multiples(passes, [clock.medians[each, series] for each in timed])
    usual = sum(times.values()) / len(times)
    spent = seconds_by_kind(clock.theory[case].layers, rates)
    return sum(seconds * times.get(kind, usual) for kind, seconds in spent.items())


def layer_seconds(clock: MachineTimings, series: Series) -> Timed:
    """Case -> the work of each timed layer, and the median of its seconds."""
    found: Timed = {}
    for layer in layers(clock):
        if layer.times.series == series and layer.work is not None:
            found.setdefault(layer.times.case, []).append((layer.work, layer.median))
    return found


UNDECIDED = "no difference shown"


def beside(
    clock: MachineTimings, each: Predictor, other: Predictor | None, comparisons: int = 1
) -> str:
    """``better``, ``worse`` or ``no difference shown``, by a paired bootstrap.

    Of several ``comparisons`` all hold together with 95 % (Bonferroni).
    """
    if other is None or each is other:
        return ""
    told = difference(each.prediction, other.prediction, families(clock), comparisons)
    low, high = told[1]
    return UNDECIDED if low <= 1 <= high else "better" if low > 1 else "worse"


def find(found: tuple[Predictor, ...], name: str) -> Predictor | None:
    return next((each for each in found if name in (each.name, *each.same)), None)


def statements(clock: MachineTimings) -> Iterator[Statement]:
    """For each series: how near a count comes, whether one is better, what parameters lose."""
    for series in clock.series:
        found = predictors(clock, series)
        if found:
            yield from _of_series(clock, series, found)


def _of_series(
    clock: MachineTimings, series: Series, found: tuple[Predictor, ...]
) -> Iterator[Statement]:
    lead = leading(clock, found)
    verdicts = {each.name: beside(clock, each, lead, len(found)) for each in found}
    better = [each for each in found if verdicts[each.name] == "better"]
    tied = [each for each in found if verdicts[each.name] == UNDECIDED]
    models, families_here = len(lead.points.cases), len(set(lead.points.families))
    verdict = f"better: {few(map(name_of, better), 4)}" if better else (
        "no count is shown to be better" if tied else "every other count is shown to be worse"
    )  # fmt: skip
    yield Statement(
        f"{series}: over {plural(models, 'model')} of {plural(families_here, 'family')}, the time "
        f"that {name_of(lead)} predict{'' if lead.name in PLURAL else 's'} for a family that the fit has "
        f"not seen is off {off(lead, '95 %: ')} on average, {digits(lead.prediction.middle)} in the "
        f"middle, {digits(lead.prediction.worst)} at most; {verdict}."
    )
    if tied:
        yield Statement(f"{series}: which of {len(tied) + 1} counts predicts best", False,
                        "their errors on families not seen do not differ for sure")  # fmt: skip
    for name in ("macs", "params"):
        other = find(found, name)
        if other is not None and other is not lead:
            yield _loss(clock, series, other, lead)


def leading(clock: MachineTimings, found: tuple[Predictor, ...]) -> Predictor:
    """Layers, or MACs where they do better or no layer was timed: chosen before any time is seen.

    Of thirty counts one is the best by chance.
    """
    macs, layered = find(found, "macs"), find(found, BY_LAYERS)
    if layered is None or (macs is not None and beside(clock, layered, macs) == "worse"):
        return macs or found[0]
    return layered


def _loss(clock: MachineTimings, series: Series, other: Predictor, lead: Predictor) -> Statement:
    """By what factor a count is further off."""
    factor, interval = difference(lead.prediction, other.prediction, families(clock))
    return Statement(
        f"{series}: {name_of(other)} are off {off(other)}, further than {name_of(lead)} by a factor of "
        f"{with_interval(factor, interval)}.",
        interval[0] > 1, "the interval holds 1",
    )  # fmt: skip


NAMES = {"macs": "MACs", "flops": "FLOPs", "params": "parameters", "bytes": "bytes moved",
         **{name: f"the {name}" for name in (ROOFLINE, LIVE, BY_LAYERS)}}  # fmt: skip


def name_of(each: Predictor) -> str:
    """As sentences and axes write it."""
    return NAMES.get(each.name, each.name)


def off(each: Predictor, kind: str = "") -> str:
    p = each.prediction
    low, high = p.factor_interval
    return f"by a factor of {digits(p.factor)} ({kind}{digits(low)} to {digits(high)})"
