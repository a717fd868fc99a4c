"""Cases on this machine: each in a process of its own, all of them taking turns.

While one works, the others wait, and nothing else of ours runs.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any

from flop_harness.errors import raised
from flop_harness.records import Case, Policy, Sources, Suite
from flop_harness.records.times import Ceiling, Forward, HookCost, LayerTimes, MemoryPeak, Series
from flop_harness.run.processes import begin_process, end_process, forkserver
from flop_harness.timing.device import Device, device
from flop_harness.timing.sampling import Sampler
from flop_harness.timing.spin import spin

LAYER_PASSES = 5
"""With hooks, and as many without"""

PATIENCE_S = 600.0
"""Without an answer from a case's process"""

Tell = Callable[[str], None]


def silent(line: str) -> None:
    pass


# -------------------------------------------------------------------------------- in our process


@dataclass(eq=False)
class CaseProcess:
    """A case's process: asked for one thing at a time, it answers or is given up."""

    case: Case
    folder: str
    device: str
    policy: Policy
    broken: str = ""
    pipe: Any = field(init=False)
    process: Any = field(init=False)

    def __post_init__(self) -> None:
        self.pipe, theirs = forkserver().Pipe()
        self.process = forkserver().Process(
            target=serve, args=(theirs, self.case, self.folder, self.device, self.policy)
        )
        self.process.start()
        theirs.close()

    def ask(self, *request: Any) -> Any:
        """The answer, or None where there is none; ``broken`` then says why, if it was to be one."""
        if self.broken:
            return None
        try:
            self.pipe.send(request)
            if not self.pipe.poll(PATIENCE_S):
                return self.give_up(f"no answer within {PATIENCE_S:g} s")
            kind, answer = self.pipe.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            self.process.join()
            return self.give_up(f"its process ended (exit {self.process.exitcode})")
        return answer if kind == "done" else self.give_up(answer)

    def give_up(self, why: str) -> None:
        self.broken = why

    def close(self) -> None:
        end_process(self.process)
        self.pipe.close()


@contextmanager
def case_processes(
    cases: Sequence[Case], folder: str, device: str, policy: Policy
) -> Iterator[list[CaseProcess]]:
    found: list[CaseProcess] = []
    try:
        found.extend(CaseProcess(case, folder, device, policy) for case in cases)
        yield found
    finally:
        for case_process in found:
            case_process.close()


def with_dtypes(suite: Suite, device: str) -> Suite:
    """The suite with the dtypes that models have whose cases name none."""
    unsettled = [case for case in suite.cases if not case.dtype]
    with case_processes(unsettled, suite.folder, device, suite.timing) as standing:
        told = {each.case.id: each.ask("dtype", None) or "float32" for each in standing}
    cases = (replace(case, dtype=told.get(case.id, case.dtype)) for case in suite.cases)
    return replace(suite, cases=tuple(cases))


def forwards(
    case_processes: Sequence[CaseProcess],
    series: Callable[[Case], Sequence[Series]],
    session: int,
    tell: Tell,
) -> list[Forward]:
    """Every case in every series, in rounds: each that is not content gets one turn a round."""
    found: dict[tuple[str, Series], Forward] = {}
    for case_process in case_processes:
        for each in series(case_process.case):
            found[case_process.case.id, each] = warmed(case_process, each, session)
            tell(f"session {session}: {case_process.case.id} ({each}) is warm")
    by_case = {case_process.case.id: case_process for case_process in case_processes}
    rounds = 0
    while going := [key for key, forward in found.items() if not settled(forward)]:
        for key in going:
            found[key] = with_turn(found[key], by_case[key[0]])
        rounds += 1
        tell(f"session {session}: round {rounds}, {len(going)} of {len(found)} went on")
    return list(found.values())


def settled(forward: Forward) -> bool:
    return bool(forward.ended) or forward.status != "ok"


def warmed(case_process: CaseProcess, series: Series, session: int) -> Forward:
    blank = Forward(case_process.case.id, series, session)
    answer = case_process.ask("warm", series)
    if answer is None:
        return replace(blank, status="failed", message=case_process.broken)
    warmup, block, refused = answer
    if refused:  # of this series alone, as by a model that cannot be captured
        return replace(blank, status="unavailable", message=refused)
    return replace(blank, warmup=warmup, block=block)


def with_turn(forward: Forward, case_process: CaseProcess) -> Forward:
    answer = case_process.ask("turn", forward.series)
    if answer is None:
        return replace(forward, status="failed", message=case_process.broken)
    samples, spins, ended = answer
    return replace(forward, turns=(*forward.turns, samples), spins=spins, ended=ended)


def layers(case_process: CaseProcess, series: Series) -> tuple[list[LayerTimes], list[HookCost]]:
    """Per-layer seconds of one case; nothing where its process is gone."""
    answer = case_process.ask("layers", series)
    if answer is None:
        return [], []
    types, found, hooked, bare = answer
    times = [LayerTimes(case_process.case.id, series, path, types[path], seconds)
             for path, seconds in found.items()]  # fmt: skip
    return times, [HookCost(case_process.case.id, series, hooked, bare)]


