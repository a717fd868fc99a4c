"""The report of a store of many runs: one page, and a sheet for each subject."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from flop_harness.report.formats import csv
from flop_harness.report.formats.markdown import grid, page, plain
from flop_harness.report.tables.store import SUBJECTS, table
from flop_harness.report.tables.table import Table
from flop_harness.report.words.text import factor_words, group, plural, verb
from flop_harness.store import write_atomically
from flop_harness.store.queries import Columns

SHOWN = 50
"""Rows of a table on the page; the sheets hold all"""


def headline(store: Columns) -> str:
    """How far the counters differ over all models, and how many figures are explained."""
    told = store.headline()
    apart = "no two counters gave a figure of the same model"
    if told.median and told.widest:
        apart = (f"counters differ by a factor of {factor_words(told.median)} on the median model "
                 f"and {factor_words(told.widest)} at most")  # fmt: skip
    explained = verb(told.explained, "is", "are")
    return (f"On {plural(told.models, 'model')}, {apart}; {group(told.explained)} of "
            f"{plural(told.figures, 'figure')} {explained} explained to the last unit.")  # fmt: skip


def markdown(store: Columns) -> bytes:
    return page(_blocks(store))


def _blocks(store: Columns) -> Iterator[str]:
    yield "# Many runs"
    yield f"**{plain(headline(store))}**"
    for subject in SUBJECTS:
        yield grid(shortened(table(store, subject), f"{subject}.csv"))


def shortened(whole: Table, file: str) -> Table:
    """The first rows of a table; its note names the file that has all."""
    rest = len(whole.rows) - SHOWN
    if rest <= 0:
        return whole
    return replace(whole, rows=whole.rows[:SHOWN], note=f"{group(rest)} more in {file}.")


def sheet(subject: str, store: Columns) -> bytes:
    return csv.render(table(store, subject))


STORE: Mapping[str, Callable[[Columns], bytes]] = {
    "report.md": markdown,
    **{f"{subject}.csv": partial(sheet, subject) for subject in SUBJECTS},
}


def write(store: Columns, names: Iterable[str] = STORE) -> list[Path]:
    """Write files of the report into the store's folder, by default every one."""
    paths = []
    for name in names:
        write_atomically(store.folder / name, STORE[name](store))
        paths.append(store.folder / name)
    return paths
