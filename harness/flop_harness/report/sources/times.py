"""What was timed of a suite, one machine after another; figures of two are never mixed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from flop_harness.records import Suite
from flop_harness.records.times import Times
from flop_harness.store import TIMES_FILE, load_times

Machines = Mapping[str, Times]
"""Folder beside the run -> what was measured there"""
Read = Callable[[Path], Times | None]
"""How a file of times is read: None where it could not be, and somebody was told"""


def times_in(folder: Path, read: Read = load_times) -> Machines:
    """What was measured in the folders of ``folder``, of whatever suite. UserError for a damaged file."""
    found = {path.parent.name: read(path) for path in sorted(folder.glob(f"*/{TIMES_FILE}"))}
    return {machine: times for machine, times in found.items() if times is not None}


def machines_in(folder: Path, suite: Suite, read: Read = load_times) -> Machines:
    """What lies in the folders of ``folder`` and is of this suite in this version."""
    return {
        machine: times for machine, times in times_in(folder, read).items()
        if (times.suite, times.version) == (suite.name, suite.version)
    }  # fmt: skip


def neighbours_of(folder: Path, suite: Suite, read: Read = load_times) -> Machines:
    """Times of other suites that time a model of this one."""
    home, models = folder.absolute(), {case.model for case in suite.cases}
    if home.name != suite.name:
        return {}
    found = {}
    for other in sorted(each for each in home.parent.iterdir() if each.is_dir() and each != home):
        for machine, times in times_in(other, read).items():
            if times.suite == other.name and models & {case.model for case in times.cases}:
                found[f"../{quote(other.name)}/{quote(machine)}"] = times
    return found
