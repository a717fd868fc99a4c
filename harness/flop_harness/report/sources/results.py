"""What lies beside a run and is told in its page: proofs, times, published figures, examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from flop_harness import store
from flop_harness.code.smallest import Example
from flop_harness.records import Proofs, Run, Suite
from flop_harness.report.analysis import drift, effects
from flop_harness.report.analysis.faults import Faults
from flop_harness.report.sources.examples import Key, examples_in
from flop_harness.report.sources.figure_code import NONE, Codes, codes_in
from flop_harness.report.sources.published import Row, published_in
from flop_harness.report.sources.times import Machines, machines_in, neighbours_of

T = TypeVar("T")


@dataclass(frozen=True)
class Related:
    """``machines`` timed the suite itself, ``neighbours`` other suites that say something of it.

    By counter: ``histories`` tell what changed with which release, ``effects`` what it does to a
    model.
    """

    proofs: Proofs | None = None
    machines: Machines = field(default_factory=dict)
    neighbours: Machines = field(default_factory=dict)
    published: Sequence[Row] = ()
    histories: Mapping[str, list[str]] = field(default_factory=dict)
    effects: Mapping[str, list[str]] = field(default_factory=dict)
    examples: Mapping[Key, Example] = field(default_factory=dict)
    codes: Codes = NONE


def related_results(folder: Path, run: Run, faults: Faults) -> Related:
    """All that is there. Of what is not the suite's own only what lies in folders named as those of
    results are: ``results/<suite>/<machine>/``, ``results/claims/``, ``drift/`` and ``effects/``.

    A file that is there and cannot be read is left out, and a fault that names it.
    """
    home, suite = folder.absolute().parent, run.suite
    times = partial(read, faults, store.load_times)
    return Related(
        proofs_in(folder, suite, faults),
        machines_in(folder, suite, times),
        neighbours_of(folder, suite, times),
        faults.attempt(
            "", f"claims/{store.AUDIT_FILE}", partial(published_in, home / "claims", suite), []
        ),
        histories_in(home / "drift", faults),
        effects_in(home / "effects", faults),
        examples_in(folder, run, faults),
        codes_in(folder, run, faults),
    )


def read(faults: Faults, load: Callable[[Path], T], path: Path) -> T | None:
    """What lies in a file; None where none is, or where it cannot be read, which is a fault."""
    if not path.is_file():
        return None
    return faults.attempt("", f"{path.parent.name}/{path.name}", partial(load, path), None)


def proofs_in(folder: Path, suite: Suite, faults: Faults) -> Proofs | None:
    proofs = read(faults, store.load_proofs, folder / store.PROOFS_FILE)
    same = proofs is not None and (proofs.suite, proofs.version) == (suite.name, suite.version)
    return proofs if same else None


def histories_in(folder: Path, faults: Faults) -> dict[str, list[str]]:
    """Counter -> what changed with which release, of ``flop-harness drift``."""
    paths = sorted(folder.glob(f"*{store.TIMELINE_SUFFIX}"))
    timelines = (read(faults, store.load_timeline, path) for path in paths)
    return {each.tool.id: list(drift.stories(each)) for each in timelines if each is not None}


def effects_in(folder: Path, faults: Faults) -> dict[str, list[str]]:
    """Counter -> what it does to a model, of ``flop-harness effects``."""
    seen = read(faults, store.load_effects, folder / "effects.json") or {}
    return {
        name: [f"{effect} ({on}): {words}" for effect, on, words in effects.merged(told["models"])]
        for name, told in seen.items()
    }
