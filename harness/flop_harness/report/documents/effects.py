"""The page of what counters do to models."""

from __future__ import annotations

from flop_harness.report.analysis.effects import Seen
from flop_harness.report.formats.markdown import grid, page
from flop_harness.report.tables.effects import table


def markdown(seen: Seen) -> bytes:
    blocks = (
        "# What a counter does to your model",
        "`flop-harness effects` writes this table, `flop-harness effects thop,torch` two counters' "
        "rows of it. The models are small: convolutions with batch normalisation, a transformer "
        "layer, an LSTM that is the whole model.",
        grid(table(seen)),
    )
    return page(blocks)
