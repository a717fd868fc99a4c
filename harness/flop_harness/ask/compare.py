"""From a suite or a model to a finished run, and its files if they are wanted."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from flop_harness import store
from flop_harness.reconcile.assembly import assemble
from flop_harness.records import Failure, Run, Suite
from flop_harness.run.identity import identity
from flop_harness.run.plan import Plan, Progress
from flop_harness.run.planning import make_plan
from flop_harness.run.runner import run


def carry_out(plan: Plan, progress: Progress | None = None) -> Run:
    """Run what is missing and assemble everything."""
    return assemble(plan, run(plan, identity(plan), progress or Progress()))


def broken(suite: Suite, **options: Any) -> list[Failure]:
    """The models that do not run: each is counted for the reference, and no counter is asked."""
    with tempfile.TemporaryDirectory(prefix="flop-harness-") as folder:
        plan = replace(make_plan(suite, Path(folder), **options), counters=())
        results = run(plan, identity(plan), Progress()).results.values()
    failures = (result.failure for result in results)
    return [failure for failure in failures if failure is not None and failure.stage == "model"]


def save(run: Run, folder: Path) -> Run:
    """Write the run and every file of the report; clear away traces no cell refers to.

    The run is saved before the report is made, and again, as it is returned, with the failures that
    came up on the way.
    """
    from flop_harness import report

    store.save(run, folder)
    store.TraceStore(folder).prune(file for trace in run.traces for file in trace.files)
    failures = report.write(run, folder).failures
    if not failures:
        return run
    told = report.with_failures(run, failures)
    store.save(told, folder)
    return told


def compare_once(suite: Suite, progress: Progress | None = None, **options: Any) -> Run:
    """A run whose files are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="flop-harness-") as folder:
        return carry_out(make_plan(suite, Path(folder), **options), progress)
