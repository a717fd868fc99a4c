"""Counting tools, one file each: how it is called (reading) and what it follows (prediction).

A file here that defines ``COUNTER`` is found by itself; outside the package an entry point of
group ``flop_harness.counters`` that yields a ``Counter`` is.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version

from flop_harness.counters import overlay
from flop_harness.counters.names import CALLED, ids_called
from flop_harness.counters.protocol import Answer, Counter, Quantity, Unavailable
from flop_harness.errors import UserError, suggest
from flop_harness.version import __version__

__all__ = ["Answer", "Counter", "Quantity", "Unavailable", "counters", "find", "version_of"]

OURS = "flop-harness"

# The order in which people look for them; a counter that is not named here follows by name.
ORDER = (
    "analytic", "thop", "ultralytics-thop", "ptflops-pytorch", "ptflops-aten", "torchinfo",
    "fvcore", "torch", "torchprofile", "flopth", "calflops", "deepspeed", "torchscan", "mmengine",
    "pytorch-model-summary", "numel", "torch-profiler", "lightning", "torch-flops", "torchsummary",
    "torchsummaryx", "torchstat", "torchstat-madd", "onnx-tool", "calflops-macs", "deepspeed-macs",
    "hf-trainer",
)  # fmt: skip


@cache
def counters() -> dict[str, Counter]:
    """Every counter by id: ours in a fixed order, then others by name."""
    found: dict[str, Counter] = {}
    for info in pkgutil.iter_modules(__path__, __name__ + "."):
        counter = getattr(importlib.import_module(info.name), "COUNTER", None)
        if counter is not None:
            found[counter.id] = counter
    for entry in entry_points(group="flop_harness.counters"):
        counter = loaded(entry)
        if counter.id in found:
            raise UserError(f"two counters are called {counter.id!r} (entry point {entry.value})")
        found[counter.id] = counter
    rank = {name: place for place, name in enumerate(ORDER)}
    return dict(sorted(found.items(), key=lambda item: (rank.get(item[0], len(rank)), item[0])))


def loaded(entry: EntryPoint) -> Counter:
    """The counter of an entry point; UserError that names it if there is none."""
    try:
        counter = entry.load()
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        raise UserError(f"the counter plugin {entry.value!r} cannot be loaded: {told}") from error
    if not isinstance(counter, Counter):
        kind = type(counter).__name__
        raise UserError(f"the counter plugin {entry.value!r} is a {kind}, not a Counter")
    return counter


def find(names: list[str] | tuple[str, ...]) -> list[Counter]:
    """The counters that names stand for, each once, in their order.

    Without names those that are in the environment and not optional; ``all`` is every one.
    """
    if not names:
        return [each for each in counters().values() if not (each.overlay or each.optional)]
    if tuple(names) == ("all",):
        return list(counters().values())
    return list({each.id: each for name in names for each in find_called(name)}.values())


def find_called(name: str) -> list[Counter]:
    """The counters that a name may stand for, the usual one first. UserError for an unknown one.

    A name is an id or what people write (``ptflops``, ``FlopCounterMode``); a released version
    stands behind an ``@``.
    """
    known = counters()
    if name in known:
        return [known[name]]
    base, _, pinned = name.partition("@")
    ids = ids_called(base, known)
    if not ids:
        near = suggest(base, (*known, *CALLED))
        raise UserError(f"unknown counter {name!r}{near}; known: {', '.join(known)}")
    return [at_version(known[each], pinned) if pinned else known[each] for each in ids]


def find_one(name: str) -> Counter:
    """The usual one of the counters that a name may stand for. UserError for an unknown one."""
    return find_called(name)[0]


def at_version(counter: Counter, pinned: str) -> Counter:
    """The counter at a released version, from an overlay."""
    mine = overlay.normalised(counter.distribution)
    others = [r for r in counter.overlay if overlay.normalised(r.partition("==")[0]) != mine]
    wanted = (f"{counter.distribution}=={pinned}", *others)
    return replace(counter, id=f"{counter.id}@{pinned}", overlay=wanted)


def version_of(counter: Counter) -> str:
    """Version of the installed distribution, empty if it is not installed (yet)."""
    if counter.overlay:
        return overlay.version_in(overlay.folder_of(counter.overlay), counter.distribution)
    return installed(counter.distribution)


@cache
def installed(distribution: str) -> str:
    """Version of a package in the environment, empty if there is none.

    Our own is known in a checkout that is not installed too.
    """
    if distribution == OURS:
        return __version__
    try:
        return version(distribution)
    except (PackageNotFoundError, ValueError):  # ValueError: of a name that is empty
        return ""
