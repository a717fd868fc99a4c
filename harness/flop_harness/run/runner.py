"""What is done and in which order: the cells that the journal lacks.

Every finished cell is in the journal before the next is asked for; a run that was cut off goes on
from there. Records are raw; ``assembly`` derives everything else from them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from flop_harness.counters import Counter
from flop_harness.records import Sources
from flop_harness.run import executors
from flop_harness.run.digests import reader, tracer
from flop_harness.run.environment import describe
from flop_harness.run.identity import EarlierSources, sources_key
from flop_harness.run.order import earlier_seconds, longest_first
from flop_harness.run.plan import Cell, Plan, Progress, Raw, Readings, Result, Work
from flop_harness.store import Journal, TraceStore


def run(plan: Plan, identity: dict[str, Any], progress: Progress) -> Raw:
    """Carry out what the journal does not hold yet."""
    progress = progress.noting_once()
    with Journal.open(plan.folder, identity, plan.fresh) as journal:
        environment = journal.done(("environment",))
        if environment is None:
            environment = describe(
                ["torch", "torchvision", *(c.distribution for c in plan.counters)]
            )
            journal.add(("environment",), environment)
        earlier, traces = dict(known_results(plan, journal, progress)), TraceStore(plan.folder)
        results = {cell: result for cell, result in earlier.items() if current(result, traces)}
        readings = {cell: result.readings for cell, result in earlier.items()}
        wanted = [cell for case in plan.suite.cases for cell in plan.cells(case)]
        progress.begin(len(wanted), len(results))
        works = left_to_do(plan, results, readings)
        if len(works) > 1:
            works = longest_first(works, earlier_seconds(plan.folder))
        counted = executors.find(plan.executor)
        counters = {counter.id: counter for counter in plan.counters}
        for cell, result in counted(plan, works, progress, partial(keep, journal)):
            result = marked(result, cell, earlier.get(cell), counters)
            journal.add(cell.key, result)
            results[cell] = result
            progress.finished(cell, result)
    return Raw(environment, {cell: results[cell] for cell in wanted if cell in results})


def marked(
    result: Result, cell: Cell, before: Result | None, counters: Mapping[str, Counter]
) -> Result:
    """A result with the digests of the code that it is of; readings may have been kept."""
    if before is not None and before.readings:
        return replace(result, tracer=tracer(), reader=before.reader)
    counter = counters.get(cell.counter)
    return replace(result, tracer=tracer(), reader=reader(counter) if counter else "")


def left_to_do(
    plan: Plan, results: Mapping[Cell, Result], readings: Mapping[Cell, Readings]
) -> list[Work]:
    """The cells of each case that have no result; what counters said before is not asked again."""
    found = []
    for case in plan.suite.cases:
        cells = tuple(cell for cell in plan.cells(case) if cell not in results)
        known = {cell: readings[cell] for cell in cells if readings.get(cell)}
        found.append(Work(case, cells, known))
    return [work for work in found if work.cells]


def known_results(
    plan: Plan, journal: Journal, progress: Progress
) -> Iterator[tuple[Cell, Result]]:
    """What was finished before, of models that are still built from the same code."""
    sources = EarlierSources(partial(kept, journal), plan.suite.folder)
    for case in plan.suite.cases:
        stale = ""
        for cell in plan.cells(case):
            result = journal.done(cell.key, Result)
            if result is None:
                continue
            why = sources.why_changed(case, result.sources)
            if not why:
                yield cell, result
            stale = stale or why
        if stale:
            progress.note(f"{case.id} is run anew: {stale}")


def keep(journal: Journal, digest: str, sources: Sources) -> None:
    if kept(journal, digest) is None:
        journal.add(sources_key(digest), sources)


def kept(journal: Journal, digest: str) -> Sources | None:
    return journal.done(sources_key(digest), Sources)  # type: ignore[no-any-return]


def current(result: Result, traces: TraceStore) -> bool:
    """Whether nothing of a cell has to be done again."""
    if result.readings and all(reading.status != "ok" for reading in result.readings):
        return True
    kept = all(name in traces for name in (result.trace, result.plain) if name)
    return kept and result.tracer == tracer()
