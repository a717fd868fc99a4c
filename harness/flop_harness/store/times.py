"""What was measured on a machine as JSON, one line for each record; compressed, for raw samples are many."""

from __future__ import annotations

import lzma
from pathlib import Path

from flop_harness.errors import UserError
from flop_harness.records.times import Times
from flop_harness.store.runs import decoded, laid_out, lean, read, restored
from flop_harness.store.schema import TIMES_SCHEMA

TIMES_FILE = "times.json.xz"


def dump_times(times: Times) -> bytes:
    """The content of ``times.json.xz``; equal measurements give equal files."""
    return lzma.compress(laid_out(lean(times, {})), format=lzma.FORMAT_XZ)


def load_times(path: Path | str) -> Times:
    """The measurements in a machine's folder, or in its ``times.json.xz``; UserError without."""
    path = Path(path)
    file = path / TIMES_FILE if path.is_dir() else path
    try:
        content = lzma.decompress(read(file))
    except (lzma.LZMAError, EOFError) as error:
        raise UserError(f"{file} is damaged: {error}") from error
    times: Times = restored(decoded(content, str(file), TIMES_SCHEMA), Times, str(file))
    return times
