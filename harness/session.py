"""From a suite or a model to a finished run, and its files if they are wanted."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from harness import store
from harness.assembly import assemble
from harness.counters import Counter, find
from harness.errors import UserError, suggest
from harness.plan import Plan, Progress
from harness.records import Case, Run, Suite
from harness.runner import run


def select(suite: Suite, pattern: str | None) -> Suite:
    """The cases whose id matches a glob; the digest tells that they are not all."""
    if pattern is None:
        return suite
    cases = tuple(case for case in suite.cases if fnmatchcase(case.id, pattern))
    if not cases:
        ids = [case.id for case in suite.cases]
        raise UserError(
            f"no case of suite {suite.name!r} matches {pattern!r}{suggest(pattern, ids)}"
        )
    return replace(suite, cases=cases, digest=f"{suite.digest}:{pattern}")


def check_counters(suite: Suite, source: str) -> None:
    """UserError, naming ``source`` and the case, if a case asks for a counter that is unknown."""
    for case in suite.cases:
        try:
            find(case.counters)
        except UserError as error:
            raise UserError(f"{source}: case {case.id!r}: {error}") from error


def single(case: Case) -> Suite:
    """A suite of one case, for a model named on the command line."""
    return Suite(case.id, 1, f"The model {case.model}", (case,))


def make_plan(
    suite: Suite,
    folder: Path,
    *,
    counters: Sequence[str] = (),
    device: str = "auto",
    jobs: int = 1,
    fresh: bool = False,
) -> Plan:
    """Settle what will be run. UserError for unknown counters or a device that is not there."""
    chosen = find(tuple(dict.fromkeys(counters))) if counters else named(suite)
    return Plan(suite, tuple(chosen), folder, settle_device(device), jobs, fresh)


def named(suite: Suite) -> list[Counter]:
    """The counters that the cases name; for a case that names none, those in the environment."""
    found = {counter.id: counter for case in suite.cases for counter in find(case.counters)}
    return list(found.values())


def settle_device(device: str) -> str:
    if device == "cpu":
        return device
    import torch

    present = torch.cuda.is_available()
    if device == "cuda" and not present:
        raise UserError("no CUDA device is present: use --device cpu")
    return "cuda" if present else "cpu"


def identity(plan: Plan) -> dict[str, Any]:
    """What makes earlier results worth keeping: the same suite, tools and device."""
    return {
        "schema": store.SCHEMA,
        "suite": {
            "name": plan.suite.name,
            "version": plan.suite.version,
            "digest": plan.suite.digest,
        },
        "models": model_files(plan.suite),
        "device": plan.device,
        "versions": {
            "torch": installed("torch"),
            "flop-harness": installed("flop-harness"),
        },
    }


def model_files(suite: Suite) -> dict[str, str]:
    """Digests of the Python files that cases refer to: an edited model is another model."""
    digests = {}
    for case in suite.cases:
        name = case.model.rpartition(":")[0]
        for folder in (suite.folder, ""):
            path = Path(folder, name)
            if name.endswith(".py") and path.is_file():
                digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
                break
    return digests


def installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""


def carry_out(plan: Plan, progress: Progress | None = None) -> Run:
    """Run what is missing and assemble everything."""
    return assemble(plan, run(plan, identity(plan), progress or Progress()))


def save(run: Run, folder: Path) -> list[Path]:
    """Write the run and every file of the report; clear away traces no cell refers to."""
    from harness import report

    saved = store.save(run, folder)
    store.TraceStore(folder).prune(trace.file for trace in run.traces)
    return [*saved, *report.write(run, folder)]


def compare_once(suite: Suite, progress: Progress | None = None, **options: Any) -> Run:
    """A run whose files are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="flop-harness-") as folder:
        return carry_out(make_plan(suite, Path(folder), **options), progress)
