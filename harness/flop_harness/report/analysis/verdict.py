"""How a run ended, in numbers and in a sentence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from flop_harness.records import HERE, Bridge, Reading, Run, Status
from flop_harness.report.analysis.cells import ENDED
from flop_harness.report.analysis.figures import by_counters, figures_of, in_macs, plain, where
from flop_harness.report.analysis.index import BROKEN, Index
from flop_harness.report.analysis.silences import MOST, silences
from flop_harness.report.analysis.versions import newer
from flop_harness.report.words.text import (
    compact,
    factor_words,
    few,
    group,
    hanging,
    left_out,
    listed,
    many,
    plural,
    printable,
    shorten,
    verb,
)

IN_CONTEXT = "explained because the model itself runs other operations in that context"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Readings that came, how many of them are explained, and what did not come.

    ``in_context`` of the explained ones need what the model itself does otherwise in their context;
    a run without any counter shows it.
    """

    readings: int
    explained: int
    unexplained: int
    failed: int
    unavailable: int
    cases: int = 0
    cells: int = 0
    in_context: int = 0
    silent: Mapping[Status, int] = field(default_factory=dict)
    incomplete: int = 0
    """Cases with work that no figure holds: operators without a formula"""

    @property
    def clean(self) -> bool:
        """Every figure explained. A counter that refuses a model is told, and is not our failure."""
        return not self.unexplained

    @property
    def counts(self) -> list[tuple[str, int]]:
        """What a report opens with; what broke is told only where something did."""
        nouns = {"case": self.cases, "cell": self.cells, "reading": self.readings}
        counts = [(verb(count, noun, many(noun)), count) for noun, count in nouns.items()]
        counts += [("explained", self.explained), ("unexplained", self.unexplained)]
        if self.incomplete:
            counts.append((f"{verb(self.incomplete, 'case', 'cases')} with work not counted",
                           self.incomplete))  # fmt: skip
        if self.in_context:
            counts.append((IN_CONTEXT, self.in_context))
        return counts + [(ENDED[name], count) for name, count in self.silent.items()]

    @property
    def sentence(self) -> str:
        """The closing line of a run."""
        lacking = ""
        if self.incomplete:
            lacking = (f" In {plural(self.incomplete, 'case')} figures leave work out: "
                       "operators without a formula.")  # fmt: skip
        return (
            f"{plural(self.readings, 'reading')} over {plural(self.cases, 'case')}: "
            f"{self.explained:,} explained with residual 0, {self.unexplained:,} not, "
            f"{self.failed:,} failed, {self.unavailable:,} unavailable.{lacking}"
            + (f" {self.in_context:,} {IN_CONTEXT}." if self.in_context else "")
        )


@dataclass(frozen=True, slots=True)
class Spread:
    """How far the counters differ on one case: highest / lowest compute figure above zero."""

    case: str
    low: Reading
    high: Reading

    @property
    def factor(self) -> float:
        return float(_macs(self.high) / _macs(self.low))


def verdict(run: Run) -> Verdict:
    """Count the readings of a run by how they ended."""
    index = Index(run)
    told = figures_of(index.readings)
    explained = sum(index.explained(reading) for reading in told)
    return Verdict(
        readings=len(told),
        explained=explained,
        unexplained=len(told) - explained,
        failed=sum(reading.status in BROKEN for reading in run.readings),
        unavailable=sum(reading.status == "unavailable" for reading in run.readings),
        cases=len(index.cases),
        cells=len(index.cells),
        in_context=sum(index.explained(r) and index.in_context(r) for r in told),
        silent=Counter(reading.status for reading in run.readings if reading.status != "ok"),
        incomplete=sum(map(bool, run.unsupported.values())),
    )


def trained(run: Run) -> bool:
    """Whether steps of training were read, not forward passes alone."""
    return any(reading.context.training for reading in run.readings)


def in_context(index: Index) -> list[Bridge]:
    """Bridges with a step that is the model's doing: in their context it does more or less."""
    return [each for each in index.bridges if any(step.term.endswith(HERE) for step in each.steps)]


def origin(run: Run) -> str:
    """That the figures belong to no commit; empty where they do, or where none is known."""
    git = run.environment.get("git")
    if not (isinstance(git, Mapping) and git.get("dirty")):
        return ""
    commit = str(git.get("commit", ""))[:12]
    return (f"The code that made these figures differs from commit {commit}: "
            "what was changed in it is not stored.")  # fmt: skip


@lru_cache(maxsize=1)
def spreads(index: Index) -> list[Spread]:
    """The spread of each case with compute figures of two or more counters, widest first."""
    found = []
    for case, readings in index.by_case.items():
        told = [each for each in by_counters(readings) if each.metric == "compute" and each.value]
        if len(told) > 1:
            found.append(Spread(case, min(told, key=_macs), max(told, key=_macs)))
    return sorted(found, key=lambda spread: -spread.factor)


def _macs(reading: Reading) -> Fraction:
    return in_macs(reading.value or 0, reading.unit)


