"""How each cell of a run ended, and why."""

from __future__ import annotations

from flop_harness.records import Reading
from flop_harness.report.analysis.cells import ENDED
from flop_harness.report.analysis.figures import figures_of, is_figure
from flop_harness.report.analysis.index import BROKEN, Index
from flop_harness.report.words.text import plural

EXPLAINED = "explained, residual 0"
UNEXPLAINED = "UNEXPLAINED"


def outcome_of(index: Index, readings: list[Reading]) -> tuple[str, str]:
    """How a cell ended, and why: the worst of its readings."""
    told = figures_of(readings)
    open_ends = [each for each in told if not index.explained(each)]
    if open_ends:
        return UNEXPLAINED, index.gap(open_ends[0])
    broken = [each for each in readings if not is_figure(each)]
    broken.sort(key=lambda each: each.status not in BROKEN)
    if broken:
        return ENDED[broken[0].status], broken[0].message
    return EXPLAINED, ""


def by_module(index: Index, cells: list[list[Reading]]) -> str:
    """How many of the cells were compared module by module too."""
    counts = [bridge.modules for cell in cells for bridge in map(index.bridge_to, cell)
              if bridge is not None and bridge.modules]  # fmt: skip
    words = "explained term by term"
    if counts:
        words += f"; {plural(sum(counts), 'figure')} by module, of {plural(len(counts), 'cell')}, equal too"
    return words
