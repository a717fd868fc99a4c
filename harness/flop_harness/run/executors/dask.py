"""Cases on the workers of a dask cluster, which schedules them, and gives those of a dead worker
to another.

Each case is a task (``executors.task``); what it has done comes through a queue of the scheduler,
cell by cell. Where the scheduler is gone and comes back, what is left is submitted anew.
"""

from __future__ import annotations

import pickle
import time
from asyncio import CancelledError
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from flop_harness.errors import UserError, extras_named, raised
from flop_harness.records import Failure, Sources
from flop_harness.run.executors.clusters import RETURN_S, connected
from flop_harness.run.executors.task import Task, carry_out
from flop_harness.run.executors.versions import difference, versions
from flop_harness.run.plan import Cell, Keep, Plan, Progress, Result, Work
from flop_harness.store import TraceStore
from flop_harness.suite.sources import changed

GONE = (OSError, TimeoutError, CancelledError)
"""What is raised where the scheduler does not answer"""
TURN_S = 0.1
"""Between two looks into an empty queue"""


def counted(
    plan: Plan, works: Sequence[Work], progress: Progress, keep: Keep
) -> Iterator[tuple[Cell, Result]]:
    """The result of each cell, as they come, from the workers of a cluster."""
    left = {work.case.id: work for work in works}
    told, before = Told(plan, keep, progress), False
    while left:
        with extras_named():
            connection = connected(plan.executor, plan.jobs, before)
        try:
            with connection as client:
                before = True
                yield from Spread(client, plan, left, told).results()
        except GONE as error:
            progress.note(f"the scheduler is gone ({raised(error)}): waiting {RETURN_S:g} s for it")


@dataclass
class Told:
    """What workers tell beside results."""

    plan: Plan
    keep: Keep
    progress: Progress
    known: set[tuple[str, str]] = field(default_factory=set)

    def sources(self, work: Work, digest: str, sources: Sources) -> None:
        """UserError where a worker has built a model from other code than lies here."""
        if (work.case.id, digest) not in self.known:
            if why := changed(sources, work.case.model, self.plan.suite.folder):
                raise UserError(f"case {work.case.id!r}: a worker's model is of other code: {why}")
            self.known.add((work.case.id, digest))
            self.keep(digest, sources)


class Spread:
    """Works submitted to a scheduler; ``left`` shrinks as their cells come."""

    def __init__(self, client: Any, plan: Plan, left: dict[str, Work], told: Told) -> None:
        from distributed import Queue

        self.client, self.plan, self.left, self.told = client, plan, left, told
        self.counters = tuple(counter.id for counter in plan.counters)
        self.versions = versions(self.counters)
        self.queue = Queue(f"flop-harness-{uuid4().hex}", client=client)
        self.traces = TraceStore(plan.folder)
        self.at_work: dict[Any, str] = {}

    def results(self) -> Iterator[tuple[Cell, Result]]:
        self.refuse_unfit_workers()
        for case in list(self.left):
            self.submit(case)
        try:
            while self.at_work:
                # looked at before the queue: what they have sent lies in it by now
                ended = [each for each in self.at_work if each.status != "pending"]
                yield from self.received(0.0 if ended else TURN_S)
                for future in ended:
                    yield from self.settled(future)
        finally:
            self.queue.close()

    def refuse_unfit_workers(self) -> None:
        """Those that join later refuse their first case."""
        found = self.client.run(versions, self.counters, on_error="return")
        for address, there in found.items():
            if isinstance(there, BaseException):
                raise UserError(f"worker {address} is not fit for this run: {raised(there)}")
            if why := difference(there, self.versions):
                raise UserError(f"worker {address} is not fit for this run: {why}")
        if not found:
            self.told.progress.note("no worker has joined yet: waiting for one")

    def submit(self, case: str) -> None:
        work = self.left[case]
        folder = str(Path(self.plan.suite.folder or ".").resolve())
        suite = replace(self.plan.suite, cases=(work.case,), folder=folder)
        task = Task(work, suite, self.plan.device, self.counters, self.versions, self.queue.name)
        key = f"{case}-{uuid4().hex}"
        self.at_work[self.client.submit(carry_out, task, key=key, pure=False)] = case

    def received(self, within_s: float) -> Iterator[tuple[Cell, Result]]:
        """What has come into the queue; where nothing has, a little later."""
        messages = self.queue.get(batch=True)
        if not messages and within_s:
            time.sleep(within_s)
        for message in messages:
            kind, case, *told = pickle.loads(message)
            if case in self.left:
                yield from getattr(self, f"hear_{kind}")(self.left[case], *told)

    def hear_note(self, work: Work, line: str) -> Iterator[tuple[Cell, Result]]:
        self.told.progress.note(line)
        yield from ()

    def hear_started(self, work: Work, cell: Cell) -> Iterator[tuple[Cell, Result]]:
        self.told.progress.started(cell)
        yield from ()

    def hear_sources(self, work: Work, *told: Any) -> Iterator[tuple[Cell, Result]]:
        self.told.sources(work, *told)
        yield from ()

    def hear_finished(
        self, work: Work, cell: Cell, result: Result, traces: Mapping[str, bytes]
    ) -> Iterator[tuple[Cell, Result]]:
        """A case that was given to a second worker tells its first cells twice."""
        for name, line in traces.items():
            self.traces.add(name, line)
        if cell in work.cells:
            self.done(work, cell)
            yield cell, result

    def done(self, work: Work, cell: Cell) -> None:
        case, rest = work.case.id, work.without(cell)
        self.left[case] = rest
        if not rest.cells:
            del self.left[case]

    def settled(self, future: Any) -> Iterator[tuple[Cell, Result]]:
        """A task that failed, or cost several workers, fails for the cells that it has not told."""
        case, status = self.at_work.pop(future), future.status
        error = future.exception() if status == "error" else None
        if isinstance(error, UserError):
            raise error
        if error is not None and case in self.left:
            failure = Failure(case, "process", f"on a worker: {raised(error)}")
            yield from ((cell, Result(failure=failure)) for cell in self.left.pop(case).cells)
        if case in self.left:  # cancelled, or what it sent went with a scheduler
            self.submit(case)
