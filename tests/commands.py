"""Commands as a user types them, in this process; results on disk for them to read."""

from __future__ import annotations

import contextlib
import io
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from flop_harness import cli, store
from flop_harness.records import Run


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def typed(*words: object) -> Ended:
    """Run ``flop-harness WORDS``."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["flop-harness", *map(str, words)]
    code: object = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main()
    except SystemExit as end:
        code = end.code
    finally:
        sys.argv = before
    return Ended(int(code or 0), out.getvalue(), err.getvalue())  # type: ignore[call-overload]


def results_of(run: Run, folder: Path) -> Path:
    """A run as it lies in a results folder, without its report."""
    store.save(replace(run, schema=store.RUN_SCHEMA), folder)
    return folder
