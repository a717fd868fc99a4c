"""What was measured on a machine as JSON, one line for each record."""

from __future__ import annotations

from pathlib import Path

from harness.store.runs import decoded, laid_out, lean, read, restored
from harness.store.schema import TIMES_SCHEMA
from harness.times import Times

TIMES_FILE = "times.json"


def dump_times(times: Times) -> bytes:
    """The content of ``times.json``; equal measurements give equal files."""
    return laid_out(lean(times, {}))


def load_times(path: Path | str) -> Times:
    """The measurements in a machine's folder, or in its ``times.json``; UserError without."""
    path = Path(path)
    file = path / TIMES_FILE if path.is_dir() else path
    times: Times = restored(decoded(read(file), str(file), TIMES_SCHEMA), Times, str(file))
    return times
