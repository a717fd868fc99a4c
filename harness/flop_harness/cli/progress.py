"""What a run shows while it goes on: bars on a terminal, plain lines elsewhere; on stderr."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from flop_harness.run.plan import Cell, Progress, Result


class ProgressBar:
    """Follows a run; ``nothing_done`` tells afterwards whether everything was there already."""

    def __init__(self, title: str, quiet: bool = False, folder: Path | None = None) -> None:
        self.title = title
        self.quiet = quiet
        self.folder = folder
        self.nothing_done = True
        self.total = 0
        self.done = 0
        self.bar: Any = None
        self.task: Any = None
        self.progress = Progress(self.begin, self.line, self.started, self.finished)

    def __enter__(self) -> ProgressBar:
        if sys.stderr.isatty():
            from rich import progress
            from rich.console import Console

            self.bar = progress.Progress(
                progress.TextColumn("{task.description}", markup=False),
                progress.BarColumn(),
                progress.MofNCompleteColumn(),
                progress.TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()

    @property
    def kept(self) -> str:
        """What is left of a run that was interrupted."""
        if self.folder is None:
            return "nothing was kept: --out FOLDER keeps what is finished"
        return (f"{self.done:,} of {self.total:,} cells are kept in {self.folder}: "
                "the same command goes on from there")  # fmt: skip

    def begin(self, total: int, done: int) -> None:
        self.total, self.done = total, done
        if self.bar is not None:
            self.task = self.bar.add_task(self.title, total=total, completed=done)
        if done and not self.quiet:
            self.line(f"{self.title}: {done:,} of {total:,} cells are there already")

    def started(self, cell: Cell) -> None:
        if self.bar is not None:
            self.bar.update(self.task, description=f"{cell.case} {cell.counter or 'reference'}")

    def finished(self, cell: Cell, result: Result) -> None:
        self.nothing_done = False
        self.done += 1
        if self.bar is not None:
            self.bar.update(self.task, completed=self.done)
        elif not self.quiet:
            what = cell.counter or "reference"
            self.line(f"[{self.done:,}/{self.total:,}] {cell.case}: {what} ({cell.context}) "
                      f"{told(result)}")  # fmt: skip

    def line(self, text: str) -> None:
        shown = "".join(c if c.isprintable() else " " for c in text)
        if self.bar is not None:
            self.bar.console.print(shown, markup=False, highlight=False)
        else:
            print(shown, file=sys.stderr, flush=True)


def told(result: Result) -> str:
    if result.failure is not None:
        return f"failed: {result.failure.message}"
    worst = next((r for r in result.readings if r.status != "ok"), None)
    if worst is not None:
        return f"{worst.status}: {worst.message}"
    return "ok"
