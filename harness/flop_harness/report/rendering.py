"""A run's report written again from its ``run.json.xz``, in all formats or in some."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from flop_harness import report
from flop_harness.errors import UserError, suggest
from flop_harness.records import Run

ALL = "all"
LONG = {"markdown": "md", "latex": "tex"}
"""What people call a format -> how its files end"""


def endings() -> list[str]:
    """The formats that there are, by how their files end."""
    return list(dict.fromkeys(name.rpartition(".")[2] for name in report.FORMATS))


def files_of(formats: Iterable[str]) -> list[str]:
    """Names of the files of these formats; of none, all. UserError for an unknown format."""
    wanted = [LONG.get(name.lower(), name.lower()) for name in formats]
    known = endings()
    for name in wanted:
        if name not in (*known, ALL):
            raise UserError(
                f"unknown format {name!r}{suggest(name, known)}; known: {', '.join(known)}"
            )
    if not wanted or ALL in wanted:
        return list(report.FORMATS)
    return [name for name in report.FORMATS if name.rpartition(".")[2] in wanted]


def render(run: Run, folder: Path, formats: Iterable[str] = ()) -> report.Written:
    """Write the files of these formats into ``folder``."""
    return report.write(run, folder, files_of(formats))
