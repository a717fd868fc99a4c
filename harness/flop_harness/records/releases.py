"""The releases of a counter, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flop_harness.records.run import Bridge, Failure, Reading, Tool
from flop_harness.records.suite import Case


@dataclass(frozen=True, slots=True)
class Release:
    """One released version of a counter: what it says of each case, or why it cannot be asked.

    ``remedies`` name what was done, in the processes of its readings alone, to make it run.
    ``failures`` are figures that our rules for the version trip over: they stand without a bridge.
    """

    version: str
    readings: tuple[Reading, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    remedies: tuple[str, ...] = ()
    error: str = ""
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True, slots=True)
class Timeline:
    """A counter's releases side by side, the oldest first. ``listed`` are all that the index has."""

    schema: int
    tool: Tool
    cases: tuple[Case, ...]
    environment: Mapping[str, Any]
    listed: tuple[str, ...]
    releases: tuple[Release, ...]
