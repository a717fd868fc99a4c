"""CPU seconds of a case that are ours: every counter is asked, and does nothing.

    python tests/bench/ours.py SUITE CASE [CASE ...]

Building, forks, marks on the model, traces and their files, of a process that begins as the one all
others are forked from; the least of three such processes. What a tool tells of its own pass is empty.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torchvision  # noqa: F401  as the process has it that all others are forked from

import flop_harness.run.preloaded  # noqa: F401
from flop_harness.counters import Answer, Counter, overlay
from flop_harness.counters.protocol import capturing_nothing
from flop_harness.records import Call
from flop_harness.run.cells import CaseRunner
from flop_harness.run.isolation import run_apart
from flop_harness.run.large_pages import use_large_pages
from flop_harness.run.plan import Plan
from flop_harness.run.planning import make_plan, select
from flop_harness.run.serving import carry_out
from flop_harness.store import TraceStore
from flop_harness.suite.files import load


@contextmanager
def no_calls() -> Iterator[list[Call]]:
    yield [Call("function", "nothing", (), (), None)]


def idle(counter: Counter) -> Counter:
    silent = replace(counter, read=lambda *given: Answer(1, 1, {}))
    return silent if counter.capture is capturing_nothing else replace(silent, capture=no_calls)


def cpu_seconds() -> float:
    return sum(os.times()[:4])


def ours(plan: Plan) -> tuple[int, float]:
    """(cells, seconds) of the plan's one case."""
    gc.freeze()
    torch.set_num_threads(1)
    (case,) = plan.suite.cases
    counters = {counter.id: idle(counter) for counter in plan.counters}
    cells, traces, before = plan.cells(case), TraceStore(plan.folder), cpu_seconds()
    runner = CaseRunner(
        case, plan.suite.folder, plan.limits, variant=plan.variant, counters=counters
    )
    for cell in cells:
        carry_out(runner, cell, counters.get(cell.counter), (), traces)
    traces.pack(case.id)
    runner.zygote.end()
    return len(cells), cpu_seconds() - before


def measured(suite: str, case: str) -> tuple[int, float]:
    chosen = select(load(suite), case)
    cases = tuple(replace(each, counters=("all",)) for each in chosen.cases)
    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(replace(chosen, cases=cases), Path(folder), device="cpu", jobs=2)
        for counter in plan.counters:  # each process of a run is told which overlays are whole
            overlay.is_whole(counter.overlay, overlay.folder_of(counter.overlay))
        outcome: Any = run_apart(partial(ours, plan), timeout_s=600)
    if outcome.ending != "ok":
        raise RuntimeError(f"{outcome.message}\n{outcome.output}")
    return outcome.value  # type: ignore[no-any-return]


def main(suite: str, *cases: str) -> None:
    use_large_pages()
    for case in cases:
        cells, seconds = min((measured(suite, case) for _ in range(3)), key=lambda told: told[1])
        print(f"{case}: {cells} cells, {seconds:.2f} s, {seconds / cells * 1e3:.0f} ms a cell")


if __name__ == "__main__":
    main(*sys.argv[1:])
