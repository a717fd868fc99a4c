"""Released versions of a package, as the package index has them, in the order of their release."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import datetime

from packaging.version import InvalidVersion, Version

from flop_harness.errors import UserError

LISTED = re.compile(r"^Available versions: (.+)$", re.MULTILINE)
DATES = {6: "%y%m%d", 10: "%y%m%d%H%M"}
"""How a date stands in a version, by its digits: ``0.0.31.post2005241907``"""


def released(distribution: str) -> tuple[str, ...]:
    """Every version that pip finds, pre-releases too; UserError where it finds none."""
    command = [sys.executable, "-m", "pip", "index", "versions", "--pre", distribution]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    listed = LISTED.search(done.stdout)
    if listed is None:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        why = errors[-1] if errors else "pip lists no versions"
        raise UserError(f"no released versions of {distribution!r} can be listed: {why}")
    return in_order(listed[1].split(", "))


def in_order(versions: list[str]) -> tuple[str, ...]:
    """The oldest first. A date in a version tells more than its number: thop 0.0.4 follows 0.0.31.

    Versions without a date stand where the next higher one with a date does.
    """
    known = sorted((v for v in versions if is_version(v)), key=Version)
    dated: dict[str, datetime] = {}
    following = datetime.max
    for version in reversed(known):
        following = date_in(version) or following
        dated[version] = following
    return tuple(sorted(known, key=lambda version: (dated[version], Version(version))))


def is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def date_in(version: str) -> datetime | None:
    """The date that stands as the number of a post or development release, if it is one."""
    parsed = Version(version)
    digits = str(parsed.post or parsed.dev or "")
    for read in (digits, digits.removeprefix("20")):
        try:
            return datetime.strptime(read, DATES[len(read)])
        except (KeyError, ValueError):
            continue
    return None


def same(one: str, other: str) -> bool:
    """Whether two spellings name one version: ``0.1.1-2209`` is ``0.1.1.post2209``."""
    return is_version(one) and is_version(other) and Version(one) == Version(other)
