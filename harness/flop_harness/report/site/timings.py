"""Whether counts predict time: the sentences, and each model's seconds beside each count."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import geometric_mean, linear_regression
from typing import Any

from flop_harness.counters import counters
from flop_harness.records.times import Series, Times
from flop_harness.report.analysis import predictors
from flop_harness.report.analysis.figures import METRICS
from flop_harness.report.analysis.time_sentences import how_measured, sentences
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.charts.times import Chart, charts
from flop_harness.report.documents.times import sections
from flop_harness.report.site.labels import named
from flop_harness.report.site.timed import machine_in_words
from flop_harness.report.tables.table import Table
from flop_harness.report.words.text import digits, listed, plural

CHOSEN = (("macs", "MACs"), ("params", "parameters"), (predictors.BY_LAYERS, "each layer’s MACs, bytes and calls together"))  # fmt: skip
"""Counts that the first sentence tells of, and how it calls them"""
FIRST = ("macs", "params", "bytes", predictors.ROOFLINE, predictors.BY_LAYERS)
"""Counts that come first in the choice"""

GROUPS = COSTS, CONVENTIONS, COUNTERS, RELEASES = (
    "Costs",
    "Conventions",
    "Counters",
    "Releases of counters",
)


@dataclass(frozen=True)
class Machine:
    """What one suite's times on one machine say; ``stable`` of ``series`` look stable."""

    id: str
    suite: str
    name: str
    words: str
    lead: str
    setting: str
    measured: list[str]
    said: list[str]
    stable: int
    series: int
    charts: list[Chart]
    tables: list[tuple[str, list[Table]]]


def machine_of(name: str, times: Times) -> Machine:
    clock = MachineTimings(times)
    measured = how_measured(clock)
    found = [each for each in clock.clocked.values() if each.turns]
    drawn = [each for each in charts(clock) if each.name != "prediction"]
    return Machine(
        name.replace("/", "-"), times.suite, times.machine, machine_in_words(times), *lead(clock), measured,
        [line for line in sentences(times) if line not in measured],
        sum(each.stability.stable for each in found), len(found), drawn, list(sections(clock)),
    )  # fmt: skip


def lead(clock: MachineTimings) -> tuple[str, str]:
    """The sentence first: how far the counts that people choose by are off, and in which setting."""
    for series in clock.series:
        every = predictors.predictors(clock, series)
        told = [f"{words} within {digits(found.prediction.factor)}"
                for name, words in CHOSEN if (found := predictors.find(every, name)) is not None]  # fmt: skip
        if told:
            first = told[0].replace(" within", " predict this machine’s time within a factor of", 1)
            return f"On average {listed([first, *told[1:]])}.", str(series)
    return "", ""


def shard(times: Times) -> dict[str, Any]:
    """For each series the counts, the best first, and each case's seconds beside them."""
    clock = MachineTimings(times)
    return {"machine": times.machine, "suite": times.suite,
            "series": [found for series in clock.series if (found := points(clock, series))]}  # fmt: skip


def points(clock: MachineTimings, series: Series) -> dict[str, Any] | None:
    every = predictors.predictors(clock, series)
    if not every:
        return None
    overhead = [case for case in clock.cases if clock.only_overhead(case, series)]
    ordered = sorted(
        every,
        key=lambda each: (GROUPS.index(group_of(each)), place(each.name), each.prediction.factor),
    )
    left_out = f" Left out, since their time is overhead: {listed(overhead)}." if overhead else ""
    counts = [{**counted(each), "caption": caption(each) + left_out} for each in ordered]
    return {"series": str(series), "counts": counts}


def caption(predictor: predictors.Predictor) -> str:
    told, name = predictor.prediction, title(predictor)
    low, high = map(digits, told.factor_interval)
    return (f"{plural(len(predictor.points.cases), 'model')}. Times that are predicted from {name} are off by a factor of "
            f"{digits(told.factor)} on average (95 %: {low} to {high}); each family is predicted from the others. "
            "The dashed line fits all dots best; those farthest from it are named.")  # fmt: skip


def title(predictor: predictors.Predictor) -> str:
    """A counter's parameters are told apart from its compute."""
    name = predictors.TITLES.get(predictor.name, predictor.name)
    return f"{name}, parameters" if predictor.metric == "params" and name in counters() else name


def group_of(predictor: predictors.Predictor) -> str:
    """Under which head a count stands in the choice; ``thop-0.0.22`` is a release of a counter."""
    tool = re.sub(r"-\d.*", "", predictor.name)
    if tool in counters():
        return COUNTERS if tool == predictor.name else RELEASES
    is_count = predictor.metric in METRICS and predictor.name not in FIRST
    return CONVENTIONS if is_count else COSTS


def counted(predictor: predictors.Predictor) -> dict[str, Any]:
    """A count of each case beside its milliseconds, the line through them, who is farthest from it."""
    told, dots = predictor.prediction, predictor.points
    milliseconds = [1e3 * each for each in dots.seconds]
    line = power_law(dots.counts, milliseconds)
    away = [
        abs(math.log(time / line(count)))
        for count, time in zip(dots.counts, milliseconds, strict=True)
    ]
    return {
        "name": title(predictor), "group": group_of(predictor), "title": f"{title(predictor)} (within × {digits(told.factor)})",
        "points": list(zip(dots.cases, dots.families, dots.counts, milliseconds, strict=True)),
        "line": [[end, line(end)] for end in (min(dots.counts), max(dots.counts))],
        "far": named(dots.cases, dots.counts, milliseconds, away),
    }  # fmt: skip


def power_law(counts: Sequence[float], times: Sequence[float]) -> Callable[[float], float]:
    """The straight line of least squares on logarithmic scales."""
    if len(set(counts)) < 2:
        return lambda count: geometric_mean(times)
    slope, height = linear_regression(list(map(math.log, counts)), list(map(math.log, times)))
    return lambda count: math.exp(height + slope * math.log(count))


def place(name: str) -> int:
    return FIRST.index(name) if name in FIRST else len(FIRST)
