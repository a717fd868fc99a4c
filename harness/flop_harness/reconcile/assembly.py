"""Raw results -> a run: figures, bridges and lists, derived from traces and readings. No torch."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from flop_harness.conventions.articles import NotApplicable
from flop_harness.conventions.catalogue import CONVENTIONS, VERSION
from flop_harness.conventions.products import unsupported
from flop_harness.counters import Counter
from flop_harness.counters.versions.rules import as_of
from flop_harness.reconcile.bridges import PricedTrace, lead
from flop_harness.records import (
    Bridge,
    Context,
    Failure,
    Figure,
    Reference,
    Run,
    Suite,
    Tensor,
    Tool,
    Trace,
    TraceFile,
)
from flop_harness.records.trace import shapes_of
from flop_harness.run.guard import die_with_parent, unwarned_of_threads
from flop_harness.run.plan import CANONICAL, Cell, Plan, Raw, Result
from flop_harness.store import RUN_SCHEMA, TraceStore
from flop_harness.suite.collection import uncollected


@dataclass(frozen=True, slots=True)
class Part:
    """What is derived for one case; without a trace of the reference, nothing is."""

    case: str
    references: tuple[Reference, ...] = ()
    figures: tuple[Figure, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    failures: tuple[Failure, ...] = ()
    unsupported: Mapping[str, int] = field(default_factory=dict)
    dtype: str = ""
    looks: tuple[str, ...] = ()


def assemble(plan: Plan, raw: Raw) -> Run:
    """Price every trace and lead every reading back to the reference."""
    results = raw.results
    failures = distinct(r.failure for r in results.values() if r.failure is not None)
    parts = list(derived(plan, results))
    return Run(
        schema=RUN_SCHEMA,
        suite=settled(plan.suite, parts, results),
        environment=raw.environment,
        readings=tuple(r for result in results.values() for r in result.readings),
        bridges=tuple(bridge for part in parts for bridge in part.bridges),
        figures=tuple(figure for part in parts for figure in part.figures),
        unsupported={part.case: part.unsupported for part in parts if part.unsupported},
        failures=(*failures, *(failure for part in parts for failure in part.failures)),
        traces=tuple(trace_files(results)),
        references=tuple(reference for part in parts for reference in part.references),
        tools=tuple(map(tool_of, plan.counters)),
        conventions=VERSION,
        looks={part.case: part.looks for part in parts if part.looks},
    )


# ---------------------------------------------------------------------------- case after case


def derived(
    plan: Plan, results: Mapping[Cell, Result], work: Callable[..., Part] | None = None
) -> Iterator[Part]:
    """What is derived for each case, all or by ``work``, by as many processes as the run has."""
    by_case: dict[str, dict[Cell, Result]] = {case.id: {} for case in plan.suite.cases}
    for cell, result in results.items():
        by_case[cell.case][cell] = result
    counters = {counter.id: counter for counter in plan.counters}

    def one(case: str) -> Part:
        # traces are large, no part of one refers back to it, and they go with their case
        with uncollected():
            return (work or part_of)(case, by_case[case], counters, PricedTraces(plan.folder))

    if plan.jobs == 1 or len(results) < FEW:
        yield from map(one, by_case)
        return
    # Forked, as the rules of counters cannot be sent to a process.
    processes = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(plan.jobs, processes, begin, (one, os.getpid())) as pool:
        with unwarned_of_threads():
            parts = pool.map(carry_on, by_case)  # all are forked here
        yield from parts


FEW = 100
"""Cells for which a process of their own costs more than it saves"""

WORK: list[Callable[[str], Part]] = []
"""In a process that derives: how"""


def begin(work: Callable[[str], Part], parent: int) -> None:
    """In a process that derives: it ends with who waits for it, who alone hears a Ctrl-C."""
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    WORK.append(work)


def carry_on(case: str) -> Part:
    return WORK[0](case)


def canonical_of(cells: Mapping[Cell, Result], priced_traces: PricedTraces) -> PricedTrace | None:
    """The trace that the reference is priced on; None where it could not be taken."""
    reference = next((r for c, r in cells.items() if c.counter == CANONICAL), None)
    if reference is None or not reference.trace:
        return None
    return priced_traces.load(reference.trace, Context("meta"))


def part_of(
    case: str,
    cells: Mapping[Cell, Result],
    counters: Mapping[str, Counter],
    priced_traces: PricedTraces,
) -> Part:
    canonical = canonical_of(cells, priced_traces)
    if canonical is None:
        return Part(case)
    try:
        told = reference_of(case, canonical)
        without_formula = unsupported(canonical.trace)
    except Exception as error:  # noqa: BLE001 - any formula may trip over an untried model
        return Part(case, failures=(Failure.of(case, "reference account", error),))
    figures, failures = priced(case, canonical.trace)
    bridges, failed = bridges_in(cells, counters, canonical, priced_traces)
    return Part(
        case,
        (told,),
        tuple(figures),
        tuple(bridges),
        (*failures, *failed),
        without_formula,
        own_dtype(canonical.trace),
        canonical.trace.looks,
    )


def bridges_alone(
    case: str,
    cells: Mapping[Cell, Result],
    counters: Mapping[str, Counter],
    priced_traces: PricedTraces,
) -> Part:
    """Bridges, and the failures of the rules; what hangs on no counter's rules is left out."""
    canonical = canonical_of(cells, priced_traces) if len(cells) > 1 else None
    if canonical is None:
        return Part(case)
    made, failed = bridges_in(cells, counters, canonical, priced_traces)
    return Part(case, bridges=tuple(made), failures=tuple(failed))


