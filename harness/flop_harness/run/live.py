"""A live module's cells, carried out in this process and its forks; several at once if asked.

Nothing of the module is pickled: each worker is a fork, and each counter gets a fork of its own.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

from flop_harness.counters import Counter
from flop_harness.errors import UserError
from flop_harness.records import Case, Failure
from flop_harness.run.cells import CaseRunner, Limits
from flop_harness.run.guard import die_with_parent, unwarned_of_threads
from flop_harness.run.plan import Cell, Plan, Progress, Result
from flop_harness.run.serving import carry_out
from flop_harness.store import TraceStore
from flop_harness.suite.build import Built


def compared(plan: Plan, built: Built, progress: Progress) -> dict[Cell, Result]:
    """The result of every cell of the plan's one case. UserError where the model raises."""
    (case,) = plan.suite.cases
    cells = plan.cells(case)
    progress.begin(len(cells), 0)
    results: dict[Cell, Result] = {}
    jobs = min(plan.jobs, len(cells))
    found = one_by_one(plan, built, cells) if jobs == 1 else in_forks(plan, built, cells, jobs)
    for cell, result in found:
        results[cell] = result
        progress.finished(cell, result)
    return {cell: results[cell] for cell in cells}


def one_by_one(plan: Plan, built: Built, cells: list[Cell]) -> Iterator[tuple[Cell, Result]]:
    """On one thread: a fork of a process that has computed on several cannot."""
    (case,) = plan.suite.cases
    limits = Limits(plan.suite.timeout_s, int(plan.suite.memory_gib * 2**30), threads=1)
    runner = CaseRunner(case, "", limits, live=built, variant=plan.variant)
    by_id: dict[str, Counter] = {counter.id: counter for counter in plan.counters}
    traces = TraceStore(plan.folder)
    for cell in cells:
        yield cell, carry_out(runner, cell, by_id.get(cell.counter), (), traces)


def in_forks(
    plan: Plan, built: Built, cells: list[Cell], jobs: int
) -> Iterator[tuple[Cell, Result]]:
    """The cells dealt out to so many forks; what one of them leaves undone failed."""
    (case,) = plan.suite.cases
    context = multiprocessing.get_context("fork")
    left: dict[Any, list[Cell]] = {}
    processes = []
    try:
        for place in range(jobs):
            reader, writer = context.Pipe(duplex=False)
            share = cells[place::jobs]
            process = context.Process(target=work, args=(writer, plan, built, share), daemon=False)
            with unwarned_of_threads():
                process.start()
            writer.close()
            processes.append(process)
            left[reader] = share
        while left:
            for ready in wait(list(left)):
                yield from received(ready, left, case)
    finally:
        for process in processes:
            process.kill()
            process.join()


def received(reader: Any, left: dict[Any, list[Cell]], case: Case) -> Iterator[tuple[Cell, Result]]:
    try:
        answer = reader.recv()
    except EOFError:
        lost = Failure(case.id, "process", "its process ended without a result")
        yield from ((cell, Result(failure=lost)) for cell in left.pop(reader))
        return
    if isinstance(answer, UserError):
        raise answer
    cell, result = answer
    left[reader].remove(cell)
    if not left[reader]:
        del left[reader]
    yield cell, result


def work(writer: Connection, plan: Plan, built: Built, cells: list[Cell]) -> None:
    """In a fork: the cells one by one, each result sent as it comes."""
    import os

    import torch

    die_with_parent(os.getppid())
    torch.set_num_threads(1)
    try:
        for answer in one_by_one(plan, built, cells):
            writer.send(answer)
    except UserError as error:
        writer.send(error)
