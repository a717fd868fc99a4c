"""A store of half a million readings: its size, and what a question costs.

    python tests/bench/columns.py results/torchvision [FOLDER]

The run is repeated under other names, each time with figures of its own, until there are so many.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flop_harness import store
from flop_harness.records import Run
from flop_harness.store.columns import write_columns
from flop_harness.store.queries import Columns

WANTED = 500_000
COPIES = 8
"""Of the run in one suite"""


def repeated(run: Run, first: int) -> Run:
    """A suite of copies: figures of copy k are k times the run's, so that none are equal."""
    readings, bridges = [], []
    for k in range(first, first + COPIES):
        for each in run.readings:
            value = each.value and each.value * k
            modules = scaled(each.modules, k)
            readings.append(replace(each, case=f"{each.case}-{k}", value=value, modules=modules))
        for bridge in run.bridges:
            steps = tuple(
                replace(step, amount=step.amount * k, modules=scaled(step.modules, k),
                        classes=scaled(step.classes, k), operators=scaled(step.operators, k))
                for step in bridge.steps
            )  # fmt: skip
            bridges.append(
                replace(bridge, case=f"{bridge.case}-{k}", steps=steps,
                        reference=bridge.reference * k, reading=bridge.reading * k)
            )  # fmt: skip
    suite = replace(run.suite, name=f"copies-{first}")
    return replace(run, suite=suite, readings=tuple(readings), bridges=tuple(bridges))


def scaled(amounts: Mapping[str, Any], k: int) -> dict[str, Any]:
    """Under names of its own too, as modules of another model have."""
    return {f"{k}.{name}": amount * k for name, amount in amounts.items()}


def written(run: Run, folder: Path) -> float:
    started = time.perf_counter()
    for first in range(1, WANTED // len(run.readings) + 2, COPIES):
        write_columns(repeated(run, first), folder)
    return time.perf_counter() - started


def milliseconds(work: Callable[[], Any]) -> float:
    """The middle of five."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1e3)
    return sorted(times)[2]


def measured(folder: Path, case: str) -> None:
    mib = sum(file.stat().st_size for file in folder.rglob("*.parquet")) / 1e6
    found = Columns(folder)
    counts = found.query("select count(*) from readings").fetchone()[0]
    print(f"{counts:,} readings: {mib:.1f} MB")
    print(f"load and headline: {milliseconds(lambda: Columns(folder).headline()):.0f} ms")
    print(found.headline())
    print(
        f"one model, first: {milliseconds(lambda: Columns(folder).case(case, 'copies-1')):.0f} ms"
    )
    print(f"one model, again: {milliseconds(lambda: found.case(case, 'copies-1')):.0f} ms")


def main(path: str, kept: str = "") -> None:
    run = store.load(path)
    with tempfile.TemporaryDirectory() as passing:
        folder = Path(kept or passing)
        if not (folder / "columns.json").exists():
            print(f"written in {written(run, folder):.0f} s")
        measured(folder, f"{run.suite.cases[0].id}-1")


if __name__ == "__main__":
    main(*sys.argv[1:])
