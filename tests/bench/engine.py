"""What an engine adds to a cell, and what a second worker brings.

    python tests/bench/engine.py engine [CASES]           # counters that hardly do anything
    python tests/bench/engine.py workers [SUITE [PATTERN]]  # 1 and 2 workers, every counter of the suite

Seconds are those from when a third of the cells are done to the end of the last: that a cluster and its
workers start, which import torch, is not in them. CPU is that of this process and of all below it.
On a machine with other work only CPU tells; ``workers`` needs a quiet one.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

import psutil

from flop_harness.records import Suite
from flop_harness.run.plan import Cell, Progress, Result
from flop_harness.run.planning import make_plan, select
from flop_harness.run.processes import forkserver
from flop_harness.run.runner import run
from flop_harness.suite.files import load

SILENT = ("analytic", "numel", "torch")
"""Counters that take a millisecond for a linear layer"""
ROUNDS = 3

LINEAR = """
[[case]]
id = "of-{n}"
model = "torch.nn:Linear"
kwargs = {{in_features = {n}, out_features = 3}}
inputs = [[2, {n}]]
"""


@dataclass
class Clock:
    """(wall, CPU) after each cell."""

    moments: list[tuple[float, float]] = field(default_factory=list)

    def finish(self, cell: Cell, result: Result) -> None:
        self.moments.append(now())

    def seconds_a_cell(self) -> tuple[float, float]:
        warm = self.moments[len(self.moments) // 3 :]
        (wall, cpu), (last, spent) = warm[0], warm[-1]
        return (last - wall) / (len(warm) - 1), (spent - cpu) / (len(warm) - 1)


def now() -> tuple[float, float]:
    us = psutil.Process()
    cpu = 0.0
    for each in (us, *us.children(recursive=True)):
        try:
            cpu += sum(each.cpu_times()[:4])
        except psutil.NoSuchProcess:  # whoever waited for it has its seconds
            continue
    return time.perf_counter(), cpu


def measured(suite: Suite, executor: str, jobs: int, counters: Sequence[str] = ()) -> Clock:
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(suite, Path(folder), counters=list(counters), device="cpu", jobs=jobs,
                         executor=executor)  # fmt: skip
        run(plan, {"bench": executor}, Progress(finished=clock.finish))
    return clock


def linear_layers(cases: int) -> Suite:
    """A suite of linear layers, each of a width of its own; its file is not needed any more."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "linear.toml"
        head = 'name = "linear"\nversion = 1\ndescription = "linear layers"\n'
        file.write_text(head + "".join(LINEAR.format(n=n) for n in range(1, cases + 1)))
        return replace(load(str(file)), folder="")


def engine(cases: str = "40") -> None:
    """Local and dask in turns, two workers each."""
    suite, seen = linear_layers(int(cases)), dict[str, list[tuple[float, float]]]()
    for _ in range(ROUNDS):
        for executor in ("local", "dask"):
            wall, cpu = measured(suite, executor, 2, SILENT).seconds_a_cell()
            seen.setdefault(executor, []).append((wall, cpu))
            print(f"{executor}: a cell {1e3 * wall:.1f} ms, {1e3 * cpu:.1f} ms of CPU", flush=True)
    for place, what in enumerate(("wall", "CPU")):
        middle = {name: median(each[place] for each in told) for name, told in seen.items()}
        print(f"the engine adds {1e3 * (middle['dask'] - middle['local']):.1f} ms a cell, {what}")


def workers(suite: str = "families", pattern: str = "*") -> None:
    chosen, wall = select(load(suite), pattern), {}
    for jobs in (1, 2):
        clock = measured(chosen, "dask", jobs)
        wall[jobs], cpu = clock.seconds_a_cell()
        print(f"{jobs} workers: {len(clock.moments)} cells, a cell {1e3 * wall[jobs]:.1f} ms, "
              f"{1e3 * cpu:.1f} ms of CPU", flush=True)  # fmt: skip
    print(f"2 workers are {wall[1] / wall[2]:.2f} times as fast as 1")


if __name__ == "__main__":
    forkserver(large_pages=True)
    {"engine": engine, "workers": workers}[sys.argv[1]](*sys.argv[2:])
