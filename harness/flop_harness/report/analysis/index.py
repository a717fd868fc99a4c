"""A run in the order of its suite, with every look-up that a report needs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import chain
from typing import Any

from flop_harness.records import Bridge, Context, Failure, Figure, Metric, Reading, Reference, Run
from flop_harness.report.analysis.figures import METRICS, REFERENCE, deviation, in_macs, is_figure
from flop_harness.report.words.text import Number, group, many, plural, shorten, signed, verb

Key = tuple[str, str, Context, Metric]
_OfCase = Reading | Bridge | Figure | Failure
BROKEN = ("failed", "timeout", "out_of_memory")


def key_of(record: Reading | Bridge) -> Key:
    """What a reading and its bridge have in common."""
    return record.case, record.counter, record.context, record.metric


Place = tuple[str, Context]
"""A counter and a context, without the mode: a case is asked in one mode"""


@dataclass(frozen=True, slots=True)
class CounterColumn:
    """One counter in the contexts in which it says the same: a column of a comparison."""

    counter: str
    contexts: tuple[Context, ...]
    only: bool = True

    @property
    def context(self) -> Context:
        return self.contexts[0]

    @property
    def under(self) -> str:
        return ", ".join(map(str, self.contexts))

    @property
    def label(self) -> str:
        return self.counter if self.only else f"{self.counter} ({self.under})"


@dataclass(frozen=True, eq=False)
class Index:
    """The records of a run, found by what they are about; what is derived from it may be kept."""

    run: Run

    @cached_property
    def cases(self) -> tuple[str, ...]:
        """The suite's cases in its order, then any that only a record knows."""
        named = [case.id for case in self.run.suite.cases]
        run = self.run
        seen = [record.case for record in chain[_OfCase](
            run.readings, run.bridges, run.figures, run.failures)]  # fmt: skip
        every = dict.fromkeys([*named, *seen, *run.unsupported])
        return tuple(filter(None, every))  # a failure of the whole run is of no case

    @cached_property
    def modes(self) -> dict[str, str]:
        """The mode that each model stood in, by case, where it is known."""
        return {case.id: case.mode for case in self.run.suite.cases if case.mode}

    def setting(self, readings: Iterable[Reading]) -> str:
        """The context of readings of one place, ``cpu grad eval``: with the mode where it is the same.

        A counter may switch the model to ``eval``; another leaves it as it stands.
        """
        contexts = [each.context for each in readings]
        modes = {each.mode for each in contexts}
        mode = modes.pop() if len(modes) == 1 else ""
        return str(replace(contexts[0], mode=mode)) if contexts else ""

    @cached_property
    def position(self) -> dict[str, int]:
        return {case: place for place, case in enumerate(self.cases)}

    @cached_property
    def counters(self) -> dict[str, int]:
        """The place of each counter: in the run's own order, then as readings name them."""
        names = [tool.id for tool in self.run.tools]
        names += [reading.counter for reading in self.run.readings]
        names += [bridge.counter for bridge in self.run.bridges]
        return {name: place for place, name in enumerate(dict.fromkeys(names))}

    def _order(self, record: Reading | Bridge) -> tuple[int, int, int, str]:
        metric = METRICS.index(record.metric)
        counter = self.counters[record.counter]
        return self.position[record.case], metric, counter, str(record.context)

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        return tuple(sorted(self.run.readings, key=self._order))

    @cached_property
    def bridges(self) -> tuple[Bridge, ...]:
        return tuple(sorted(self.run.bridges, key=self._order))

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """Those that any counter was asked for."""
        return tuple(metric for metric in METRICS if self.by_place[metric])

    @cached_property
    def reading_of(self) -> dict[Key, Reading]:
        return {key_of(reading): reading for reading in self.run.readings}

    @cached_property
    def bridge_of(self) -> dict[Key, Bridge]:
        return {key_of(bridge): bridge for bridge in self.run.bridges}

    @cached_property
    def by_case(self) -> dict[str, list[Reading]]:
        found: dict[str, list[Reading]] = {case: [] for case in self.cases}
        for reading in self.readings:
            found[reading.case].append(reading)
        return found

    @cached_property
    def figures_of(self) -> dict[str, list[Figure]]:
        """What our conventions say of each case."""
        found: dict[str, list[Figure]] = {}
        for figure in self.run.figures:
            found.setdefault(figure.case, []).append(figure)
        return found

    @cached_property
    def cells(self) -> dict[tuple[str, str, Context], list[Reading]]:
        """The readings of each counter in each context on each case."""
        found: dict[tuple[str, str, Context], list[Reading]] = {}
        for reading in self.readings:
            key = (reading.case, reading.counter, reading.context)
            found.setdefault(key, []).append(reading)
        return found

    def bridge_to(self, reading: Reading) -> Bridge | None:
        return self.bridge_of.get(key_of(reading))

    def explained(self, reading: Reading) -> bool:
        """Whether a bridge leads to the reading: in total, and to the tool's figures by module."""
        bridge = self.bridge_to(reading)
        return bridge is not None and bridge.explained

    def in_context(self, reading: Reading) -> bool:
        """Whether the model itself does other work in the reading's context."""
        bridge = self.bridge_to(reading)
        return bridge is not None and bridge.in_context

    def place(self, reading: Reading) -> Place:
        return reading.counter, replace(reading.context, mode="")

    @cached_property
    def by_place(self) -> dict[Metric, dict[Place, dict[str, Reading]]]:
        """The readings of a metric by counter and context, then by case."""
        found: dict[Metric, dict[Place, dict[str, Reading]]] = {metric: {} for metric in METRICS}
        for reading in sorted(self.readings, key=lambda reading: self._order(reading)[1:]):
            asked = found[reading.metric].setdefault(self.place(reading), {})
            asked[reading.case] = reading
        return found

    def columns(self, metric: Metric) -> tuple[CounterColumn, ...]:
        """The counters that were asked for a metric, with the contexts in which they say the same."""
        groups: dict[str, list[tuple[list[Context], dict[str, Any]]]] = {}
        for (counter, context), asked in self.by_place[metric].items():
            said = {case: (each.status, each.value) for case, each in asked.items()}
            alike = groups.setdefault(counter, [])
            found = next((contexts for contexts, other in alike if other == said), None)
            if found is None:
                alike.append(([context], said))
            else:
                found.append(context)
        return tuple(
            CounterColumn(counter, tuple(contexts), len(alike) == 1)
            for counter, alike in groups.items()
            for contexts, _ in alike
        )

    def in_column(self, column: CounterColumn, metric: Metric) -> dict[str, Reading]:
        """The readings of a column by case."""
        return self.by_place[metric][column.counter, column.context]

    @cached_property
    def _references(self) -> dict[tuple[str, Metric], Fraction]:
        found: dict[tuple[str, Metric], Fraction] = {}
        for each in self.run.references:
            found[each.case, "compute"] = Fraction(sum(each.compute.values()))
            found[each.case, "params"] = Fraction(sum(each.params.values()))
        for bridge in self.bridges:
            found.setdefault((bridge.case, bridge.metric), Fraction(bridge.reference))
        for reading in self.readings:
            if reading.counter == REFERENCE and is_figure(reading) and reading.value is not None:
                value = in_macs(reading.value, reading.unit)
                found.setdefault((reading.case, reading.metric), value)
        return found

    @cached_property
    def reference_of(self) -> dict[str, Reference]:
        return {each.case: each for each in self.run.references}

    @cached_property
    def products(self) -> frozenset[str]:
        """The terms that the reference charges for compute: products, measured in MAC."""
        return frozenset(term for each in self.run.references for term in each.compute)

    def reference(self, case: str, metric: Metric) -> Fraction | None:
        """The reference of a case in MAC (or parameters), None where nothing tells it."""
        return self._references.get((case, metric))

    def deviation(self, reading: Reading) -> float | None:
        """The deviation of a reading from its own bridge's reference, else from its case's."""
        if not is_figure(reading) or reading.value is None:
            return None
        bridge = self.bridge_of.get(key_of(reading))
        if bridge is not None:
            reference: Fraction | None = Fraction(bridge.reference)
        else:
            reference = self.reference(reading.case, reading.metric)
        if reference is None:
            return None
        return deviation(in_macs(reading.value, reading.unit), reference)

    def gap(self, reading: Reading) -> str:
        """What is not explained of a reading."""
        bridge = self.bridge_of.get(key_of(reading))
        if bridge is None:
            return "no bridge leads to this figure"
        if bridge.residual:
            return f"residual {signed(bridge.residual)} {many(reading.unit)}"
        if bridge.unconfirmed:
            term, amount = next(iter(bridge.unconfirmed.items()))
            return f"a run without the counter does not show {term!r} ({signed(amount)})"
        name, amount = next(iter(bridge.off.items()))
        told = f"{group(len(bridge.off))} of {plural(bridge.modules, 'figure')} by module"
        return f"{told} {verb(len(bridge.off), 'differs', 'differ')}, {shorten(name, 60)!r} by {signed(amount)}"

    def residual(self, reading: Reading) -> Number | None:
        """What a reading's bridge leaves open; None without a bridge."""
        bridge = self.bridge_of.get(key_of(reading))
        return None if bridge is None else bridge.residual
