"""Who runs where and when: a process per case, forks of it per cell, timing alone at the end.

Every finished cell is in the journal before the next is asked for; a run that was cut off goes on
from there. Records are raw; ``assembly`` derives everything else from them.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, TypeAlias

from harness.cells import CaseRunner, Limits, TraceFailed
from harness.counters import Counter, Unavailable, version_of
from harness.environment import describe
from harness.errors import UserError
from harness.isolation import die_with_parent, stdout_to_stderr
from harness.records import Case, Context, Failure, Policy, Reading, Suite, Timing, Trace
from harness.store import Journal, dump_trace, write_atomically

Readings: TypeAlias = tuple[Reading, ...]

CANONICAL = ""
"""Stands for the reference in the place of a counter."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing to do for a case: its reference trace, or a counter in a context."""

    case: str
    counter: str
    context: Context
    version: str = ""

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        return ("cell", self.case, self.counter, self.version, str(self.context))


@dataclass(frozen=True, slots=True)
class Result:
    """What a cell gave: readings, and the name of the file that holds its trace."""

    readings: tuple[Reading, ...] = ()
    trace: str = ""
    failure: Failure | None = None
    tracer: str = ""


@cache
def tracer() -> str:
    """A digest of the code that traces: traces of other code are taken anew, readings are kept."""
    home = Path(__file__).parent
    files = [home / "cells.py", *home.glob("trace/*.py"), *home.glob("counters/*.py")]
    content = b"".join(path.read_bytes() for path in sorted(files))
    return hashlib.sha256(content).hexdigest()[:16]


