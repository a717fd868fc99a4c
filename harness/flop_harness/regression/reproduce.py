"""A suite run anew on this machine, beside what was published of it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from flop_harness import store
from flop_harness.conventions.catalogue import VERSION
from flop_harness.errors import UserError
from flop_harness.reconcile.changes import Comparison, Key, Move, compare, why_not
from flop_harness.records import Run
from flop_harness.records.times import Times
from flop_harness.report.analysis.reproduction import Reproduction, times_held
from flop_harness.report.sources.times import times_in
from flop_harness.run.commits import committed, committed_files

COMMITTED, FOUND = "the last commit", "the folder as it was"


@dataclass(frozen=True)
class Published:
    """What a folder of results held: its run, and times by the folder of their machine."""

    source: str = FOUND
    run: Run | None = None
    machines: Mapping[str, Times] = field(default_factory=dict)

    @property
    def anything(self) -> bool:
        return self.run is not None or bool(self.machines)


def published_in(folder: Path) -> Published:
    """As the last commit holds the folder; where it holds nothing of it, as the folder is.

    Raises UserError.
    """
    names = [name for name in committed_files(folder) if is_record(name)]
    if not names:
        return Published(FOUND, *records_in(folder))
    with tempfile.TemporaryDirectory(prefix="flop-harness-") as scratch:
        for name in names:
            content = committed(folder / name)
            if content is not None:
                store.write_atomically(Path(scratch) / name, content)
        return Published(COMMITTED, *records_in(Path(scratch)))


def is_record(name: str) -> bool:
    """Of a run, or of the times of a machine: ``run.json.xz``, ``<machine>/times.json.xz``."""
    return name in (store.RUN_FILE, store.MEASURED_FILE) or (
        name.count("/") == 1 and name.endswith(f"/{store.TIMES_FILE}")
    )


def records_in(folder: Path) -> tuple[Run | None, Mapping[str, Times]]:
    """The run that lies in a folder, if one does, and times. UserError where it cannot be read."""
    run = store.load(folder) if (folder / store.RUN_FILE).is_file() else None
    return run, times_in(folder) if folder.is_dir() else {}


def reproduction(published: Published, run: Run | None, times: Times | None) -> Reproduction:
    """Counts by cell and term, times by ratio; of the cases that were run here.

    UserError where the published figures are of another suite, version or set of conventions.
    """
    held = () if times is None else tuple(
        times_held(each, times) for each in published.machines.values()
        if each.suite == times.suite and each != times
    )  # fmt: skip
    return Reproduction(published.source, counts_held(published.run, run), held)


def counts_held(published: Run | None, run: Run | None) -> Comparison | None:
    if published is None or run is None:
        return None
    reason = why_not(published, run.suite, VERSION)
    if reason:
        raise UserError(f"what was published cannot be reproduced: {reason}")
    found = compare(published, run)
    return replace(found, moves=tuple(move for move in found.moves if was_run(move, run)))


def was_run(move: Move, run: Run) -> bool:
    """A cell that is gone since its case or its counter was not asked for is no difference."""
    return move.kind != "gone" or (asked_case(move.key, run) and asked_counter(move.key, run))


def asked_case(key: Key, run: Run) -> bool:
    return any(case.id == key.case for case in run.suite.cases)


def asked_counter(key: Key, run: Run) -> bool:
    return any(reading.counter == key.counter for reading in run.readings)
