"""Whose times these are: this machine's, or published from another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flop_harness.records.times import Times


def id_of(environment: Mapping[str, Any]) -> str:
    """The hash by which a machine is known; empty where a run has none."""
    machine = environment.get("machine")
    return str(machine.get("id", "")) if isinstance(machine, Mapping) else ""


def is_own(times: Times, here: str) -> bool:
    """Whether these are times of the machine with the id ``here``."""
    return bool(here) and id_of(times.environment) == here


def whose(times: Times, here: str) -> str:
    """A sentence on where and when; ``here`` is the id of the machine that the reader's run is of."""
    day = str(times.environment.get("date", "")).partition("T")[0]
    when = f" on {day}" if day else ""
    if is_own(times, here):
        return f"Measured{when} on {times.machine}, the machine of this run."
    return f"Published: measured{when} on {times.machine}, another machine than that of this run."
