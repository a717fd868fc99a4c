"""What was timed of a suite, one machine after another; figures of two are never mixed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from flop_harness.errors import UserError
from flop_harness.records import Suite
from flop_harness.records.times import Times

Machines = Mapping[str, Times]
"""Folder beside the run -> what was measured there"""


def times_in(folder: Path) -> Machines:
    """What was measured in the folders of ``folder``, of whatever suite."""
    from flop_harness.store import TIMES_FILE, load_times

    found = {}
    for path in sorted(folder.glob(f"*/{TIMES_FILE}")):
        with suppress(UserError):  # another version of the harness made them
            found[path.parent.name] = load_times(path)
    return found


def machines_in(folder: Path, suite: Suite) -> Machines:
    """What lies in the folders of ``folder`` and is of this suite in this version."""
    return {
        machine: times for machine, times in times_in(folder).items()
        if (times.suite, times.version) == (suite.name, suite.version)
    }  # fmt: skip


def neighbours_of(folder: Path, suite: Suite) -> Machines:
    """Times of other suites that time a model of this one."""
    home, models = folder.absolute(), {case.model for case in suite.cases}
    if home.name != suite.name:
        return {}
    found = {}
    for other in sorted(each for each in home.parent.iterdir() if each.is_dir() and each != home):
        for machine, times in times_in(other).items():
            if times.suite == other.name and models & {case.model for case in times.cases}:
                found[f"../{quote(other.name)}/{quote(machine)}"] = times
    return found
