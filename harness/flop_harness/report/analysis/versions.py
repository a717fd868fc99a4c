"""Counters that are newer than the newest version whose rules were read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from packaging.version import Version

from flop_harness.counters.versions.released import is_version
from flop_harness.counters.versions.rules import RULES_OF
from flop_harness.records import Run, Tool
from flop_harness.report.words.text import printable, shorten

AT_END = re.compile(r"\(([^()\s]+)\)$")
"""The version at the end of what a counter says of its source"""


class Newer(NamedTuple):
    """A counter as it was read, and the version that its rules are those of."""

    counter: str
    version: str
    rules_of: str

    def __str__(self) -> str:
        return printable(
            f"{shorten(self.counter, 60)} {self.version}: rules are those of {self.rules_of}"
        )


def newer(run: Run) -> Iterator[Newer]:
    """Each counter whose version is newer than its rules."""
    asked = dict.fromkeys((each.counter, each.version) for each in run.readings)
    read = {tool.id: newest_read(tool) for tool in run.tools}
    for counter, version in asked:
        if is_later(version, read.get(counter, "")):
            yield Newer(counter, version, read[counter])


def newest_read(tool: Tool) -> str:
    """The newest version in whose source rules of a counter were read; empty where none is told."""
    others = RULES_OF.get(tool.id.partition("@")[0], ())
    found = (AT_END.search(source) for source in (tool.source, *(each.source for each in others)))
    read = (each[1] for each in found if each and is_version(each[1]))
    return max(read, key=Version, default="")


def is_later(version: str, read: str) -> bool:
    """Whether a version follows the one that was read; ``2.14`` stands for each 2.14.x."""
    if not (is_version(version) and is_version(read)):
        return False
    there, here = Version(version), Version(read)
    covered = len(here.release) == 2 and there.release[:2] == here.release
    return there > here and not covered
