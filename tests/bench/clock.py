"""Our clock held against those of others: the same cases, in the same run, in turns.

    python tests/bench/clock.py [SUITE [GLOB]]

Without names, the seed suite. torch.utils.benchmark and pyperf time the same module on the same input
under inference mode, on one thread; all three take turns, so that whatever disturbs the machine disturbs
all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import count
from typing import Any

from flop_harness.records import Case, Policy, Suite
from flop_harness.records.times import Series
from flop_harness.records.units import in_percent
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

Run = Callable[[], Any]


def by_torch(run: Run, times: int) -> float:
    """Seconds of one of so many runs, by ``torch.utils.benchmark.Timer``."""
    from torch.utils.benchmark import Timer

    return Timer("run()", globals={"run": run}, num_threads=1).timeit(times).median


def by_pyperf(run: Run, times: int) -> float:
    """Seconds of one of so many runs, by ``pyperf`` in this process."""
    runner = pyperf_runner()
    runner.args.loops = times
    return runner.bench_func(f"turn {next(NUMBERS)}", run).get_values()[0]


NUMBERS = count()
"""A benchmark of pyperf has a name of its own."""


@cache
def pyperf_runner() -> Any:
    """One value, no warm-up: the turns are ours. A process may have one runner."""
    from pyperf import Runner

    runner = Runner(values=1, warmups=0)
    runner.parse_args(["--in-process", "--quiet", "--values=1", "--warmups=0", "--loops=1"])
    return runner


CLOCKS: dict[str, Callable[[Run, int], float]] = {
    "torch.utils.benchmark": by_torch,
    "pyperf": by_pyperf,
}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Medians in seconds of both, and theirs divided by ours by pairs of turns."""

    case: str
    clock: str
    ours: float
    theirs: float
    compared: Comparison

    @property
    def agrees(self) -> bool:
        return abs(self.compared.ratio - 1) <= WITHIN


def agreements(name: str, run: Run, policy: Policy = POLICY) -> Iterator[Agreement]:
    """Turns of ``Sampler`` and of each other clock, one after the other, of as many runs."""
    sampler = Sampler(run, policy)
    sampler.warm()
    theirs: dict[str, list[tuple[float]]] = {clock: [] for clock in CLOCKS}
    for _ in range(policy.samples):
        times = len(sampler.turn()) * sampler.block
        for clock, timed in CLOCKS.items():
            theirs[clock].append((timed(run, times),))
    ours = [(sum(turn) / len(turn),) for turn in sampler.turns]  # a mean of runs, as theirs is
    for clock, turns in theirs.items():
        yield Agreement(name, clock, middle(ours), middle(turns), compare(ours, turns))


def middle(turns: list[tuple[float]]) -> float:
    return median([turn for (turn,) in turns])


def agreements_on(case: Case, folder: str, policy: Policy = POLICY) -> list[Agreement]:
    built = build(case, folder=folder)
    series = Series("cpu", 1, built.dtype or "float32")
    with cpu.settings(series):
        run = cpu.ready(built.module, built.args, built.kwargs, series)
        return list(agreements(case.id, run, policy))


COLUMNS = (
    Column("case"), Column("clock"), Column("ours", "number", "ms"), Column("theirs", "number", "ms"),
    Column("theirs / ours", "factor"), Column("from", "factor", "95 %"),
    Column("to", "factor", "95 %"), Column("difference"), Column("within 2 %"),
)  # fmt: skip


def table(found: list[Agreement]) -> Table:
    rows = tuple(
        (
            each.case, each.clock, each.ours * 1e3, each.theirs * 1e3, each.compared.ratio,
            *(each.compared.interval or (None, None)), each.compared.verdict,
            "yes" if each.agrees else "NO",
        )
        for each in found
    )  # fmt: skip
    note = " ".join(
        f"{clock}: {sum(each.agrees for each in of)} of {len(of)} medians lie within {in_percent(WITHIN)}."
        for clock in CLOCKS if (of := [each for each in found if each.clock == clock])
    )  # fmt: skip
    return Table("Our clock and those of others, in turns", COLUMNS, rows, note)


def apart(suite: Suite) -> Iterator[Agreement]:
    """One case after another, each in a process of its own."""
    for case in suite.cases:
        outcome = run_apart(partial(agreements_on, case, suite.folder), timeout_s=600)
        if outcome.ending != "ok":
            print(f"{case.id}: {outcome.message}", file=sys.stderr)
            continue
        for each in outcome.value:
            print(f"{each.case}: {each.clock} / ours {each.compared.ratio:.3f}", file=sys.stderr)
        yield from outcome.value


def main(names: tuple[str, ...]) -> None:
    from rich.console import Console

    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.run.planning import select
    from flop_harness.suite.files import load

    suite = select(load(names[0] if names else "seeds"), names[1] if names[1:] else None)
    found = list(apart(suite))
    Console(width=120).print(grid(table(found)))
    if len(found) < len(suite.cases) * len(CLOCKS):
        sys.exit("some cases could not be timed")


if __name__ == "__main__":
    main(tuple(sys.argv[1:]))
