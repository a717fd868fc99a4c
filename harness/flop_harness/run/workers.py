"""Processes that count: for each case one, or several where there are fewer cases than processes.

At most so many work at once; each forks for every cell.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path

from flop_harness.counters import Counter, Unavailable, overlay
from flop_harness.errors import UserError, raised
from flop_harness.records import Case, Context, Failure
from flop_harness.run.answers import first_line
from flop_harness.run.cells import CaseRunner, Limits, TraceFailed
from flop_harness.run.identity import digest
from flop_harness.run.plan import Cell, Keep, Plan, Progress, Readings, Result, Work
from flop_harness.run.processes import begin_process, end_process, forkserver
from flop_harness.run.reading import read, refused
from flop_harness.store import TraceStore
from flop_harness.suite.sources import named, taken


def counted(
    plan: Plan, works: Sequence[Work], progress: Progress, keep: Keep = lambda digest, sources: None
) -> Iterator[tuple[Cell, Result]]:
    """The result of each cell, as they come, from ``jobs`` case processes."""
    waiting = dealt_out(works, plan.jobs)
    at_work: dict[Connection, CaseProcess] = {}
    try:
        while waiting or at_work:
            while waiting and len(at_work) < plan.jobs:
                process = CaseProcess(plan, waiting.pop(0), keep)
                at_work[process.pipe] = process
            for pipe in wait(list(at_work), timeout=1.0):
                yield from at_work[pipe].messages(progress)  # type: ignore[index]
            for pipe, process in list(at_work.items()):
                yield from process.overdue()
                if process.over:
                    del at_work[pipe]
                    process.close()
                    if process.left:
                        waiting.insert(0, replace(process.work, cells=tuple(process.left)))
    finally:
        for process in at_work.values():
            process.close()


def dealt_out(works: Sequence[Work], jobs: int) -> list[Work]:
    """The cells of each case in as many shares as there are processes for it."""
    each = jobs // max(len(works), 1)
    if each < 2:
        return list(works)
    shares = (
        replace(work, cells=work.cells[place::each]) for work in works for place in range(each)
    )
    return [work for work in shares if work.cells]


@dataclass(eq=False)
class CaseProcess:
    """A process that works on the cells of one case."""

    plan: Plan
    work: Work
    keep: Keep
    current: Cell | None = None
    over: bool = False
    heard: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.left = list(self.work.cells)
        context = forkserver(large_pages=True)
        self.pipe, theirs = context.Pipe()
        counters = {counter.id: counter for counter in self.plan.counters}
        self.process = context.Process(
            target=serve_case,
            args=(theirs, self.case, self.plan.suite.folder, self.plan.device, self.plan.limits,
                  [(cell, self.work.readings.get(cell, ())) for cell in self.left],
                  References(tuple(counters)), TraceStore(self.plan.folder.resolve()),
                  whole_overlays(self.plan.counters)),
        )  # fmt: skip
        self.process.start()
        theirs.close()

    @property
    def case(self) -> Case:
        return self.work.case

    def messages(self, progress: Progress) -> Iterator[tuple[Cell, Result]]:
        """What the process has sent; a process that ended in the middle of a cell failed there."""
        try:
            while self.pipe.poll():
                kind, cell, result = self.pipe.recv()
                self.heard = time.monotonic()
                if kind == "sources":
                    self.keep(cell, result)
                    continue
                if kind == "installing":
                    progress.note(result)
                    continue
                if kind == "started":
                    self.current = cell
                    progress.started(cell)
                    continue
                self.current = None
                self.left.remove(cell)
                yield cell, result
                if result.failure is not None and result.failure.stage == "model":
                    yield from self.failed_rest(result)
        except (EOFError, OSError):  # ended, maybe in the middle of a message
            self.process.join(10)
            self.over = True
            if self.current is not None or len(self.left) == len(self.work.cells):
                code = self.process.exitcode
                yield from self.lost(f"the case's process ended without a result (exit {code})")

    def failed_rest(self, failed: Result) -> Iterator[tuple[Cell, Result]]:
        """Nothing can be read of a model that cannot be built or run."""
        for cell in list(self.left):
            self.left.remove(cell)
            yield cell, failed

    def overdue(self) -> Iterator[tuple[Cell, Result]]:
        """Building and tracing have a limit too, beyond the one that each counter has."""
        limit = 2 * self.plan.limits.timeout_s + 60
        if not self.over and time.monotonic() - self.heard > limit:
            self.over = True
            yield from self.lost(f"no sign of life for {limit:g} s")

    def lost(self, message: str) -> Iterator[tuple[Cell, Result]]:
        """The cell that was worked on. It is tried again if its model is another, or if asked."""
        cell = self.current or (self.left[0] if self.left else None)
        if cell is not None:
            self.left.remove(cell)
            sources = named(self.case.model, self.plan.suite.folder)
            self.keep(digest(sources), sources)
            failure = Failure(self.case.id, "process", f"{message}; --fresh tries again")
            yield cell, Result(failure=failure, sources=digest(sources))

    def close(self) -> None:
        self.pipe.close()
        end_process(self.process)


def whole_overlays(counters: Iterable[Counter]) -> frozenset[Path]:
    """Those that need not be looked through again by each process."""
    for counter in counters:
        overlay.missing(counter.overlay)
    return overlay.found_whole()


class References(dict):
    """Counters by id, found anew in the process that uses them: their rules cannot be pickled."""

    def __init__(self, ids: Iterable[str]) -> None:
        from flop_harness.counters import find

        self.ids = tuple(ids)
        super().__init__({counter.id: counter for counter in find(self.ids)} if self.ids else {})

    def __reduce__(self) -> tuple:
        return References, (self.ids,)


# ------------------------------------------------------------------------ in the case's process


def serve_case(
    pipe: Connection, case: Case, folder: str, device: str, limits: Limits,
    tasks: list[tuple[Cell, Readings]], counters: dict[str, Counter], traces: TraceStore,
    overlays: frozenset[Path],
) -> None:  # fmt: skip
    """Carry out the cells of a case, one message before and one after each."""
    import torch

    begin_process()
    overlay.take_as_whole(overlays)
    gc.freeze()  # a collection in a fork would copy every page that holds an object
    torch.set_num_threads(1)  # a fork of what has computed on several hangs when it does so itself

    def abandoned() -> bool:
        try:
            return pipe.poll()  # nothing is ever sent to us: readable means closed
        except (OSError, EOFError):
            return True

    runner = CaseRunner(case, folder, device, limits, abandoned, counters=counters)
    with suppress(BrokenPipeError):  # who waited is gone
        answer(pipe, runner, tasks, counters, traces)


def answer(
    pipe: Connection, runner: CaseRunner, tasks: list[tuple[Cell, Readings]],
    counters: dict[str, Counter], traces: TraceStore,
) -> None:  # fmt: skip
    """The cells one by one, until the model or the process turns out to be of no use."""
    case, folder, name, told = runner.case, runner.folder, "", None
    for cell, readings in tasks:
        pipe.send(("started", cell, None))
        if note := overlay.installing(
            cell.counter, getattr(counters.get(cell.counter), "overlay", ())
        ):
            pipe.send(("installing", cell, note))
        try:
            result = carry_out(runner, cell, counters.get(cell.counter), readings, traces)
        except UserError as error:
            result = Result(failure=Failure(case.id, "model", first_line(str(error))))
        except BaseException as error:  # noqa: BLE001 - a record, as what a counter raises
            result = Result(failure=Failure(case.id, "process", first_line(raised(error))))
        sources = taken(folder)  # again for each cell: a forward pass may import too
        if sources != told:
            name, told = digest(sources), sources
            pipe.send(("sources", name, sources))
        pipe.send(("finished", cell, replace(result, sources=name)))
        if result.failure is not None and result.failure.stage in ("model", "process"):
            return


def carry_out(
    runner: CaseRunner,
    cell: Cell,
    counter: Counter | None,
    readings: Readings,
    traces: TraceStore,
) -> Result:
    """The result of one cell; a trace that fails is a failure of ours, not of the counter."""
    trace, plain, failure, context, hooked = None, None, None, cell.context, False
    runner.variant = "training" if context.training else ""
    if counter is not None:
        if twice_on_meta(runner, counter, context):
            return Result()
        try:
            context = counter.in_place(context, runner.valueless)
        except Unavailable as why:
            return Result(readings or refused(runner, counter, context, str(why)))
        readings = readings or read(runner, counter, context)
    try:
        if counter is None:
            trace = runner.canonical()
        elif any(reading.status == "ok" for reading in readings):
            trace = runner.trace(counter, context)
            plain, hooked = runner.plain(counter, trace, context)
    except Unavailable:
        pass  # the reading says so
    except TraceFailed as error:
        failure = Failure(cell.case, f"trace for {cell.counter or 'the reference'}", str(error))
    kept, beside = (traces.keep(cell.case, t) if t is not None else "" for t in (trace, plain))
    mode = trace.context.mode if trace is not None and counter is None else ""
    return Result(readings, kept, failure, mode=mode, plain=beside, hooked=hooked)


def twice_on_meta(runner: CaseRunner, counter: Counter, context: Context) -> bool:
    """Whether a model without values is asked about in this context as in that on the CPU."""
    here = replace(context, device="cpu")
    return context.device == "meta" and bool(runner.valueless) and here in counter.every_context
