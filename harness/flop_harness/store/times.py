"""What was measured on a machine as a file, one line for each record."""

from __future__ import annotations

from pathlib import Path

from flop_harness.records.times import Times
from flop_harness.store.documents import lean, packed, read, restored, unpacked
from flop_harness.store.schema import TIMES_SCHEMA

TIMES_FILE = "times.json.xz"


def dump_times(times: Times) -> bytes:
    """The content of ``times.json.xz``; equal measurements give equal files."""
    return packed(lean(times, {}), preset=9)  # raw samples are many


def load_times(path: Path | str) -> Times:
    """The measurements in a machine's folder, or in its ``times.json.xz``; UserError without."""
    path = Path(path)
    file = path / TIMES_FILE if path.is_dir() else path
    times: Times = restored(unpacked(read(file), str(file), TIMES_SCHEMA), Times, str(file))
    return times
