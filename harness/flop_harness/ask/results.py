"""Where results lie: named by suite, by folder or by file, here or in ``results/``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flop_harness import store
from flop_harness.errors import UserError, suggest
from flop_harness.records import Run, Suite
from flop_harness.run.environment import slug
from flop_harness.suite import files as suites

RESULTS = Path("results")


def folder_named(name: str | Path) -> Path:
    """The results folder that is meant by a folder, a file in it, a suite or a suite's file.

    UserError where no results lie there, with the command that makes them.
    """
    path = Path(name)
    if path.name in (store.RUN_FILE, store.MEASURED_FILE):
        return path.parent
    for folder in (path, RESULTS / path):
        if (folder / store.RUN_FILE).is_file():
            return folder
    if path.is_dir() or (path.is_file() and path.suffix != ".toml"):
        return path  # what is wrong with it is told by who reads it
    known = {folder.name for folder in folders_here()}
    try:
        suite = suites.load(str(name))
    except UserError as error:
        if path.suffix == ".toml" or not suggest(str(name), known):
            raise
        raise UserError(f"no results {str(name)!r} here{suggest(str(name), known)}") from error
    folder = RESULTS / slug(suite.name)
    if not (folder / store.RUN_FILE).is_file():
        raise UserError(f"no results of suite {suite.name!r} in {folder}: "
                        f"make them with flop-harness compare {name}")  # fmt: skip
    return folder


def folders_here() -> list[Path]:
    """The results folders below ``results/``."""
    return sorted(path.parent for path in RESULTS.glob(f"*/{store.RUN_FILE}"))


def folder_having(case: str) -> Path | None:
    """Results here that have a case: those of our suites are known by name, others are read."""
    ours = [RESULTS / suite.name for suite in suites.having(case)]
    for folder in ours:
        if (folder / store.RUN_FILE).is_file():
            return folder
    names = {RESULTS / name for name in suites.names()}
    for folder in folders_here():
        if folder not in names and case_in(store.load(folder), case):
            return folder
    return None


def case_in(run: Run, case: str) -> str:
    """The id of the case of that id or of that model; empty if the run has none."""
    found = [each.id for each in run.suite.cases if case in (each.id, each.model)]
    return found[0] if found else ""


def suites_having(case: str) -> Iterator[Suite]:
    """Suites that have the case, those whose cases are counted rather than timed first."""
    found = list(suites.having(case))
    yield from sorted(found, key=lambda suite: suite.name == "families")


def known_cases() -> list[str]:
    return [case.id for name in suites.names() for case in suites.load(name).cases]
