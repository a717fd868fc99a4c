"""Released versions of a counter side by side: when did a figure change, and by which terms.

Most run from a folder of their own beside the one torch that is installed. torch's own counter is
the exception: its releases are asked one by one, each where it is installed, and meet in the file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from importlib import metadata

from packaging.version import Version

from flop_harness.counters import Counter, at_version, find_one, overlay, version_of
from flop_harness.counters.versions.compatibility import Shim, read_with_shims
from flop_harness.counters.versions.released import released
from flop_harness.counters.versions.rules import as_of
from flop_harness.errors import ModelRaised, UserError, suggest
from flop_harness.reconcile.assembly import tool_of
from flop_harness.reconcile.bridges import PricedTrace, lead
from flop_harness.records import Bridge, Case, Failure, Reading, Release, Step, Suite, Timeline
from flop_harness.run.cells import CaseRunner, Limits
from flop_harness.run.environment import describe
from flop_harness.run.reading import read_once
from flop_harness.store import TIMELINE_SCHEMA

IMPORTS = ("ImportError", "ModuleNotFoundError", "SyntaxError")
"""How a failure begins that every case would meet"""

TORCH = "torch"
Progress = Callable[[Timeline, Release], None]


def drift(
    name: str,
    suite: Suite,
    versions: Sequence[str] = (),
    known: Timeline | None = None,
    progress: Progress = lambda timeline, release: None,
    note: Callable[[str], None] = lambda line: None,
) -> Timeline:
    """Every release of a counter on every case, or those that match one of ``versions`` (globs).

    Releases that ``known`` has are not asked again: what was released does not change. ``progress``
    gets what there is after each release, ``note`` what is about to be installed. Of torch the
    installed release is asked.
    """
    counter = with_releases(name)
    listed = released(counter.distribution)
    subjects = [Subject(case, suite, counter) for case in suite.cases]
    made = Timeline(TIMELINE_SCHEMA, tool_of(counter), suite.cases,
                    describe(["torch", "torchvision"]), listed, ())  # fmt: skip
    if counter.distribution == TORCH:
        made, release = among_others(made, known, installed(counter, versions, subjects))
        progress(made, release)
        return made
    there = {release.version: release for release in reusable(known, made)}
    for version in chosen_among(listed, versions, counter.distribution):
        release = there.get(version) or pinned(counter, version, subjects, note)
        made = replace(made, releases=(*made.releases, explained(release, counter, subjects)))
        progress(made, release)
    return made


def comparable(known: Timeline | None, made: Timeline) -> tuple[Release, ...]:
    """Releases of an earlier timeline of the same counter and cases."""
    if known is None or known.tool.id != made.tool.id or known.cases != made.cases:
        return ()
    return known.releases


def reusable(known: Timeline | None, made: Timeline) -> tuple[Release, ...]:
    """Comparable ones that ran on the same torch."""
    releases = comparable(known, made)
    if (
        known is None
        or known.environment["torch"]["version"] != made.environment["torch"]["version"]
    ):
        return ()
    return releases


def among_others(
    made: Timeline, known: Timeline | None, release: Release
) -> tuple[Timeline, Release]:
    """The installed release beside those that were asked where they were installed."""
    others = (each for each in comparable(known, made) if each.version != release.version)
    ordered = sorted((release, *others), key=lambda each: Version(each.version))
    return replace(made, releases=tuple(ordered)), release


def with_releases(name: str) -> Counter:
    """The counter of this id; UserError for the harness's own, which has none to compare."""
    counter = find_one(name)
    if counter.distribution == "flop-harness":
        raise UserError(f"{name} comes with flop-harness: there are no releases to compare it with")
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
        return CaseRunner(self.case, self.suite.folder, limits)

    @cached_property
    def canonical(self) -> PricedTrace:
        return PricedTrace(self.runner.canonical())

    @cached_property
    def own(self) -> PricedTrace:
        """As the counter's present release sees it."""
        return PricedTrace(self.runner.trace(self.counter, self.counter.contexts[0]))

    def read(self, counter: Counter) -> tuple[Reading, ...]:
        """What the counter says; where the model raises, that for each of its figures."""
        context = self.counter.contexts[0]
        try:
            return read_once(self.runner, counter, context)
        except ModelRaised as error:
            return tuple(
                Reading(self.case.id, counter.id, version_of(counter), context, metric, quantity.unit,
                        "failed", label=quantity.label, message=str(error))
                for metric, quantity in counter.quantities.items()
            )  # fmt: skip


