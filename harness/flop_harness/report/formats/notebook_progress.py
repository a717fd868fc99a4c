"""How far a run is, as a bar in a notebook, elsewhere not at all; its notes are warnings."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

from flop_harness.errors import warn
from flop_harness.run.plan import Cell, Progress, Result


@contextmanager
def shown(shell: Any = None) -> Iterator[Progress]:
    """What a run tells goes to a bar below the running cell of a notebook, gone at the end."""
    shell = shell or running_notebook()
    if shell is None:
        yield Progress(note=warn)
        return
    bar = Bar()
    try:
        yield Progress(begin=bar.begin, note=warn, started=bar.started, finished=bar.finished)
    finally:
        bar.close()


def running_notebook() -> Any:
    """The shell of the notebook that this process serves; None in a terminal or a script."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython

    shell = get_ipython()
    return shell if getattr(shell, "kernel", None) is not None else None


class Bar:
    """An HTML bar that is updated in its place."""

    def __init__(self) -> None:
        self.total = self.done = 0
        self.handle: Any = None

    def begin(self, total: int, done: int) -> None:
        from IPython.display import HTML, display

        self.total, self.done = total, done
        self.handle = display(HTML(self.html("")), display_id=True)

    def started(self, cell: Cell) -> None:
        self.show(f"{cell.case}: {cell.counter or 'reference'}")

    def finished(self, cell: Cell, result: Result) -> None:
        self.done += 1
        self.show(f"{cell.case}: {cell.counter or 'reference'}")

    def show(self, words: str) -> None:
        from IPython.display import HTML

        if self.handle is not None:
            self.handle.update(HTML(self.html(words)))

    def html(self, words: str) -> str:
        count = f"{self.done:,} of {self.total:,}"
        bar = f'<progress value="{self.done}" max="{self.total}" aria-label="{count}"></progress>'
        return f"{bar} {count} {escape(words)}"

    def close(self) -> None:
        from IPython.display import HTML

        if self.handle is not None:
            self.handle.update(HTML(""))
