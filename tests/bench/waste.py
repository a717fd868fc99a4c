"""What ``compare`` takes beyond the counters' own seconds, and where it goes.

    python tests/bench/waste.py SUITE [JOBS] [PATTERN] [EXECUTOR]

Every counter is asked about every case, whatever counters the suite names.
``x`` is wall time over (the counters' own seconds / jobs): 1.00 is no waste. On a machine with
other work the seconds of CPU tell more: those of this process, and of all that it started.

A counter's own seconds are those of the call that its documentation shows, in its process: the import
of the tool is in them, copies that it makes of the model, and what a process that was forked pays as
it touches memory first. The fork, the marks on the model and what is sent are not. Of a counter that
fails they are its whole process.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil

from flop_harness.ask.compare import carry_out
from flop_harness.records import Suite
from flop_harness.run.plan import CANONICAL, Cell, Progress, Result
from flop_harness.run.planning import make_plan, select
from flop_harness.run.processes import forkserver
from flop_harness.suite.files import load


@dataclass
class Clock:
    """When each cell was begun and done, and what its counter took of that."""

    begun: dict[Cell, float] = field(default_factory=dict)
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    at_work: list[tuple[float, int]] = field(default_factory=list)
    cells: int = 0

    def start(self, cell: Cell) -> None:
        self.begun[cell] = time.perf_counter()
        self.at_work.append((self.begun[cell], len(self.begun)))

    def finish(self, cell: Cell, result: Result) -> None:
        now = time.perf_counter()
        took = now - self.begun.pop(cell, now)
        own = max((reading.seconds or 0.0 for reading in result.readings), default=0.0)
        self.cells += 1
        self.at_work.append((now, len(self.begun)))
        if cell.counter == CANONICAL:
            self.spent["reference traces"] += took
        else:
            self.spent["counters"] += own
            self.spent["forks, models, traces of counters"] += max(took - own, 0.0)

    def idle_at_the_end(self, jobs: int) -> float:
        """Seconds of processes without a cell, since all had one for the last time."""
        idle, later = 0.0, self.at_work[-1][0]
        for moment, cells in reversed(self.at_work):
            if cells >= jobs:
                break
            idle, later = idle + (later - moment) * (jobs - cells), moment
        return idle


def of_all_counters(suite: Suite) -> Suite:
    return replace(suite, cases=tuple(replace(case, counters=("all",)) for case in suite.cases))


def cpu_seconds() -> float:
    """Of this process and of those that it started: whoever waits for one inherits its seconds."""
    us = psutil.Process()
    return sum(sum(each.cpu_times()[:4]) for each in (us, *us.children()))


def main(suite: str, jobs: str = "2", pattern: str = "*", executor: str = "local") -> None:
    clock = Clock()
    chosen = of_all_counters(select(load(suite), pattern))
    with tempfile.TemporaryDirectory() as folder:
        before, started, spent = os.getloadavg()[0], time.perf_counter(), cpu_seconds()
        if executor == "local":
            forkserver(large_pages=True)  # as the command does, first of all
        plan = make_plan(chosen, Path(folder), device="cpu", jobs=int(jobs), executor=executor)
        carry_out(plan, Progress(started=clock.start, finished=clock.finish))
        wall, cpu = time.perf_counter() - started, cpu_seconds() - spent
    (first, _), (last, _) = clock.at_work[0], clock.at_work[-1]
    clock.spent["idle at the end"] = clock.idle_at_the_end(plan.jobs)
    clock.spent["until the first cell"] = (first - started) * plan.jobs
    clock.spent["assembling"] = (started + wall - last) * plan.jobs
    clock.spent["between cases"] = wall * plan.jobs - sum(clock.spent.values())
    print(f"{suite} by {executor}: {len(chosen.cases)} cases, {clock.cells} cells, {jobs} jobs, "
          f"load {before:.1f} before")  # fmt: skip
    print(f"wall {wall:.1f} s, x {wall * plan.jobs / clock.spent['counters']:.2f}; CPU {cpu:.1f} s")
    for what, seconds in sorted(clock.spent.items(), key=lambda pair: -pair[1]):
        print(f"{seconds:8.1f} s {seconds / (wall * plan.jobs):6.1%}  {what}")


if __name__ == "__main__":
    main(*sys.argv[1:])