# ---------------------------------------------------------------------------------- a release


def pinned(
    counter: Counter, version: str, subjects: Iterable[Subject], note: Callable[[str], None]
) -> Release:
    """What one release says, from a folder of its own."""
    release = at_version(counter, version)
    for requirements in dict.fromkeys((release.overlay[:1], counter.overlay)):
        if told := overlay.installing(counter.id, requirements):
            note(told)
    try:
        alone = beside(counter, release)
    except overlay.NotInstallable as error:
        return Release(version, error=str(error))
    return asked(Asking(counter.id, alone), version, subjects)


def installed(counter: Counter, versions: Sequence[str], subjects: Sequence[Subject]) -> Release:
    """What the installed torch's own counter says; UserError where another one is wanted."""
    version = Version(metadata.version(TORCH)).public
    if versions and not any(fnmatchcase(version, each) for each in versions):
        raise UserError(
            f"torch {version} is installed here; ask {', '.join(versions)} in an environment that "
            f"has it, and into the same folder"
        )
    release = asked(Asking(counter.id, counter), version, subjects)
    return explained(release, counter, subjects)


def asked(asking: Asking, version: str, subjects: Iterable[Subject]) -> Release:
    """What a release says; after a failure to import, no further case is tried."""
    readings: list[Reading] = []
    for subject in subjects:
        said = asking.read(subject)
        error = barring(said)
        if error:
            return Release(version, remedies=asking.names, error=error)
        readings += [replace(each, modules={}, output="") for each in said]
    return Release(version, tuple(readings), remedies=asking.names)


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
    taken: tuple[Shim, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(remedy.name for remedy in self.taken)

    def read(self, subject: Subject) -> tuple[Reading, ...]:
        """The readings, once no remedy is left to be tried."""
        said, self.taken = read_with_shims(self.id, self.counter, subject.read, self.taken)
        return said


def barring(said: tuple[Reading, ...]) -> str:
    """Why no case can be asked of a release; empty if this one's failure may be its own."""
    reading = said[0]
    unasked = reading.status == "unavailable" and not reading.version
    if unasked or (reading.status == "failed" and reading.message.startswith(IMPORTS)):
        return reading.message
    return ""


# -------------------------------------------------------------------------------------- why


def explained(release: Release, counter: Counter, subjects: Iterable[Subject]) -> Release:
    """The release with a bridge to each figure, by the rules of its version, or why there is none."""
    rules = as_of(counter, release.version)
    by_case = {subject.case.id: subject for subject in subjects}
    bridges: list[Bridge] = []
    failures: list[Failure] = []
    for reading in release.readings:
        if reading.status != "ok":
            continue
        try:
            bridges.append(led(reading, rules, by_case[reading.case]))
        except Exception as error:  # noqa: BLE001 - any rule may trip over an untried model
            stage = f"{counter.id}'s rules for {reading.metric}"
            failures.append(Failure.of(reading.case, stage, error))
    return replace(release, bridges=tuple(bridges), failures=tuple(failures))


def led(reading: Reading, rules: Counter, subject: Subject) -> Bridge:
    """The terms of a reading, and no more: of which modules they are is not kept."""
    bridge = lead(reading, rules, subject.canonical, subject.own)
    return replace(bridge, steps=tuple(Step(step.term, step.amount) for step in bridge.steps))
