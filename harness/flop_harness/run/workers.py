"""Processes that count: for each case one, or several where no other case waits.

At most so many work at once; each forks for every cell. It is told its cells one ahead, so that the
rest can go to a process that has nothing to do.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path

from flop_harness.counters import Counter, overlay
from flop_harness.records import Case, Failure
from flop_harness.run import isolation
from flop_harness.run.identity import digest
from flop_harness.run.plan import Cell, Keep, Plan, Progress, Result, Work
from flop_harness.run.processes import end_process, forkserver
from flop_harness.run.serving import serve_case
from flop_harness.store import TraceStore
from flop_harness.suite.sources import named


def counted(
    plan: Plan, works: Sequence[Work], progress: Progress, keep: Keep = lambda digest, sources: None
) -> Iterator[tuple[Cell, Result]]:
    """The result of each cell, as they come, from ``jobs`` processes.

    What came too short of memory beside others is asked again in the end, with the machine for itself.
    """
    starved: dict[str, list[Cell]] = {}
    for cell, result in side_by_side(plan, works, progress, keep):
        if plan.jobs > 1 and any(map(isolation.starved, told(result))):
            starved.setdefault(cell.case, []).append(cell)
        else:
            yield cell, result
    cases = {work.case.id: work.case for work in works}
    again = [Work(cases[case], tuple(cells)) for case, cells in starved.items()]
    yield from side_by_side(replace(plan, jobs=1), again, progress, keep)


def told(result: Result) -> Iterator[str]:
    yield from (reading.message for reading in result.readings)
    if result.failure is not None:
        yield result.failure.message


def side_by_side(
    plan: Plan, works: Sequence[Work], progress: Progress, keep: Keep
) -> Iterator[tuple[Cell, Result]]:
    """``jobs`` processes at once, each for a case; where no case waits, several for the cells of one."""
    waiting = list(works)
    at_work: dict[Connection, Worker] = {}
    try:
        while waiting or at_work:
            while len(at_work) < plan.jobs and (work := next_work(waiting, at_work.values())):
                worker = Worker(plan, work, keep)
                at_work[worker.pipe] = worker
            for pipe in wait(list(at_work), timeout=1.0):
                yield from at_work[pipe].messages(progress)  # type: ignore[index]
            for pipe, worker in list(at_work.items()):
                yield from worker.overdue()
                if worker.over:
                    del at_work[pipe]
                    worker.close()
                    if worker.left:
                        waiting.insert(0, replace(worker.work, cells=tuple(worker.left)))
    finally:
        for worker in at_work.values():
            worker.close()


def next_work(waiting: list[Work], at_work: Iterable[Worker]) -> Work | None:
    """What a free process does: the next case, or else a share of what another has most left of."""
    if waiting:
        return waiting.pop(0)
    busiest = max(at_work, key=lambda each: len(each.untold), default=None)
    return None if busiest is None else busiest.share()


AHEAD = 2
"""Cells that a process knows of: the one it works on, and the next"""
FEW = 3
"""Cells that are not worth another process, which has to build the model too"""


@dataclass(eq=False)
class Worker:
    """A process that works on cells of one case."""

    plan: Plan
    work: Work
    keep: Keep
    current: Cell | None = None
    over: bool = False
    answered: bool = False
    told: list[Cell] = field(default_factory=list)
    heard: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.untold = list(self.work.cells)
        context = forkserver(large_pages=True)
        self.pipe, theirs = context.Pipe()
        tasks, self.tasks = context.Pipe(duplex=False)
        counters = {counter.id: counter for counter in self.plan.counters}
        self.process = context.Process(
            target=serve_case,
            args=(theirs, tasks, self.case, self.plan.suite.folder, self.plan.variant,
                  self.plan.limits, References(tuple(counters)),
                  TraceStore(self.plan.folder.resolve()), whole_overlays(self.plan.counters),
                  len(self.plan.suite.cases) > 1),
        )  # fmt: skip
        self.process.start()
        theirs.close()
        tasks.close()
        self.tell()

    @property
    def left(self) -> list[Cell]:
        return [*self.told, *self.untold]

    def tell(self) -> None:
        """Send the cells that are next, or that there are no more."""
        with suppress(BrokenPipeError):  # it has ended: so will its messages
            while self.untold and len(self.told) < AHEAD:
                cell = self.untold.pop(0)
                self.told.append(cell)
                self.tasks.send((cell, self.work.readings.get(cell, ())))
        if not self.untold:
            self.tasks.close()

    def share(self) -> Work | None:
        """Every second cell that it was not told of, for another process; None where they are few."""
        if len(self.untold) < FEW:
            return None
        given, self.untold = self.untold[1::2], self.untold[::2]
        return replace(self.work, cells=tuple(given))

    def done(self, cell: Cell) -> None:
        (self.told if cell in self.told else self.untold).remove(cell)

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
                if kind == "note":
                    progress.note(result)
                    continue
                if kind == "started":
                    self.current = cell
                    progress.started(cell)
                    continue
                self.current, self.answered = None, True
                self.done(cell)
                self.tell()
                yield cell, result
                if result.failure is not None and result.failure.stage == "model":
                    yield from self.failed_rest(result)
        except (EOFError, OSError):  # ended, maybe in the middle of a message
            self.process.join(10)
            self.over = True
            if self.current is not None or not self.answered:
                yield from self.lost(f"the case's process {ended(self.process.exitcode)}")

    def failed_rest(self, failed: Result) -> Iterator[tuple[Cell, Result]]:
        """Nothing can be read of a model that cannot be built or run."""
        for cell in self.left:
            self.done(cell)
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
            self.done(cell)
            sources = named(self.case.model, self.plan.suite.folder)
            self.keep(digest(sources), sources)
            failure = Failure(self.case.id, "process", f"{message}; --fresh tries again")
            yield cell, Result(failure=failure, sources=digest(sources))

    def close(self) -> None:
        self.pipe.close()
        self.tasks.close()
        end_process(self.process)


def ended(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return isolation.KILLED
    return f"ended without a result (exit {code})"


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
