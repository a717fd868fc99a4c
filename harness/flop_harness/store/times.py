"""What was measured on a machine as a file, one line for each record.

Seconds are stored as whole nanoseconds. Samples of a turn lie next to each other in time and share
what disturbed them; they are stored from short to long, each as its distance from the one before,
which takes half the room. So are the passes of a layer, to three digits: hooks disturb them by more.
The order of turns is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

from flop_harness.records.times import LayerTimes, Times
from flop_harness.store.documents import damaged, lean, packed, read, restored, unpacked
from flop_harness.store.schema import TIMES_SCHEMA

TIMES_FILE = "times.json.xz"
NANO = 1e9
SECONDS = {
    "forwards": ("spins",), "ceilings": ("samples",), "hooks": ("hooked", "bare"),
}  # fmt: skip
"""Fields of records that hold seconds whose order tells something"""


def dump_times(times: Times) -> bytes:
    """The content of ``times.json.xz``; equal measurements give equal files."""
    times = replace(times, layers=tuple(map(coarse, times.layers)))
    document = lean(times, {})
    converted(document, nanoseconds, in_steps)
    return packed({**document, "schema": TIMES_SCHEMA}, preset=9)  # raw samples are many


def load_times(path: Path | str) -> Times:
    """The measurements in a machine's folder, or in its ``times.json.xz``; UserError without."""
    path = Path(path)
    file = path / TIMES_FILE if path.is_dir() else path
    document = unpacked(read(file), str(file), TIMES_SCHEMA)
    try:
        converted(document, seconds, from_steps)
    except (TypeError, AttributeError, KeyError) as error:
        raise damaged(str(file), error) from error
    times: Times = restored(document, Times, str(file))
    return times


def converted(
    document: dict[str, Any], each: Callable[[Any], Any], turn: Callable[[Any], Any]
) -> None:
    """Change the seconds of a document in their places."""
    for table, names in SECONDS.items():
        for record in document.get(table, ()):
            record |= {name: each(record[name]) for name in names if name in record}
    for record in document.get("forwards", ()):
        if "turns" in record:
            record["turns"] = [turn(samples) for samples in record["turns"]]
    for record in document.get("layers", ()):
        record["seconds"] = turn(record["seconds"])


def coarse(layer: LayerTimes) -> LayerTimes:
    return replace(layer, seconds=tuple(float(f"{each:.3g}") for each in layer.seconds))


def nanoseconds(values: Iterable[float]) -> list[int]:
    return [round(value * NANO) for value in values]


def seconds(values: Iterable[int]) -> list[float]:
    return [value / NANO for value in values]


def in_steps(samples: Iterable[float]) -> list[int]:
    """The shortest in nanoseconds, then what each is longer than the one before."""
    ordered = sorted(nanoseconds(samples))
    return ordered[:1] + [after - before for before, after in pairwise(ordered)]


def from_steps(steps: Iterable[int]) -> list[float]:
    return seconds(accumulate(steps))
