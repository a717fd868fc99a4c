"""What has to be the same on every machine of a run: the harness, Python, torch, each counter."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from flop_harness.counters import find, installed
from flop_harness.run.plan import version_asked

PACKAGE = Path(__file__).resolve().parents[2]

Versions = dict[str, str]


def versions(counters: Sequence[str]) -> Versions:
    """By name, of this process; counters by id. UserError for a counter that is not known here."""
    return {
        "flop-harness": f"{installed('flop-harness')} ({digest_of_package()})",
        "Python": platform.python_version(),
        **{library: installed(library) for library in ("torch", "torchvision", "numpy")},
        **{counter.id: version_asked(counter) for counter in find(tuple(counters))},
    }


@cache
def digest_of_package() -> str:
    """Of all our code: two checkouts may carry the same version."""
    told = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        told.update(f"{file.relative_to(PACKAGE)}\0".encode() + file.read_bytes())
    return told.hexdigest()[:12]


def difference(there: Mapping[str, str], here: Mapping[str, str]) -> str:
    """``torch is 2.11.0 there, 2.14.1 here``; empty where all is the same."""
    return "; ".join(
        f"{name} is {there.get(name) or 'not installed'} there, {own or 'not installed'} here"
        for name, own in here.items()
        if there.get(name) != own
    )
