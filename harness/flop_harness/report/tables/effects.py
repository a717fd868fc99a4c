"""What each counter does to the model that it counts: a table and its page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flop_harness.report.formats.markdown import grid
from flop_harness.report.tables.tables import Column, Table
from flop_harness.report.words.text import shorten

Seen = Mapping[str, Mapping[str, Any]]
"""Counter -> ``version``, and ``models``: model -> effect -> in which words"""

COLUMNS = (Column("counter"), Column("version"), Column("effect"), Column("on"),
           Column("what was seen"))  # fmt: skip
NOTE = (
    "Each model is in training mode and counted twice. Then it is told what is left on it, whether "
    "functions of torch or the random numbers are changed, whether the second call says the same, "
    "and whether the model still pickles, trains and gives a state_dict that loads."
)


def table(seen: Seen) -> Table:
    """A row for each thing that a counter did; a counter that did nothing has one."""
    rows = tuple(
        (name, counter["version"], *told)
        for name, counter in seen.items()
        for told in list(merged(counter["models"])) or [("nothing", "", "")]
    )
    return Table("What a counter does to your model", COLUMNS, rows, NOTE)


def merged(models: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, str]]:
    """(effect, models, words): of the models on which an effect was seen, the first one's words."""
    effects = dict.fromkeys(effect for found in models.values() for effect in found)
    for effect in effects:
        on = [model for model, found in models.items() if effect in found]
        everywhere = len(on) == len(models) > 1
        words = shorten(models[on[0]][effect], 160)
        yield effect, "every model" if everywhere else ", ".join(on), words


def page(seen: Seen) -> bytes:
    blocks = (
        "# What a counter does to your model",
        "`flop-harness effects` writes this table, `flop-harness effects thop,torch` two counters' "
        "rows of it. The models are small: convolutions with batch normalisation, a transformer "
        "layer, an LSTM that is the whole model.",
        grid(table(seen)),
    )
    return ("\n\n".join(blocks) + "\n").encode("utf-8", "replace")
