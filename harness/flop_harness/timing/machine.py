"""From a suite to everything measured of it on this machine, theory beside it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from flop_harness.errors import UserError
from flop_harness.records import Case, Failure, Suite
from flop_harness.records.times import Theory, Times
from flop_harness.run.commits import is_committed
from flop_harness.run.environment import describe, machine_name, slug
from flop_harness.store import TIMES_FILE, TIMES_SCHEMA, load_times
from flop_harness.suite.sources import changed
from flop_harness.timing.load import QUIET, load
from flop_harness.timing.processes import Tell, silent
from flop_harness.timing.scope import WHOLE, Scope
from flop_harness.timing.sessions import measure
from flop_harness.timing.theory.counts import expectations


def one_by_one() -> AbstractContextManager[Callable]:
    return nullcontext(map)


def keep_time(
    suite: Suite,
    device: str,
    tell: Tell = silent,
    counting: Callable[[], AbstractContextManager[Callable]] = one_by_one,
    scope: Scope = WHOLE,
) -> Times:
    """Theory first, then the clock; while anything is timed, nothing else of ours runs.

    ``counting`` gives a ``map`` that may have several processes at work; they end before the timing.
    """
    environment = surroundings(device)
    tell(f"cases to count: {len(suite.cases)}")
    expected: list[Theory | Failure] = []
    if scope.details:
        with counting() as mapper:
            expected = list(expectations(suite.cases, suite.folder, mapper))
    failures = [each for each in expected if isinstance(each, Failure)]
    before = load("before")
    found = measure(suite, device, tell, scope)
    return Times(
        schema=TIMES_SCHEMA,
        suite=suite.name,
        version=suite.version,
        machine=machine_name(environment),
        environment=environment,
        policy=suite.timing,
        cases=suite.cases,
        forwards=tuple(found.forwards),
        ceilings=tuple(found.ceilings),
        layers=tuple(found.layers),
        hooks=tuple(found.hooks),
        memory=tuple(found.memory),
        theory=tuple(each for each in expected if isinstance(each, Theory)),
        load=(before, *found.load, load("after")),
        failures=(*failures, *found.failures),
        clocks=tuple(found.clocks),
        sources=found.sources,
    )


def surroundings(device: str) -> dict[str, Any]:
    """What ``device`` stands in: a GPU tells nothing of what is timed on the CPU."""
    environment = describe(["torch", "torchvision"])
    return environment | ({"gpus": []} if device == "cpu" else {})


def known(suite: Suite, device: str, folder: Path, tell: Tell = silent) -> Times | None:
    """What this machine measured in ``folder``/<machine>, if it holds every case of this very suite.

    What came with the checkout is published, not known: a clone of the machine may bear its id.
    Every model has to be built from the same code still; ``tell`` is given what is not.
    """
    file = folder / machine_name(surroundings(device)) / TIMES_FILE
    if is_committed(file):
        return None
    if not file.is_file():
        return None
    try:
        times = load_times(file)
    except UserError as error:
        tell(f"timed anew: {error}")
        return None
    same = (times.suite, times.version) == (suite.name, suite.version)
    if not same or any(case not in times.cases for case in suite.cases):
        return None
    stale = [f"{case.id} is timed anew: {why}" for case in suite.cases
             if (why := why_stale(times, case, suite.folder))]  # fmt: skip
    for line in stale:
        tell(line)
    return None if stale else times


def why_stale(times: Times, case: Case, folder: str) -> str:
    """Why what was measured of a case is not what would be now; empty if it is."""
    sources = times.sources.get(case.id)
    if sources is None:
        return "it is not known what its model was built from"
    return changed(sources, case.model, folder)


def require_quiet(anyway: bool) -> str:
    """A warning, or nothing to say; UserError where others are at work and that is not accepted."""
    now = load("now")
    if now.others is None or now.others <= QUIET:
        return ""
    told = told_load(now.others, now.averages)
    if not anyway:
        raise UserError(f"{told}: wait until they are done, or time beside them with --anyway")
    return f"{told}: what is timed now tells of them too"


def told_load(others: float, averages: tuple[float, ...]) -> str:
    told = " ".join(f"{value:g}" for value in averages)
    return f"others keep {others:.2f} cores of this machine busy (load averages {told})"


def with_policy(suite: Suite, **asked: float | None) -> Suite:
    """The suite with other keys of its policy (``sessions``, ``budget_s``...), where any are asked for.

    A budget below the seconds that samples are to last takes their place.
    """
    wanted = {key: value for key, value in asked.items() if value is not None}
    policy = replace(suite.timing, **wanted)  # type: ignore[arg-type]
    if "budget_s" in wanted:
        policy = replace(policy, seconds=min(policy.seconds, policy.budget_s))
    return replace(suite, timing=policy)


def home(suite: Suite, times: Times, results: Path = Path("results")) -> Path:
    """``results/<suite>/<machine>``: timed figures of two machines are never mixed."""
    return results / (slug(suite.name)[:80] or "suite") / times.machine