def headline(run: Run) -> str:
    """What the report opens with: how far the counters differ, and how much of it is explained."""
    result = verdict(run)
    if not run.readings:
        return "Nothing was read in this run."
    index = Index(run)
    counters = len({each.counter for each in by_counters(index.readings)
                    if each.metric == "compute"})  # fmt: skip
    broken = len({each.case for each in run.failures if each.stage == "model"})
    on = f"On {plural(result.cases, 'model')},"
    if broken:
        on = f"On {result.cases - broken} of {plural(result.cases, 'model')} (the rest does not run),"
    told = (
        f"{group(result.explained)} of {plural(result.readings, 'figure')} "
        f"{verb(result.explained, 'is', 'are')} explained to the last unit"
    )
    if not counters:
        return f"{on} no counter gave a compute figure beside the reference, and {told}."
    return f"{on} {plural(counters, 'counter')} {_differ(spreads(index), counters)}, and {told}."


def _differ(wide: list[Spread], counters: int) -> str:
    if not wide:
        return verb(counters, "stands beside the reference", "cannot be compared")
    if wide[0].factor == 1:
        return verb(counters, "agrees", "agree") + " everywhere"
    middle = factor_words(wide[len(wide) // 2].factor)
    usual = f"{middle} on the median model and " if len(wide) > 2 else ""
    return f"differ by a factor of {usual}{factor_words(wide[0].factor)} at most"


def particulars(run: Run) -> str:
    """What else there is to say of a run in a sentence or three."""
    index = Index(run)
    return " ".join(part for part in (_widest(spreads(index)), _zeros(index)) if part)


def _widest(wide: list[Spread]) -> str:
    if not wide or wide[0].factor == 1:
        return ""
    top = wide[0]
    low, high = _said(top)
    alike = sum(spread.factor == 1 for spread in wide)
    return (
        f"They are farthest apart on {shorten(top.case, 60)}, where {shorten(top.low.counter, 40)} "
        f"counts {low} and {shorten(top.high.counter, 40)} counts {high}; they agree to the "
        f"last unit on {f'{alike:,}' if alike else 'none'} of {plural(len(wide), 'model')}."
    )


def _compute(index: Index) -> list[Reading]:
    return [each for each in figures_of(index.readings) if each.metric == "compute"]


def _said(spread: Spread) -> tuple[str, str]:
    """Both figures in MAC: short where that tells them apart, otherwise exact."""
    low, high = (plain(_macs(each)) for each in (spread.low, spread.high))
    brief = compact(low, "MAC"), compact(high, "MAC")
    return brief if brief[0] != brief[1] else (f"{group(low)} MAC", f"{group(high)} MAC")


def _zeros(index: Index) -> str:
    zeros = [
        reading for reading in _compute(index) if reading.value == 0 and index.deviation(reading)
    ]
    if not zeros:
        return ""
    are = verb(len(zeros), "is", "are")
    return f"{plural(len(zeros), 'figure')} {are} 0 though the model computes something."


def verdict_lines(run: Run) -> list[str]:
    """The closing lines of a suite run on a terminal: the count, then each open end."""
    index = Index(run)
    lines = [verdict(run).sentence]
    for reading in figures_of(index.readings):
        if not index.explained(reading):
            lines.append(f"  unexplained: {where(reading)}: {index.gap(reading)}")
    lines += [f"  {line}" for line in silences(index, (*BROKEN, "unavailable"))]
    for case, operators in run.unsupported.items():
        if operators:
            lines.append(f"  not counted: {shorten(case, 60)}: {left_out(operators)}")
    for case, looks in run.looks.items():
        lines.append(f"  {hanging(looks)}: {shorten(case, 60)}")
    lines += [f"  {each}" for each in newer(run)]
    for failure in run.failures:
        message = shorten(failure.message, MOST)
        if failure.stage == "model":
            lines.append(f"  does not run: {message}")
        else:
            lines.append(f"  ours failed: {failure.of_what}, {failure.stage}: {message}")
    return list(map(printable, lines))


def unknowns(index: Index) -> list[str]:
    """What this run leaves open, one sentence each; empty where nothing is."""
    lines = [f"UNEXPLAINED: {where(reading)}: {index.gap(reading)}."
             for reading in figures_of(index.readings) if not index.explained(reading)]  # fmt: skip
    lines += ended_without(index)
    for failure in index.run.failures:
        what = (
            "it does not run"
            if failure.stage == "model"
            else f"our {shorten(failure.stage, 40)} failed"
        )
        lines.append(f"{shorten(failure.case, 60)}: {what}: {shorten(failure.message, 300)}")
    for case, operators in index.run.unsupported.items():
        if operators:
            told = left_out(operators)
            lines.append(f"{shorten(case, 60)}: operators without a formula: {told}.")
    lines += [f"{shorten(case, 60)}: what is counted {hanging(looks)}."
              for case, looks in index.run.looks.items()]  # fmt: skip
    lines += [f"{each}." for each in newer(index.run)]
    return lines + list(filter(None, (told_in_context(index), origin(index.run))))


def ended_without(index: Index) -> list[str]:
    """How many readings ended without a figure, and how; a counter that was not asked is no open end."""
    found = Counter(each.status for each in index.readings if each.status in BROKEN)
    told = [f"{count:,} {ENDED[status]}" for status, count in found.items()]
    return (
        [f"Readings without a figure: {listed(told)}. See the counters without a figure."]
        if told
        else []
    )


def told_in_context(index: Index) -> str:
    """How many figures are explained by what the model does in their context, and where."""
    found = in_context(index)
    if not found:
        return ""
    where = few([shorten(name, 40) for name in dict.fromkeys(each.case for each in found)], 8)
    return (f"{plural(len(found), 'figure')} {verb(len(found), 'is', 'are')} explained because the "
            f"model itself runs other operations in the context of the reading than elsewhere: {where}.")  # fmt: skip
