"""Forward passes timed one case after another, each in a process of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from multiprocessing.connection import Connection

from harness.isolation import die_with_parent, stdout_to_stderr
from harness.plan import Plan, Progress
from harness.records import Case, Policy, Timing
from harness.store import Journal
from harness.workers import forkserver


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
    samples, turns = answer
    return replace(blank, samples=samples, turns=turns)


def serve_timing(
    pipe: Connection, case: Case, folder: str, device: str, threads: int, policy: Policy
) -> None:
    from harness.models import build
    from harness.timing.device import device as device_of
    from harness.timing.sampling import sample

    die_with_parent(os.getppid())
    stdout_to_stderr()
    try:
        built = build(case, device=device, folder=folder)
        here = device_of(device)
        series = replace(here.series(case.dtype)[0], threads=threads)
        with here.settings(series):
            run = here.ready(built.module, built.args, built.kwargs, series)
            turns = sample(run, policy, here.clock())
        pipe.send((tuple(chain.from_iterable(turns)), tuple(map(len, turns))))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - what a model raises is the answer
        pipe.send(f"{type(error).__name__}: {error}")
