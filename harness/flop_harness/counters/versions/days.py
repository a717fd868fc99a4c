"""Days of releases whose version tells none: the newest file in the package that pip downloads.

python -m flop_harness.counters.versions.days torchinfo 0.0.1 0.0.2
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from flop_harness.counters.versions.released import date_in

DAYS: Mapping[str, str] = {}
"""Distribution -> its versions, each with its day"""


def day_of(distribution: str, version: str) -> date | None:
    """The day that the version itself tells, or that its files have; None where neither is known."""
    told = date_in(version)
    if told:
        return told.date()
    words = DAYS.get(distribution, "").split()
    known = dict(zip(words[::2], words[1::2], strict=True)).get(version)
    return date.fromisoformat(known) if known else None


def day_in_package(distribution: str, version: str) -> date:
    """The day of the newest file in the package, which is downloaded and not installed."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            folder,
        ]
        subprocess.run([*command, f"{distribution}=={version}"], check=True)
        (package,) = Path(folder).iterdir()
        return max(days_in(package))


def days_in(package: Path) -> Iterator[date]:
    """The day of each file of a wheel or a source archive."""
    if zipfile.is_zipfile(package):
        with zipfile.ZipFile(package) as archive:
            yield from (date(*each.date_time[:3]) for each in archive.infolist())
    else:
        with tarfile.open(package) as archive:
            yield from (datetime.fromtimestamp(each.mtime, UTC).date() for each in archive)


if __name__ == "__main__":
    for each in sys.argv[2:]:
        print(each, day_in_package(sys.argv[1], each), flush=True)
