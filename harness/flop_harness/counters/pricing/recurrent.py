"""What rules for recurrent layers share: cells, layers and directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

Charges: TypeAlias = list[tuple[str, Any]]
"""(term, amount) pairs of one call"""

GATE_COUNT = {"RNN": 1, "GRU": 3, "LSTM": 4}


def cell_products(kind: str, width: int, hidden: int) -> int:
    """MACs of one step of a cell: every gate reads the input and the hidden state."""
    return GATE_COUNT[kind] * hidden * (width + hidden)


def sequence_cells(config: Mapping[str, Any]) -> list[int]:
    """The input width of each cell of a layer stack, both directions, projections left out."""
    directions = 2 if config["bidirectional"] else 1
    hidden = config["hidden_size"]
    above = [hidden * directions] * (config["num_layers"] - 1)
    return [width for width in (config["input_size"], *above) for _ in range(directions)]
