"""What an earlier run in another folder found and what no code of today's would find otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from flop_harness.records import Suite
from flop_harness.run.digests import reader
from flop_harness.run.identity import identity, sources_key
from flop_harness.run.plan import CANONICAL, Plan
from flop_harness.store import Journal, TraceStore, finished

Key = tuple[str, ...]


def take_over(plan: Plan, folder: Path, whole: Suite) -> None:
    """Put into the plan's folder the cells of the run in ``folder`` that hold still.

    That run was of ``whole``, perhaps of more cases than the plan has. Its counters were asked by the
    code and in the versions of today; the run that goes on from here holds the models against theirs.
    """
    before = finished(folder, identity(replace(plan, suite=whole)))
    kept = dict(cells_kept(plan, before))
    for record in list(kept.values()):
        key = sources_key(record.get("sources", ""))
        if key in before:
            kept[key] = before[key]
    with Journal.open(plan.folder, identity(plan)) as journal:
        journal.add_all(kept)
    TraceStore(plan.folder).take_files({case.id for case in plan.suite.cases}, TraceStore(folder))


def cells_kept(plan: Plan, before: dict[Key, Any]) -> Iterator[tuple[Key, Any]]:
    readers = {counter.id: reader(counter) for counter in plan.counters}
    for case in plan.suite.cases:
        for cell in plan.cells(case):
            record = before.get(cell.key)
            now = readers.get(cell.counter, "")
            if record is not None and (
                cell.counter == CANONICAL or (now and record.get("reader", "") == now)
            ):
                yield cell.key, record
