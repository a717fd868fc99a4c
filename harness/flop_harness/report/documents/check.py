"""What moved since the golden, for a page such as the summary of a CI step."""

from __future__ import annotations

from flop_harness.reconcile.changes import Comparison
from flop_harness.report.analysis.check import model_lines, summary, unmoved
from flop_harness.report.formats.markdown import grid, plain
from flop_harness.report.tables.check import table


def markdown(comparison: Comparison) -> str:
    """For a page such as the summary of a CI step."""
    blocks = [f"## flop-harness check: {plain(summary(comparison))}"]
    blocks += [plain(line) for line in model_lines(comparison)]
    blocks += [plain(line) for line in unmoved(comparison)]
    if comparison.moves:
        blocks.append(grid(table(comparison)))
    return "\n\n".join(blocks) + "\n"
