"""Why counters gave no figure: each way told once and whole, missing packages together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator

from flop_harness.records import Reading
from flop_harness.report.analysis.index import Index
from flop_harness.report.words.text import few, printable, shorten

MOST = 1000
"""Characters of a message at most: a counter may say 100 MB"""
MISSING = re.compile(r"(\S+) is not installed \((.+)\)")
"""What a reading says where a counter's package is missing, and the command that installs it"""


def silences(index: Index, statuses: Collection[str]) -> Iterator[str]:
    """A line for each way in which counters gave no figure, with what they printed last."""
    groups: dict[tuple[str, ...], list[Reading]] = defaultdict(list)
    silent = [reading for reading in index.readings if reading.status in statuses]
    for reading in silent:
        if not MISSING.fullmatch(reading.message):
            last = reading.output.strip().splitlines()[-1:]
            groups[reading.status, reading.counter, reading.message, *last].append(reading)
    for (status, counter, message, *last), readings in groups.items():
        cases = few(dict.fromkeys(each.case for each in readings), 3)
        contexts = ", ".join(dict.fromkeys(str(each.context) for each in readings))
        told = f"{status.replace('_', ' ')}: {cases}, {counter} ({contexts}): {message}"
        yield shorten(told, MOST) + shorten(printed_last(last, message), MOST)
    yield from missing(silent)


def printed_last(last: list[str], message: str) -> str:
    """The last line that a counter printed, where the message does not say the same; spaces aside."""
    line, message = (" ".join(each.split()) for each in ("".join(last), message))
    if line in message or message in line:
        return ""
    return f"; it printed last: {printable(line)}"


def missing(readings: Iterable[Reading]) -> Iterator[str]:
    """The packages that are not installed, with the command that brings them."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for match in filter(None, (MISSING.fullmatch(each.message) for each in readings)):
        found[match[2]][match[1]] = None
    for command, packages in found.items():
        yield printable(f"not installed: {', '.join(packages)} ({command})")
