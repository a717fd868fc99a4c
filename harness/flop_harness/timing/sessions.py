"""A suite timed on this machine: sessions in fresh processes, until two of them agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from time import monotonic
from typing import Any

from flop_harness.records import Case, Failure, Policy, Sources, Suite
from flop_harness.records.times import (
    Ceiling,
    Forward,
    HookCost,
    LayerTimes,
    Load,
    MemoryPeak,
    Series,
)
from flop_harness.timing import processes
from flop_harness.timing.agreement import agreeing_sessions
from flop_harness.timing.device import device
from flop_harness.timing.disturbance import Watch
from flop_harness.timing.processes import CaseProcess, Tell, silent
from flop_harness.timing.scope import WHOLE, Scope


@dataclass
class Measured:
    """What the parts of a run gave."""

    forwards: list[Forward] = field(default_factory=list)
    layers: list[LayerTimes] = field(default_factory=list)
    hooks: list[HookCost] = field(default_factory=list)
    memory: list[MemoryPeak] = field(default_factory=list)
    ceilings: list[Ceiling] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    clocks: list[dict[str, Any]] = field(default_factory=list)
    load: list[Load] = field(default_factory=list)
    sources: dict[str, Sources] = field(default_factory=dict)


def measure(
    suite: Suite, name: str, tell: Tell = silent, scope: Scope = WHOLE,
    clock: Callable[[], float] = monotonic,
) -> Measured:  # fmt: skip
    """Time a suite on the device ``name``."""
    found, here = Measured(), device(name)
    suite = processes.with_dtypes(suite, name)

    def series(case: Case) -> tuple[Series, ...]:
        return here.series(case.dtype, scope)

    everything = [each for case in suite.cases for each in series(case)]
    if scope.details:
        found.ceilings = processes.ceilings(name, everything, tell)
    for session in wanted(found, suite.timing, clock):
        found.clocks.append({"session": session, **here.state()})
        watch = Watch()
        with processes.case_processes(suite.cases, suite.folder, name, suite.timing) as standing:
            found.forwards += processes.forwards(standing, series, session, tell)
            if scope.details and session == 1:
                for case_process in standing:
                    tell(f"layers and memory: {case_process.case.id}")
                    inside(found, case_process, here.series(case_process.case.dtype))
            found.sources |= processes.sources(standing)
            found.failures += [Failure(case_process.case.id, "timing", case_process.broken)
                               for case_process in standing if case_process.broken]  # fmt: skip
        found.load.append(watch.load(f"session {session}"))
    return found


def inside(found: Measured, case_process: CaseProcess, series: Sequence[Series]) -> None:
    """Layers under one thread and all cores, on a GPU as launched one by one; memory once."""
    for each in series if series[0].device == "cpu" else series[:1]:
        times, costs = processes.layers(case_process, each)
        found.layers += times
        found.hooks += costs
    found.memory += processes.memory(case_process, series[0])


def wanted(found: Measured, policy: Policy, clock: Callable[[], float]) -> Iterator[int]:
    """Numbers of sessions: those asked for, then more until two agree or the time is spent."""
    began = clock()
    for session in count(1):
        yield session
        if session < policy.sessions:
            continue
        spent = clock() - began
        over = spent * (session + 1) / session > policy.total_s
        if policy.sessions < 2 or over or agreeing_sessions(found.forwards, policy.precision):
            return
