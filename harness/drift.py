"""Released versions of a counter side by side: when did a figure change, and by which terms."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property

from harness import overlay
from harness.assembly import tool_of
from harness.cells import CaseRunner, Limits
from harness.counters import Counter, at_version, find_one
from harness.editions import as_of
from harness.environment import describe
from harness.errors import UserError, suggest
from harness.reconcile import Ground, lead
from harness.records import Bridge, Case, Reading, Release, Step, Suite, Timeline
from harness.releases import released
from harness.remedies import Remedy, remedied, remedy_for
from harness.store import TIMELINE_SCHEMA

IMPORTS = ("ImportError", "ModuleNotFoundError", "SyntaxError")
"""How a failure begins that every case would meet"""

Progress = Callable[[Release], None]


def drift(
    name: str, suite: Suite, versions: Sequence[str] = (), progress: Progress = lambda release: None
) -> Timeline:  # fmt: skip
    """Every release of a counter on every case, or those that match one of ``versions`` (globs)."""
    counter = pinnable(name)
    listed = released(counter.distribution)
    chosen = chosen_among(listed, versions, counter.distribution)
    subjects = [Subject(case, suite, counter) for case in suite.cases]
    releases = []
    for version in chosen:
        release = asked(counter, version, subjects)
        progress(release)
        releases.append(release)
    return Timeline(
        TIMELINE_SCHEMA, tool_of(counter), suite.cases, describe(["torch", "torchvision"]),
        listed, tuple(releases),
    )  # fmt: skip


def pinnable(name: str) -> Counter:
    """The counter of this id; UserError for one that is part of another package."""
    counter = find_one(name)
    if counter.distribution in ("torch", "flop-harness"):
        raise UserError(f"{name} is a part of {counter.distribution}: its releases cannot be run "
                        "beside this one; see --stored")  # fmt: skip
    return counter


def chosen_among(listed: Sequence[str], versions: Sequence[str], what: str) -> list[str]:
    chosen = [v for v in listed if not versions or any(fnmatchcase(v, each) for each in versions)]
    if not chosen:
        told = ", ".join(versions)
        raise UserError(f"no release of {what} matches {told}{suggest(versions[0], list(listed))}")
    return chosen


# ------------------------------------------------------------------------------------- a case


@dataclass
class Subject:
    """A case, its model and its traces, each made once for all releases."""

    case: Case
    suite: Suite
    counter: Counter

    @cached_property
    def runner(self) -> CaseRunner:
        limits = Limits(self.suite.timeout_s, int(self.suite.memory_gib * 2**30), threads=1)
        return CaseRunner(self.case, self.suite.folder, "cpu", limits)

    @cached_property
    def canonical(self) -> Ground:
        return Ground(self.runner.canonical())

    @cached_property
    def own(self) -> Ground:
        """As the counter's present release sees it."""
        return Ground(self.runner.trace(self.counter, self.counter.contexts[0]))

    def read(self, counter: Counter) -> tuple[Reading, ...]:
        return self.runner.read(counter, self.counter.contexts[0])

    def lead(self, reading: Reading, counter: Counter) -> Bridge | None:
        """A bridge by the rules of the reading's version; None where those raise."""
        if reading.status != "ok":
            return None
        try:
            return lean(lead(replace(reading, modules={}), counter, self.canonical, self.own))
        except Exception:  # noqa: BLE001 - a release's rules may trip; the figure is then unexplained
            return None


def lean(bridge: Bridge) -> Bridge:
    """Terms alone: where each comes from is a matter of the suites' reports."""
    return replace(bridge, steps=tuple(Step(step.term, step.amount) for step in bridge.steps))


# ---------------------------------------------------------------------------------- a release


def asked(counter: Counter, version: str, subjects: Iterable[Subject]) -> Release:
    """What one release says; after one failure to import, no further case is tried."""
    pinned = beside(counter, at_version(counter, version))
    found = Asking(counter.id, pinned)
    readings: list[Reading] = []
    bridges: list[Bridge] = []
    for subject in subjects:
        said = found.read(subject)
        rules = as_of(counter, version)
        error = barring(said)
        if error:
            return Release(version, remedies=found.names, error=error)
        readings += [replace(each, modules={}, output="") for each in said]
        bridges += filter(None, (subject.lead(each, rules) for each in said))
    return Release(version, tuple(readings), tuple(bridges), found.names)


def beside(counter: Counter, pinned: Counter) -> Counter:
    """The release alone in its overlay; what else it needs comes from the present one's, after it."""
    alone = replace(pinned, overlay=pinned.overlay[:1])
    if not counter.overlay:
        return alone
    home = overlay.ensure(counter.overlay)

    def read(*asked):  # type: ignore[no-untyped-def]
        sys.path.insert(1, str(home))
        return counter.read(*asked)

    return replace(alone, read=read)


@dataclass
class Asking:
    """A release and the remedies that it has needed so far."""

    id: str
    counter: Counter
    taken: tuple[Remedy, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(remedy.name for remedy in self.taken)

    def read(self, subject: Subject) -> tuple[Reading, ...]:
        """The readings, once no remedy is left to be tried."""
        while True:
            said = subject.read(remedied(self.counter, self.taken))
            remedy = self._next(said)
            if remedy is None:
                return said
            self.taken = (*self.taken, remedy)

    def _next(self, said: tuple[Reading, ...]) -> Remedy | None:
        failed = [reading.message for reading in said if reading.status == "failed"]
        return remedy_for(self.id, failed[0], self.taken) if failed else None


def barring(said: tuple[Reading, ...]) -> str:
    """Why no case can be asked of a release; empty if this one's failure may be its own."""
    reading = said[0]
    unasked = reading.status == "unavailable" and not reading.version
    if unasked or (reading.status == "failed" and reading.message.startswith(IMPORTS)):
        return reading.message
    return ""


__all__ = ["drift"]