def bridges_in(
    cells: Mapping[Cell, Result],
    counters: Mapping[str, Counter],
    canonical: PricedTrace,
    priced_traces: PricedTraces,
) -> tuple[list[Bridge], list[Failure]]:
    bridges, failures = list[Bridge](), list[Failure]()
    for cell, result in cells.items():
        if cell.counter != CANONICAL and result.trace:
            counter = counters[cell.counter]
            made, failed = bridges_of(cell, result, counter, canonical, priced_traces)
            bridges.extend(made)
            failures.extend(failed)
    return bridges, failures


def settled(suite: Suite, parts: Iterable[Part], results: Mapping[Cell, Result]) -> Suite:
    """The suite with the dtype and mode that models had whose cases name none.

    Without its folder, which is of the machine, not of the results.
    """
    dtypes = {part.case: part.dtype for part in parts}
    modes = {cell.case: result.mode for cell, result in results.items() if result.mode}
    cases = tuple(
        replace(
            case,
            dtype=case.dtype or dtypes.get(case.id, ""),
            mode=case.mode or modes.get(case.id, ""),
        )
        for case in suite.cases
    )
    return replace(suite, folder="", cases=cases)


def own_dtype(trace: Trace) -> str:
    """The dtype of the first parameter that holds fractions, else of the first such input."""
    inputs = (value.dtype for value in trace.root.args if isinstance(value, Tensor))
    for dtype in (*(each.dtype for each in trace.parameters), *inputs):
        if dtype.startswith(("float", "bfloat", "complex")):
            return dtype
    return "float32"


class PricedTraces:
    """Stored traces of a case, each read and priced once. It goes as its case does, being in no circle."""

    def __init__(self, folder: Path) -> None:
        self._stored = TraceStore(folder)
        self._read: dict[str, PricedTrace] = {}

    def load(self, name: str, context: Context) -> PricedTrace:
        if name not in self._read:
            self._read[name] = PricedTrace(self._stored.load(name))
        return self._read[name].under(context)


def reference_of(case: str, canonical: PricedTrace) -> Reference:
    return Reference(
        case,
        canonical.trace.modules[0].type,
        canonical.account("compute").by_term(),
        canonical.account("params").by_term(),
        shapes_of(canonical.trace.root.args, canonical.trace.root.kwargs),
    )


def tool_of(counter: Counter) -> Tool:
    return Tool(counter.id, counter.distribution, counter.description, counter.source)


def distinct(failures: Iterable[Failure]) -> list[Failure]:
    return list(dict.fromkeys(failures))


def priced(case: str, trace: Trace) -> tuple[list[Figure], list[Failure]]:
    """The case under every convention that applies to it; one that raises is a failure of ours."""
    made, failed = [], []
    for convention in CONVENTIONS.values():
        try:
            value = convention.price(trace).total
        except NotApplicable:
            continue
        except Exception as error:  # noqa: BLE001 - any convention may trip over an untried model
            failed.append(Failure.of(case, f"convention {convention.id}", error))
            continue
        made.append(Figure(case, convention.id, int(value), convention.unit))
    return made, failed


def bridges_of(
    cell: Cell,
    result: Result,
    counter: Counter,
    canonical: PricedTrace,
    priced_traces: PricedTraces,
) -> tuple[list[Bridge], list[Failure]]:
    """A bridge for each reading that came; a rule that raises is a failure of ours."""
    made, failed = [], []
    for reading in result.readings:
        if reading.status != "ok":
            continue
        own = priced_traces.load(result.trace, reading.context)
        # without a run of its own, the model is taken to do what the reference says
        plain = priced_traces.load(result.plain, reading.context) if result.plain else canonical
        try:
            rules = as_of(counter, reading.version)
            made.append(lead(reading, rules, canonical, own, plain, result.hooked))
        except Exception as error:  # noqa: BLE001 - any rule may trip over an untried model
            failed.append(Failure.of(cell.case, f"{counter.id}{RULES}{reading.metric}", error))
    return made, failed


RULES = "'s rules for "
"""What begins, after a counter's id, the stage of a failure of its rules; the metric follows"""


def rules_failed(failure: Failure, counters: Collection[str]) -> bool:
    """Whether it is one of these counters' rules that failed."""
    counter, mark, _ = failure.stage.partition(RULES)
    return bool(mark) and counter in counters


def trace_files(results: Mapping[Cell, Result]) -> Iterator[TraceFile]:
    for cell, result in results.items():
        if result.trace:
            device = next((r.context.device for r in result.readings), cell.context.device)
            context = replace(cell.context, device=device)  # a model without values is on meta
            yield TraceFile(cell.case, cell.counter, context, result.trace, result.plain,
                            result.hooked)  # fmt: skip