@dataclass(frozen=True)
class Plan:
    """Everything a run of a suite depends on."""

    suite: Suite
    counters: tuple[Counter, ...]
    folder: Path
    device: str = "cpu"
    jobs: int = 1
    timing: bool = True
    fresh: bool = False

    def cells(self, case: Case) -> list[Cell]:
        asked = [Cell(case.id, CANONICAL, Context(self.device))]
        for counter in self.counters:
            if case.counters and counter.id not in case.counters:
                continue
            further = counter.further if self.suite.contexts == "all" else ()
            for context in (*counter.contexts, *further):
                device = self.device if context.device == "cpu" else context.device
                here = replace(context, device=device)
                asked.append(Cell(case.id, counter.id, here, version_asked(counter)))
        return asked

    @property
    def limits(self) -> Limits:
        cores = os.cpu_count() or 1
        return Limits(
            self.suite.timeout_s, int(self.suite.memory_gib * 2**30), max(1, cores // self.jobs)
        )


def version_asked(counter: Counter) -> str:
    """What tells one version's cell from another's; an overlay may not be installed yet."""
    return " ".join(counter.overlay) or version_of(counter)


@dataclass
class Progress:
    """What a run tells while it goes on; does nothing by itself."""

    begin: Callable[[int, int], None] = lambda total, done: None
    started: Callable[[Cell], None] = lambda cell: None
    finished: Callable[[Cell, Result], None] = lambda cell, result: None
    timing: Callable[[str], None] = lambda case: None


# ------------------------------------------------------------------------ in the case's process


def serve_case(
    pipe: Connection, case: Case, folder: str, device: str, limits: Limits,
    tasks: list[tuple[Cell, Readings]], counters: dict[str, Counter],
) -> None:  # fmt: skip
    """Carry out the cells of a case, one message before and one after each."""

    die_with_parent(os.getppid())
    stdout_to_stderr()

    def abandoned() -> bool:
        try:
            return pipe.poll()  # nothing is ever sent to us: readable means closed
        except (OSError, EOFError):
            return True

    runner = CaseRunner(case, folder, device, limits, abandoned)
    for cell, readings in tasks:
        pipe.send(("started", cell, None, None))
        try:
            trace, result = carry_out(runner, cell, counters.get(cell.counter), readings)
        except UserError as error:
            failure = Failure(case.id, "model", str(error))
            pipe.send(("finished", cell, None, Result(failure=failure)))
            return
        pipe.send(("finished", cell, trace, result))


def carry_out(
    runner: CaseRunner, cell: Cell, counter: Counter | None, readings: Readings
) -> tuple[Any, Result]:
    """(trace, result) of one cell; a trace that fails is a failure of ours, not of the counter."""
    trace, failure = None, None
    if counter is not None:
        readings = readings or runner.read(counter, cell.context)
    try:
        if counter is None:
            trace = runner.canonical()
        elif any(reading.status == "ok" for reading in readings):
            trace = runner.trace(counter, cell.context)
    except Unavailable:
        pass  # the reading says so
    except TraceFailed as error:
        failure = Failure(cell.case, f"trace for {cell.counter or 'the reference'}", str(error))
    return trace, Result(readings, failure=failure)


# ---------------------------------------------------------------------------------- the runner


@dataclass(frozen=True, slots=True)
class Raw:
    """What a run measured, and on what."""

    environment: dict[str, Any]
    results: dict[Cell, Result]
    timings: list[Timing]


def run(plan: Plan, identity: dict[str, Any], progress: Progress) -> Raw:
    """Carry out what the journal does not hold yet."""
    with Journal.open(plan.folder, identity, plan.fresh) as journal:
        environment = journal.done(("environment",))
        if environment is None:
            environment = describe(
                ["torch", "torchvision", *(c.distribution for c in plan.counters)]
            )
            journal.add(("environment",), environment)
        earlier = dict(known_results(plan, journal))
        results = {cell: result for cell, result in earlier.items() if current(plan, result)}
        readings = {cell: result.readings for cell, result in earlier.items()}
        wanted = [cell for case in plan.suite.cases for cell in plan.cells(case)]
        progress.begin(len(wanted), len(results))
        for cell, trace, result in counted(plan, results, readings, progress):
            file = keep_trace(plan.folder, trace) if trace is not None else ""
            result = replace(result, trace=file, tracer=tracer())
            journal.add(cell.key, result)
            results[cell] = result
            progress.finished(cell, result)
        broken = {cell.case for cell, r in results.items() if r.failure and not r.trace}
        timings = list(timed(plan, journal, progress, broken)) if plan.timing else []
    return Raw(environment, {cell: results[cell] for cell in wanted if cell in results}, timings)


def known_results(plan: Plan, journal: Journal) -> Iterator[tuple[Cell, Result]]:
    for case in plan.suite.cases:
        for cell in plan.cells(case):
            result = journal.done(cell.key, Result)
            if result is not None:
                yield cell, result


def current(plan: Plan, result: Result) -> bool:
    """Whether nothing of a cell has to be done again."""
    if result.readings and all(reading.status != "ok" for reading in result.readings):
        return True
    kept = not result.trace or trace_path(plan.folder, result.trace).exists()
    return kept and result.tracer == tracer()


def trace_path(folder: Path, name: str) -> Path:
    return folder / "traces" / f"{name}.json.gz"


def keep_trace(folder: Path, trace: Trace) -> str:
    """Store a trace under the digest of its calls; equal passes in other contexts share a file."""
    data = dump_trace(replace(trace, context=Context()))
    name = hashlib.sha256(data).hexdigest()[:16]
    path = trace_path(folder, name)
    if not path.exists():
        write_atomically(path, data)
    return name


def counted(
    plan: Plan, known: dict[Cell, Result], readings: dict[Cell, Readings], progress: Progress
) -> Iterator[tuple[Cell, Trace | None, Result]]:
    """Results of the cells that are not known, as they come, from ``jobs`` case processes."""
    waiting = [(case, [c for c in plan.cells(case) if c not in known]) for case in plan.suite.cases]
    waiting = [(case, cells) for case, cells in waiting if cells]
    at_work: dict[Connection, CaseProcess] = {}
    try:
        while waiting or at_work:
            while waiting and len(at_work) < plan.jobs:
                process = CaseProcess(plan, *waiting.pop(0), readings)
                at_work[process.pipe] = process
            for pipe in wait(list(at_work), timeout=1.0):
                yield from at_work[pipe].messages(progress)  # type: ignore[index]
            for pipe, process in list(at_work.items()):
                yield from process.overdue()
                if process.over:
                    del at_work[pipe]
                    process.close()
                    if process.left:
                        waiting.insert(0, (process.case, process.left))
    finally:
        for process in at_work.values():
            process.close()


@dataclass(eq=False)
class CaseProcess:
    """A process that works on the cells of one case."""

    plan: Plan
    case: Case
    left: list[Cell]
    readings: dict[Cell, Readings]
    current: Cell | None = None
    over: bool = False
    heard: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        context = forkserver()
        self.pipe, theirs = context.Pipe()
        counters = {counter.id: counter for counter in self.plan.counters}
        self.process = context.Process(
            target=serve_case,
            args=(theirs, self.case, self.plan.suite.folder, self.plan.device, self.plan.limits,
                  [(cell, self.readings.get(cell, ())) for cell in self.left],
                  References(tuple(counters))),
        )  # fmt: skip
        self.process.start()
        theirs.close()
        self.asked = list(self.left)

    def messages(self, progress: Progress) -> Iterator[tuple[Cell, Trace | None, Result]]:
        """What the process has sent; a process that ended in the middle of a cell failed there."""
        try:
            while self.pipe.poll():
                kind, cell, trace, result = self.pipe.recv()
                self.heard = time.monotonic()
                if kind == "started":
                    self.current = cell
                    progress.started(cell)
                    continue
                self.current = None
                self.left.remove(cell)
                yield cell, trace, result
                if result.failure is not None and result.failure.stage == "model":
                    yield from self.failed_rest(result.failure)
        except (EOFError, ConnectionResetError):
            self.process.join(10)
            self.over = True
            if self.current is not None or self.left == self.asked:
                code = self.process.exitcode
                yield from self.lost(f"the case's process ended without a result (exit {code})")

    def failed_rest(self, failure: Failure) -> Iterator[tuple[Cell, None, Result]]:
        """Nothing can be read of a model that cannot be built or run."""
        for cell in list(self.left):
            self.left.remove(cell)
            yield cell, None, Result(failure=failure)

    def overdue(self) -> Iterator[tuple[Cell, None, Result]]:
        """Building and tracing have a limit too, beyond the one that each counter has."""
        limit = 2 * self.plan.limits.timeout_s + 60
        if not self.over and time.monotonic() - self.heard > limit:
            self.over = True
            yield from self.lost(f"no sign of life for {limit:g} s")

    def lost(self, message: str) -> Iterator[tuple[Cell, None, Result]]:
        cell = self.current or (self.left[0] if self.left else None)
        if cell is not None:
            self.left.remove(cell)
            yield cell, None, Result(failure=Failure(self.case.id, "process", message))

    def close(self) -> None:
        self.pipe.close()
        if self.process.is_alive():
            self.process.kill()
        self.process.join()


class References(dict):
    """Counters by id, found anew in the process that uses them: their rules cannot be pickled."""

    def __init__(self, ids: Iterable[str]) -> None:
        from harness.counters import find

        self.ids = tuple(ids)
        super().__init__({counter.id: counter for counter in find(self.ids)} if self.ids else {})

    def __reduce__(self) -> tuple:
        return References, (self.ids,)


def forkserver() -> Any:
    """Processes that start with torch already imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch", "torchvision", "harness.cells", "harness.trace"])
    return context


# -------------------------------------------------------------------------------------- timing


def timed(plan: Plan, journal: Journal, progress: Progress, broken: set[str]) -> Iterator[Timing]:
    """The forward pass of each case that runs, alone: nothing else of ours runs by now."""
    threads = os.cpu_count() or 1
    for case in plan.suite.cases:
        if case.id in broken:
            continue
        key = ("timing", case.id, plan.device, str(threads))
        timing = journal.done(key, Timing)
        if timing is None:
            progress.timing(case.id)
            timing = time_apart(plan, case, threads)
            journal.add(key, timing)
        yield timing


def time_apart(plan: Plan, case: Case, threads: int) -> Timing:
    pipe, theirs = forkserver().Pipe()
    process = forkserver().Process(
        target=serve_timing,
        args=(theirs, case, plan.suite.folder, plan.device, threads, plan.suite.timing),
    )
    process.start()
    theirs.close()
    blank = Timing(case.id, plan.device, threads, case.dtype, ())
    limit = plan.limits.timeout_s + 30 * plan.suite.timing.seconds
    try:
        if not pipe.poll(limit):
            return replace(blank, status="timeout", message=f"no result within {limit:g} s")
        answer = pipe.recv()
    except EOFError:
        process.join()
        message = f"its process ended without a result (exit {process.exitcode})"
        return replace(blank, status="failed", message=message)
    finally:
        process.kill()
        process.join()
        pipe.close()
    if isinstance(answer, str):
        return replace(blank, status="failed", message=answer)
    return replace(blank, samples=answer)


def serve_timing(
    pipe: Connection, case: Case, folder: str, device: str, threads: int, policy: Policy
) -> None:
    from harness.models import build
    from harness.timing import cpu, cuda

    die_with_parent(os.getppid())
    stdout_to_stderr()
    try:
        built = build(case, device=device, folder=folder)
        if device == "cuda":
            samples = cuda.time_forward(built.module, built.args, built.kwargs, policy)
        else:
            samples = cpu.time_forward(built.module, built.args, built.kwargs, policy, threads)
        pipe.send(samples)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - what a model raises is the answer
        pipe.send(f"{type(error).__name__}: {error}")
