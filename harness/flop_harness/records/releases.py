"""The releases of a counter, side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flop_harness.records.run import Bridge, Reading, Tool
from flop_harness.records.suite import Case


@dataclass(frozen=True, slots=True)
class Release:
    """One released version of a counter: what it says of each case, or why it cannot be asked.

    ``remedies`` name what was done, in the processes of its readings alone, to make it run.
    """

    version: str
    readings: tuple[Reading, ...] = ()
    bridges: tuple[Bridge, ...] = ()
    remedies: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class Timeline:
    """A counter's releases side by side, the oldest first. ``listed`` are all that the index has."""

    schema: int
    tool: Tool
    cases: tuple[Case, ...]
    environment: Mapping[str, Any]
    listed: tuple[str, ...]
    releases: tuple[Release, ...]
