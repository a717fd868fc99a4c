"""What moved since the golden."""

from __future__ import annotations

from flop_harness.reconcile.changes import Comparison, Move
from flop_harness.report.analysis.check import KINDS, in_words, shown, who
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import printable

COLUMNS = (
    Column("counter"), Column("version"), Column("case"), Column("what"), Column("golden"),
    Column("now"), Column("why"), Column("terms"),
)  # fmt: skip


def table(comparison: Comparison) -> Table:
    return Table("What moved", COLUMNS, tuple(map(_row, comparison.moves)))


def _row(move: Move) -> tuple[str, ...]:
    version = who(move).removeprefix(printable(move.key.counter)).strip()
    terms = "; ".join(map(in_words, move.terms))
    return (move.key.counter, version, move.key.case, move.key.what, shown(move.before),
            shown(move.after), KINDS[move.kind], terms)  # fmt: skip
