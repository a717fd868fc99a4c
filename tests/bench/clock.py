"""Our clock held against torch.utils.benchmark: the same cases, in the same run, in turns.

    python tests/bench/clock.py [SUITE [GLOB]]

Without names, the seed suite. Both time the same module on the same input under inference mode, on one
thread, and take turns, so that whatever disturbs the machine disturbs both.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from flop_harness.records import Case, Policy, Suite
from flop_harness.records.times import Series
from flop_harness.report.tables.table import Column, Table
from flop_harness.run.isolation import run_apart
from flop_harness.suite.build import build
from flop_harness.timing import cpu
from flop_harness.timing.sampling import Sampler
from flop_harness.timing.stability import Comparison, compare
from flop_harness.timing.statistics import median

POLICY = Policy(samples=21, seconds=1.0)
WITHIN = 0.02
"""The two medians agree where their ratio is so near to 1."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Medians in seconds of both, and theirs divided by ours by pairs of turns."""

    case: str
    ours: float
    theirs: float
    compared: Comparison

    @property
    def agrees(self) -> bool:
        return abs(self.compared.ratio - 1) <= WITHIN


def agreement(name: str, run: Callable[[], Any], policy: Policy = POLICY) -> Agreement:
    """Turns of ``Sampler`` and of ``torch.utils.benchmark.Timer``, one after the other."""
    from torch.utils.benchmark import Timer

    sampler = Sampler(run, policy)
    sampler.warm()
    timer = Timer("run()", globals={"run": run}, num_threads=1)
    theirs = []
    for _ in range(policy.samples):
        count = len(sampler.turn()) * sampler.block
        measured = timer.timeit(count)
        theirs.append((measured.median,))
    ours = [(sum(turn) / len(turn),) for turn in sampler.turns]  # a mean of runs, as theirs is
    return Agreement(name, middle(ours), middle(theirs), compare(ours, theirs))


def middle(turns: list[tuple[float]]) -> float:
    return median([turn for (turn,) in turns])


def agreement_on(case: Case, folder: str, policy: Policy = POLICY) -> Agreement:
    built = build(case, folder=folder)
    series = Series("cpu", 1, case.dtype)
    with cpu.settings(series):
        return agreement(case.id, cpu.ready(built.module, built.args, built.kwargs, series), policy)


COLUMNS = (
    Column("case"), Column("ours", "number", "ms"), Column("torch.utils.benchmark", "number", "ms"),
    Column("theirs / ours", "factor"), Column("from", "factor", "95 %"),
    Column("to", "factor", "95 %"), Column("difference"), Column("within 2 %"),
)  # fmt: skip


def table(found: list[Agreement]) -> Table:
    rows = tuple(
        (
            each.case, each.ours * 1e3, each.theirs * 1e3, each.compared.ratio,
            *(each.compared.interval or (None, None)), each.compared.verdict,
            "yes" if each.agrees else "NO",
        )
        for each in found
    )  # fmt: skip
    agreeing = sum(each.agrees for each in found)
    note = f"{agreeing} of {len(found)} medians lie within {WITHIN:.0%} of each other."
    return Table("Our clock and torch.utils.benchmark, in turns", COLUMNS, rows, note)


def apart(suite: Suite) -> list[Agreement]:
    """One case after another, each in a process of its own."""
    found = []
    for case in suite.cases:
        outcome = run_apart(partial(agreement_on, case, suite.folder), timeout_s=600)
        if outcome.ending != "ok":
            print(f"{case.id}: {outcome.message}", file=sys.stderr)
            continue
        found.append(outcome.value)
    return found


def main(names: tuple[str, ...]) -> None:
    from rich.console import Console

    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.run.planning import select
    from flop_harness.suite.files import load

    suite = select(load(names[0] if names else "seeds"), names[1] if names[1:] else None)
    Console(width=120).print(grid(table(apart(suite))))


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