def sources(case_processes: Sequence[CaseProcess]) -> dict[str, Sources]:
    """What the models were built from, by case, of those that ran."""
    told = {each.case.id: each.ask("sources", None) for each in case_processes}
    return {case: found for case, found in told.items() if found is not None}


def memory(case_process: CaseProcess, series: Series) -> list[MemoryPeak]:
    answer = case_process.ask("memory", series)
    return [] if answer is None else [MemoryPeak(case_process.case.id, series.device, *answer)]


def ceilings(name: str, series: Sequence[Series], tell: Tell) -> list[Ceiling]:
    """Measured in a process of their own, each series once."""
    from flop_harness.timing.theory.roofline import ceiling_series

    found: list[Ceiling] = []
    for each in dict.fromkeys(map(ceiling_series, series)):
        tell(f"ceilings ({each})")
        pipe, theirs = forkserver().Pipe(duplex=False)
        process = forkserver().Process(target=serve_ceilings, args=(theirs, name, each))
        process.start()
        theirs.close()
        try:
            found += pipe.recv()
        except EOFError:
            tell(f"no ceilings under {each}: the process ended (exit {process.exitcode})")
        finally:
            process.join()
            pipe.close()
    return found


# ------------------------------------------------------------------------ in the case's process


def serve(pipe: Connection, case: Case, folder: str, name: str, policy: Policy) -> None:
    """Answer requests until the pipe is closed; what the model raises is the last answer."""
    from flop_harness.suite.build import build
    from flop_harness.suite.search_path import on_path

    begin_process()
    try:
        built = build(case, device=name, folder=folder)
        timer = CaseTimer(built, device(name), policy, folder)
        gc.collect()
        gc.freeze()  # what case_processes now stays: it need not be gone through before each turn
        with on_path(built.folders):
            while True:
                what, series = pipe.recv()
                pipe.send(("done", getattr(timer, what)(series)))
    except (EOFError, BrokenPipeError):
        return
    except BaseException as error:  # noqa: BLE001 - what a model raises is the answer
        pipe.send(("failed", raised(error)))


@dataclass
class CaseTimer:
    """A model on a device, ready to run in every series that was asked for."""

    built: Any
    device: Device
    policy: Policy
    folder: str = ""
    samplers: dict[Series, Sampler] = field(default_factory=dict)

    def warm(self, series: Series) -> tuple[int, int, str]:
        """(runs of the warm-up, block size, why the series cannot be)."""
        with self.device.settings(series):
            try:
                run = self.ready(series)
            except Exception as error:  # recorded, of this series alone
                if series.phase == "forward" and series.launch == "eager":
                    raise
                return 0, 1, f"not {done_to(series)}: {' '.join(str(error).split())}"
            flush = self.device.flush(series)
            beside = spin if series.device == "cpu" else None
            sampler = Sampler(run, self.policy, self.device.clock(), flush, beside)
            sampler.warm()
            self.samplers[series] = sampler
        return sampler.warmup, sampler.block, ""

    def turn(self, series: Series) -> tuple[tuple[float, ...], tuple[float, ...], str]:
        """(samples in whole nanoseconds, spins of all turns so far, why it ended)."""
        sampler = self.samplers[series]
        with self.device.settings(series):
            samples = sampler.turn()
        spins = tuple(round(each, 9) for each in sampler.spins)
        return tuple(round(sample, 9) for sample in samples), spins, sampler.ended

    def layers(self, series: Series) -> tuple[dict[str, str], dict, tuple, tuple]:
        """(path -> type, path -> seconds, passes with hooks, passes without)."""
        from flop_harness.timing.layers import layer_seconds

        with self.device.settings(series):
            run, clock = self.ready(series), self.device.clock()
            found, hooked, bare = layer_seconds(self.built.module, run, clock, LAYER_PASSES)
        types = {path: type(module).__name__ for path, module in self.built.module.named_modules()}
        rounded = {path: tuple(round(each, 8) for each in one) for path, one in found.items()}
        return types, rounded, hooked, bare

    def memory(self, series: Series) -> tuple[int, str]:
        """(peak bytes of a pass after the first, who says so)."""
        from flop_harness.timing.memory import SOURCES

        source, peak = SOURCES[series.device]
        with self.device.settings(series):
            run = self.ready(series)
            run()
            return peak(run), source

    def dtype(self, series: None) -> str:
        return self.built.dtype  # type: ignore[no-any-return]

    def sources(self, series: None) -> Sources:
        """All that was imported or read until now."""
        from flop_harness.suite.sources import taken

        return taken(self.folder)

    def ready(self, series: Series) -> Callable[[], Any]:
        return self.device.ready(self.built.module, self.built.args, self.built.kwargs, series)


def done_to(series: Series) -> str:
    """What a series does to a model before it is timed."""
    words = {"compiled": "compiled", "graph": "captured", "eager": "run backward"}
    return words[series.launch]


def serve_ceilings(pipe: Connection, name: str, series: Series) -> None:
    from flop_harness.timing.ceilings import ceilings as measured

    begin_process()
    pipe.send(list(measured(device(name), series)))
