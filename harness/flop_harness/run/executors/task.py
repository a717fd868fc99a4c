"""What a worker of a cluster does: the cells of a case as on any machine, each told as it is done.

The case has a process of its own and each counter a fork of it, in a scratch folder of the worker.
They work one after another: a task is one core's share of the machine.
"""

from __future__ import annotations

import multiprocessing
import pickle
import socket
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flop_harness.counters import find
from flop_harness.errors import UserError
from flop_harness.records import Sources, Suite
from flop_harness.run.executors.versions import Versions, difference, versions
from flop_harness.run.plan import Plan, Progress, Result, Work
from flop_harness.run.workers import counted
from flop_harness.store import TraceStore


@dataclass(frozen=True)
class Task:
    """A case of a suite, and what has to be there; results go into the queue of that name."""

    work: Work
    suite: Suite
    device: str
    counters: tuple[str, ...]
    versions: Versions
    queue: str


def carry_out(task: Task) -> None:
    """Send ``(kind, case, ...)`` for each step; UserError where this worker is not fit for it."""
    from distributed import Queue, get_worker

    refuse_unfit(task)
    multiprocessing.current_process().daemon = False  # ours end with their parent: see run.guard
    worker, queue = get_worker(), Queue(task.queue)
    key = worker.get_current_task()

    def send(*message: Any) -> None:
        queue.put(pickle.dumps(message))

    with tempfile.TemporaryDirectory(prefix="case-", dir=worker.local_directory) as folder:
        for _ in cells_told(task, Path(folder), send):
            if worker.state.tasks[key].state == "cancelled":  # nobody waits for it any more
                return


def cells_told(task: Task, folder: Path, send: Callable[..., None]) -> Any:
    case, brought = task.work.case.id, set[str]()

    def new_traces(result: Result) -> dict[str, bytes]:
        names = {name for name in (result.trace, result.plain) if name} - brought
        brought.update(names)
        store = TraceStore(folder)  # anew: the case's process writes to it
        return {name: store.line(name) for name in names}

    def keep(digest: str, sources: Sources) -> None:
        if digest not in brought:
            brought.add(digest)
            send("sources", case, digest, sources)

    progress = Progress(
        note=lambda line: send("note", case, line), started=lambda cell: send("started", case, cell)
    )
    training = any(cell.context.training for cell in task.work.cells)
    plan = Plan(task.suite, tuple(find(task.counters)), folder, task.device, jobs=1, cores=1,
                training=training)  # fmt: skip
    for cell, result in counted(plan, [task.work], progress, keep):
        send("finished", case, cell, result, new_traces(result))
        yield cell


def refuse_unfit(task: Task) -> None:
    name = socket.gethostname()
    if why := difference(versions(task.counters), task.versions):
        raise UserError(f"a worker on {name} is not fit for this run: {why}")
    if not Path(task.suite.folder).is_dir():
        raise UserError(f"a worker on {name} has no folder {task.suite.folder}: models lie there")
