"""Counters that misbehave, and a distribution that has the harness find them.

A counter outside the package is found by an entry point of group ``flop_harness.counters``:
``installed`` writes the few files that a package manager would write for one.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
DISTRIBUTION = "faulty-counters"
VERSION = "1.2.3"


def installed(folder: Path, entries: Iterable[str]) -> list[str]:
    """What to put on ``sys.path`` so that ``faulty.counters`` of these names are found."""
    home = folder / f"{DISTRIBUTION.replace('-', '_')}-{VERSION}.dist-info"
    home.mkdir(parents=True)
    metadata = f"Metadata-Version: 2.1\nName: {DISTRIBUTION}\nVersion: {VERSION}\n"
    (home / "METADATA").write_text(metadata)
    lines = [f"{name} = {name if ':' in name else f'faulty.counters:{name}'}" for name in entries]
    text = "\n".join(["[flop_harness.counters]", *lines, ""])
    (home / "entry_points.txt").write_text(text)
    return [str(folder), str(TESTS)]
