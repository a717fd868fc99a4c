"""What will be run: cases, counters and device, settled before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from flop_harness.counters import Counter, find
from flop_harness.errors import UserError, suggest
from flop_harness.records import Case, Suite
from flop_harness.run import executors
from flop_harness.run.plan import Plan


def select(suite: Suite, pattern: str | None) -> Suite:
    """The case of this id, else those whose id matches it as a glob; the digest tells that not all are."""
    if pattern is None:
        return suite
    cases = tuple(case for case in suite.cases if case.id == pattern)
    cases = cases or tuple(case for case in suite.cases if fnmatchcase(case.id, pattern))
    if not cases:
        ids = [case.id for case in suite.cases]
        raise UserError(
            f"no case of suite {suite.name!r} matches {pattern!r}{suggest(pattern, ids)}"
        )
    return replace(suite, cases=cases, digest=f"{suite.digest}:{pattern}")


def in_training_mode(suite: Suite) -> Suite:
    """Its cases as models are trained, whatever mode the suite says."""
    return replace(suite, cases=tuple(replace(case, mode="train") for case in suite.cases))


def check_counters(suite: Suite, source: str) -> None:
    """UserError, naming ``source`` and the case, if a case asks for a counter that is unknown."""
    for case in suite.cases:
        try:
            find(case.counters)
        except UserError as error:
            raise UserError(f"{source}: case {case.id!r}: {error}") from error


def asking(suite: Suite, counters: Sequence[str]) -> Suite:
    """The suite for counters that a user names: they are asked of every case, whatever it lists."""
    if not counters:
        return suite
    return replace(suite, cases=tuple(replace(case, counters=()) for case in suite.cases))


def single(case: Case) -> Suite:
    """A suite of one case, for a model named on the command line."""
    return Suite(case.id, 1, f"The model {case.model}", (case,))


def of_models(cases: Sequence[Case]) -> Suite:
    """A suite of the models that a command line names."""
    if len(cases) == 1:
        return single(cases[0])
    models = ", ".join(dict.fromkeys(case.model for case in cases))
    return Suite(
        "models", 1, f"{'The models' if ',' in models else 'The model'} {models}", tuple(cases)
    )


def make_plan(
    suite: Suite,
    folder: Path,
    *,
    counters: Sequence[str] = (),
    device: str = "auto",
    jobs: int = 1,
    fresh: bool = False,
    training: bool = False,
    executor: str = "local",
) -> Plan:
    """Settle what will be run. UserError for unknown counters or a device that is not there."""
    executors.check(executor)
    chosen = find(tuple(dict.fromkeys(counters))) if counters else named(suite)
    if training:
        chosen = of_training(chosen, strictly=tuple(counters) not in ((), ("all",)))
    return Plan(
        suite, tuple(chosen), folder, settle_device(device), jobs, fresh, training, executor
    )


def of_training(chosen: Sequence[Counter], strictly: bool) -> list[Counter]:
    """Those that count a backward pass. UserError for another one that was named."""
    without = [counter.id for counter in chosen if not counter.training]
    if strictly and without:
        raise UserError(f"{', '.join(without)}: no backward pass is counted")
    return [counter for counter in chosen if counter.training]


def named(suite: Suite) -> list[Counter]:
    """The counters that the cases name; for a case that names none, those in the environment."""
    found = {counter.id: counter for case in suite.cases for counter in find(case.counters)}
    return list(found.values())


def settle_device(device: str) -> str:
    if device in ("cpu", "meta"):
        return device
    import torch

    present = torch.cuda.is_available()
    if device == "cuda" and not present:
        raise UserError("no CUDA device is present: use --device cpu")
    return "cuda" if present else "cpu"
