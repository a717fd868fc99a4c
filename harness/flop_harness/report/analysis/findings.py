"""What a run says of each counter, in sentences made by rule from its bridges."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import isinf

from flop_harness.records import Bridge, Context, Metric, Step, Tool
from flop_harness.report.analysis.causes import (
    Cause,
    by_counter,
    extent_of,
    hidden_in,
    is_quantised,
    term_in_words,
)
from flop_harness.report.analysis.figures import METRICS, figures_of
from flop_harness.report.analysis.index import Index
from flop_harness.report.words.links import Link, why_link
from flop_harness.report.words.terms import predicate
from flop_harness.report.words.text import anchor, compact, distance, listed, plural


@dataclass(frozen=True, slots=True)
class Finding:
    """One cause for one counter, how much it explains, and the smallest case that shows it."""

    counter: str
    cause: Cause
    under: str

    @property
    def sentence(self) -> str:
        return f"{self.counter} {self.cause.predicate}{self.under}."

    @property
    def extent(self) -> str:
        """In how many cases and figures, how much work, and how large a share at most."""
        cause, largest = self.cause, self.cause.largest
        most = f"at most {distance(largest.part)} of the reference"
        if isinf(largest.part):
            most = "also where the reference is 0"
        where = plural(len(cause.cases), "case")
        if cause.figures != len(cause.cases):
            where += f", {plural(cause.figures, 'figure')}"
        weight = float(cause.weight)
        of_macs = cause.metric == "compute"
        moved = compact(weight, "MAC") if of_macs else f"{compact(weight)} parameters"
        return f"{where}, {moved} in all, {most}"

    @property
    def key(self) -> tuple[str, Metric, str]:
        return self.counter, self.cause.metric, self.cause.term

    @property
    def anchor(self) -> str:
        return anchor("finding", *self.key)

    @property
    def example(self) -> Link:
        return why_link(self.cause.smallest, self.cause.smallest.case)


@dataclass(frozen=True, slots=True)
class Profile:
    """All that a run found out about one counter."""

    tool: Tool
    version: str
    equal: str
    """How many of its figures equal the reference, by metric"""
    findings: tuple[Finding, ...]

    @property
    def agreement(self) -> str:
        return f"Equal to the reference: {self.equal}."

    @property
    def anchor(self) -> str:
        return anchor("counter", self.tool.id)


def profiles(index: Index) -> Iterator[Profile]:
    """Every counter that gave a figure, in the order of the run."""
    tools = {tool.id: tool for tool in index.run.tools}
    causes = by_counter(index)
    for name in index.counters:
        told = [each for each in figures_of(index.readings) if each.counter == name]
        if told:
            versions = dict.fromkeys(each.version for each in told if each.version)
            yield Profile(
                tools.get(name, Tool(name)),
                ", ".join(versions),
                equal_to_reference(index, name),
                tuple(finding_of(index, cause) for cause in causes[name]),
            )


def equal_to_reference(index: Index, counter: str) -> str:
    """How many of a counter's figures equal the reference, by metric."""
    words = []
    names: dict[Metric, str] = {"compute": "compute", "params": "parameters"}
    for metric in METRICS:
        told = [each for each in figures_of(index.readings)
                if each.counter == counter and each.metric == metric]  # fmt: skip
        equal = sum(index.deviation(each) == 0 for each in told)
        if told:
            words.append(f"{equal:,} of {plural(len(told), 'figure')} for {names[metric]}")
    return ", ".join(words)


def finding_of(index: Index, cause: Cause) -> Finding:
    return Finding(cause.counters[0], cause, under(index, cause))


def under(index: Index, cause: Cause) -> str:
    """The contexts that make the difference: those with the cause, if others go without it."""
    counter, cases = cause.counters[0], set(cause.cases)
    shown = {(share.bridge.case, share.bridge.context) for share in cause.shares}
    without = [
        bridge.context for bridge in index.bridges
        if bridge.counter == counter and bridge.metric == cause.metric and bridge.case in cases
        and (bridge.case, bridge.context) not in shown
    ]  # fmt: skip
    having = _modeless(cause.contexts)
    never = [name for name in _modeless(without) if name not in having]
    if not never:
        return ""
    return f" (under {listed(having)}; not under {listed(never, 'or')})"


def _modeless(contexts: Iterable[Context]) -> list[str]:
    """A case is asked in one mode, which tells nothing apart."""
    return list(dict.fromkeys(str(replace(context, mode="")) for context in contexts))


def sentences(index: Index, bridge: Bridge) -> list[str]:
    """What each step of a bridge stands for."""
    return [f"{bridge.counter} {predicate_of(index, bridge, step)}." for step in bridge.steps]


def predicate_of(index: Index, bridge: Bridge, step: Step) -> str:
    extent = "all" if is_quantised(step) else extent_of(index, bridge, step)
    operators, term = hidden_in(bridge.counter, step), term_in_words(step)
    return predicate(term, bridge.metric, extent, step.amount < 0, operators, step.classes)
