"""What lies beside a run and is told in its page: proofs, times, published figures, examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from flop_harness.code.smallest import Example
from flop_harness.errors import UserError
from flop_harness.records import Proofs, Run, Suite
from flop_harness.report.analysis import drift, effects
from flop_harness.report.analysis.faults import Faults
from flop_harness.report.sources.examples import Key, examples_in
from flop_harness.report.sources.figure_code import NONE, Codes, codes_in
from flop_harness.report.sources.published import Row, published_in
from flop_harness.report.sources.times import Machines, machines_in, neighbours_of


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
    results are: ``results/<suite>/<machine>/``, ``results/claims/``, ``drift/`` and ``effects/``."""
    home, suite = folder.absolute().parent, run.suite
    return Related(
        proofs_in(folder, suite), machines_in(folder, suite), neighbours_of(folder, suite),
        published_in(home / "claims", suite), histories_in(home / "drift"), effects_in(home / "effects"),
        examples_in(folder, run, faults), codes_in(folder, run, faults),
    )  # fmt: skip


def proofs_in(folder: Path, suite: Suite) -> Proofs | None:
    from flop_harness.store import load_proofs

    try:
        proofs = load_proofs(folder)
    except UserError:  # none are there, or another version of the harness made them
        return None
    return proofs if (proofs.suite, proofs.version) == (suite.name, suite.version) else None


def histories_in(folder: Path) -> dict[str, list[str]]:
    """Counter -> what changed with which release, of ``flop-harness drift``."""
    from flop_harness.store import TIMELINE_SUFFIX, load_timeline

    found = {}
    for path in sorted(folder.glob(f"*{TIMELINE_SUFFIX}")):
        with suppress(UserError):  # another version of the harness made it
            timeline = load_timeline(path)
            found[timeline.tool.id] = list(drift.stories(timeline))
    return found


def effects_in(folder: Path) -> dict[str, list[str]]:
    """Counter -> what it does to a model, of ``flop-harness effects``."""
    from flop_harness.store import load_effects

    try:
        seen = load_effects(folder / "effects.json")
    except UserError:  # there is none
        return {}
    return {
        name: [f"{effect} ({on}): {words}" for effect, on, words in effects.merged(told["models"])]
        for name, told in seen.items()
    }
