"""What raw samples say: medians, intervals and verdicts of each case in each series."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from flop_harness.records import Case
from flop_harness.records.times import Forward, Series, Theory, Times
from flop_harness.timing.agreement import closest, intervals, overlap
from flop_harness.timing.spin import Pace, middles, pace
from flop_harness.timing.stability import Comparison, Stability, compare, stability
from flop_harness.timing.statistics import half_width, iqr, median, median_interval
from flop_harness.timing.theory.roofline import Roof, ceiling_series, least_seconds, roof

Key = tuple[str, Series]
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class CaseTiming:
    """One case in one series, over all sessions. A turn is one observation: its samples lie next
    to each other and share whatever disturbed them."""

    case: str
    series: Series
    forwards: tuple[Forward, ...]
    precision: float
    pace: Pace = field(default_factory=dict)
    """Of the machine, where it did not keep its speed: seconds are corrected by it"""

    @property
    def turns(self) -> tuple[tuple[float, ...], ...]:
        return tuple(turn for forward in self.forwards for turn in forward.turns)

    @property
    def middles(self) -> list[float]:
        """The median of each turn, of all sessions."""
        return [each for forward in self.forwards for each in middles(forward, self.pace)]

    @property
    def samples(self) -> tuple[float, ...]:
        return tuple(sample for turn in self.turns for sample in turn)

    @property
    def median(self) -> float | None:
        return median(self.middles) if self.turns else None

    @property
    def interval(self) -> Interval | None:
        return median_interval(self.middles)

    @property
    def half_width(self) -> float | None:
        return half_width(self.middles) if self.turns else None

    @property
    def iqr(self) -> float | None:
        return iqr(self.samples) if self.turns else None

    @property
    def stability(self) -> Stability:
        """Of each session: complaints about any of them."""
        each = [stability(forward.turns, self.precision) for forward in self.forwards]
        complaints = dict.fromkeys(word for one in each for word in one.complaints)
        return Stability(tuple(complaints), sum(one.outliers for one in each))

    @property
    def ended(self) -> str:
        return ", ".join(dict.fromkeys(forward.ended for forward in self.forwards if forward.ended))

    @property
    def problem(self) -> str:
        """Why there are no samples of some session; empty where there are."""
        return next((f.message or f.status for f in self.forwards if f.status != "ok"), "")


@dataclass(frozen=True, eq=False)
class MachineTimings:
    """Measurements, found by what they are about."""

    times: Times

    @cached_property
    def cases(self) -> dict[str, Case]:
        return {case.id: case for case in self.times.cases}

    @cached_property
    def theory(self) -> dict[str, Theory]:
        return {theory.case: theory for theory in self.times.theory}

    @cached_property
    def series(self) -> tuple[Series, ...]:
        return tuple(dict.fromkeys(forward.series for forward in self.times.forwards))

    @cached_property
    def clocked(self) -> dict[Key, CaseTiming]:
        """By case in the order of the suite, then by series."""
        groups: dict[Key, list[Forward]] = {}
        for case in self.cases:
            for each in self.series:
                groups[case, each] = []
        for forward in self.times.forwards:
            groups[forward.case, forward.series].append(forward)
        return {
            key: CaseTiming(*key, tuple(found), self.times.policy.precision, self.pace)
            for key, found in groups.items()
            if found
        }

    @cached_property
    def pace(self) -> Pace:
        """Of the machine by round; empty where it kept its speed."""
        return pace(self.times.forwards, self.times.policy.precision)

    @cached_property
    def medians(self) -> dict[Key, float]:
        found = {key: clocked.median for key, clocked in self.clocked.items()}
        return {key: value for key, value in found.items() if value is not None}

    @cached_property
    def middles(self) -> dict[Key, list[list[float]]]:
        """The medians of the turns of each session."""
        return {
            key: [[median(turn) for turn in forward.turns] for forward in clocked.forwards]
            for key, clocked in self.clocked.items()
        }

    @cached_property
    def roofs(self) -> dict[Series, Roof]:
        found = {series: roof(self.times.ceilings, series) for series in self.series}
        return {series: each for series, each in found.items() if each is not None}

    def least(self, case: str, series: Series) -> float | None:
        """The roofline bound of a case in seconds; None where theory or a ceiling is missing."""
        if case not in self.theory or series not in self.roofs:
            return None
        return least_seconds(self.roofs[series], self.theory[case].layers)

    def launch(self, series: Series) -> float | None:
        """Seconds of the smallest copy measured: little more than the launch of an operator."""
        copies = [each for each in self.times.ceilings
                  if each.kind == "copy" and each.series == ceiling_series(series)]  # fmt: skip
        smallest = min(copies, key=lambda each: each.amount, default=None)
        return min(smallest.samples) if smallest else None

    def only_overhead(self, case: str, series: Series) -> bool:
        """Whether all the work of a case takes less than a launch: its time tells of launches."""
        least, launch = self.least(case, series), self.launch(series)
        return least is not None and launch is not None and least < launch

    def amount(self, case: str, counting: str) -> int | float | None:
        return self.theory[case].amount(counting) if case in self.theory else None

    def pair(self, first: Key, second: Key) -> Comparison | None:
        """How many times as long the second takes, by turns of the same rounds."""
        a, b = self.clocked.get(first), self.clocked.get(second)
        if a is None or b is None or not a.turns or not b.turns:
            return None
        pairs = [(x, y) for one, other in zip(a.forwards, b.forwards, strict=True)
                 for x, y in zip(one.turns, other.turns, strict=False)]  # fmt: skip
        return compare([x for x, _ in pairs], [y for _, y in pairs]) if pairs else None

    @cached_property
    def repeats(self) -> list[Repeat]:
        """The two sessions that agree best, where there are two with intervals."""
        found = intervals(self.times.forwards, self.times.policy.precision)
        best = closest(found)
        if best is None:
            return []
        first, second = (found[session] for session in best)
        middle = {(each.case, each.series, each.session): median(middles(each, self.pace))
                  for each in self.times.forwards if each.turns}  # fmt: skip
        return [
            Repeat(*key, middle[(*key, best[1])] / middle[(*key, best[0])],
                   (first[key], second[key]), best)
            for key in self.clocked if key in first and key in second
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Repeat:
    """Two sessions of one case: the later's median divided by the earlier's, and both intervals."""

    case: str
    series: Series
    ratio: float
    intervals: tuple[Interval, Interval]
    sessions: tuple[int, int]

    @property
    def overlaps(self) -> bool:
        return overlap(*self.intervals)
