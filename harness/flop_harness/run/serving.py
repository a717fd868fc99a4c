"""A process of a case: its cells, carried out as they come."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from flop_harness.counters import Counter, Unavailable, overlay
from flop_harness.errors import UserError, raised
from flop_harness.records import Case, Context, Failure
from flop_harness.run.answers import first_line
from flop_harness.run.cells import CaseRunner, Limits, TraceFailed
from flop_harness.run.identity import digest
from flop_harness.run.plan import Cell, Readings, Result
from flop_harness.run.processes import begin_process
from flop_harness.run.reading import read, refused
from flop_harness.store import TraceStore
from flop_harness.suite.sources import taken


def serve_case(
    pipe: Connection, tasks: Connection, case: Case, folder: str, variant: str, limits: Limits,
    counters: dict[str, Counter], traces: TraceStore, overlays: frozenset[Path], pack: bool,
) -> None:  # fmt: skip
    """Carry out the cells of a case as they come, one message before and one after each.

    Then ``pack`` its traces: of a suite each process does its part, of one model nothing is kept.
    """
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

    def tell(note: str) -> None:
        pipe.send(("note", None, note))

    runner = CaseRunner(case, folder, limits, abandoned, tell, variant=variant, counters=counters)
    with suppress(BrokenPipeError):  # who waited is gone
        answer(pipe, runner, received(tasks), counters, traces)
    if pack:
        with suppress(UserError):  # the lines stand: who packs them at last tells why it cannot
            traces.pack(case.id)


def received(tasks: Connection) -> Iterator[tuple[Cell, Readings]]:
    with suppress(EOFError):  # there are no more, or nobody is there any more who has some
        while True:
            yield tasks.recv()


def answer(
    pipe: Connection, runner: CaseRunner, tasks: Iterable[tuple[Cell, Readings]],
    counters: dict[str, Counter], traces: TraceStore,
) -> None:  # fmt: skip
    """The cells one by one, until the model or the process turns out to be of no use."""
    case, folder, name, told = runner.case, runner.folder, "", None
    for cell, readings in tasks:
        pipe.send(("started", cell, None))
        if note := overlay.installing(
            cell.counter, getattr(counters.get(cell.counter), "overlay", ())
        ):
            runner.tell(note)
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
    if counter is not None:
        if twice_on_meta(runner, counter, context):
            return Result()
        try:
            context = counter.in_place(context, runner.model.valueless)
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
    return (
        context.device == "meta" and bool(runner.model.valueless) and here in counter.every_context
    )
