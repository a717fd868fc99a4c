"""Raw results -> a run: figures, bridges and lists, derived from traces and readings. No torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from harness import conventions
from harness.counters import Counter
from harness.plan import CANONICAL, Cell, Plan, Raw, Result, trace_path
from harness.reconcile import Ground, lead
from harness.records import (
    Bridge,
    Context,
    Failure,
    Figure,
    Reference,
    Run,
    Tool,
    Trace,
    TraceFile,
)
from harness.store import RUN_SCHEMA, load_trace


def assemble(plan: Plan, raw: Raw) -> Run:
    """Price every trace and lead every reading back to the reference."""
    results = raw.results
    grounds = Grounds(plan.folder)
    by_case = {case.id: case_results(case.id, results) for case in plan.suite.cases}
    figures: list[Figure] = []
    bridges: list[Bridge] = []
    failures = distinct(r.failure for r in results.values() if r.failure is not None)
    unsupported: dict[str, dict[str, int]] = {}
    references: list[Reference] = []
    counters = {counter.id: counter for counter in plan.counters}
    for case, cells in by_case.items():
        reference = next((r for c, r in cells.items() if c.counter == CANONICAL), None)
        if reference is None or not reference.trace:
            continue
        canonical = grounds.load(reference.trace, Context("meta"))
        figures.extend(priced(case, canonical.trace))
        unsupported[case] = conventions.unsupported(canonical.trace)
        references.append(reference_of(case, canonical))
        for cell, result in cells.items():
            if cell.counter == CANONICAL or not result.trace:
                continue
            made, failed = bridges_of(cell, result, counters[cell.counter], canonical, grounds)
            bridges.extend(made)
            failures.extend(failed)
    macs = {figure.case: figure.value for figure in figures if figure.convention == "macs"}
    return Run(
        schema=RUN_SCHEMA,
        suite=replace(plan.suite, folder=""),  # of the machine, not of the results
        environment=raw.environment,
        readings=tuple(r for result in results.values() for r in result.readings),
        bridges=tuple(bridges),
        figures=tuple(figures),
        unsupported={case: found for case, found in unsupported.items() if found},
        timings=tuple(replace(timing, macs=macs.get(timing.case)) for timing in raw.timings),
        failures=tuple(failures),
        traces=tuple(trace_files(results)),
        references=tuple(references),
        tools=tuple(map(tool_of, plan.counters)),
    )


class Grounds:
    """Stored traces of a run, each read and priced once in a while."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read = lru_cache(maxsize=32)(self._read_file)

    def load(self, name: str, context: Context) -> Ground:
        return self._read(name).under(context)

    def _read_file(self, name: str) -> Ground:
        return Ground(load_trace(trace_path(self.folder, name).read_bytes()))


def reference_of(case: str, canonical: Ground) -> Reference:
    return Reference(
        case,
        canonical.trace.modules[0].type,
        canonical.account("compute").by_term(),
        canonical.account("params").by_term(),
    )


def tool_of(counter: Counter) -> Tool:
    return Tool(counter.id, counter.distribution, counter.description, counter.source)


def case_results(case: str, results: Mapping[Cell, Result]) -> dict[Cell, Result]:
    return {cell: result for cell, result in results.items() if cell.case == case}


def distinct(failures: Iterable[Failure]) -> list[Failure]:
    return list(dict.fromkeys(failures))


def priced(case: str, trace: Trace) -> Iterator[Figure]:
    """The case under every convention that applies to it."""
    for convention in conventions.CONVENTIONS.values():
        try:
            value = convention.price(trace).total
        except conventions.NotApplicable:
            continue
        yield Figure(case, convention.id, int(value), convention.unit)


def bridges_of(
    cell: Cell, result: Result, counter: Counter, canonical: Ground, grounds: Grounds
) -> tuple[list[Bridge], list[Failure]]:
    """A bridge for each reading that came; a rule that raises is a failure of ours."""
    made, failed = [], []
    for reading in result.readings:
        if reading.status != "ok":
            continue
        own = grounds.load(result.trace, reading.context)
        try:
            made.append(lead(reading, counter, canonical, own))
        except Exception as error:  # noqa: BLE001 - any rule may trip over an untried model
            message = f"{type(error).__name__}: {error}"
            failed.append(Failure(cell.case, f"{counter.id}'s rules for {reading.metric}", message))
    return made, failed


def trace_files(results: Mapping[Cell, Result]) -> Iterator[TraceFile]:
    for cell, result in results.items():
        if result.trace:
            yield TraceFile(cell.case, cell.counter, cell.context, result.trace)
