"""Which layers of a model are shown, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flop_harness.ask.layers import Layer, Layers
from flop_harness.errors import UserError, suggest

KEYS: Mapping[str, Callable[[Layer], Any]] = {
    "macs": lambda layer: -layer.macs,
    "parameters": lambda layer: -layer.parameters,
    "bytes": lambda layer: -layer.bytes,
    "output bytes": lambda layer: -layer.output_bytes,
    "calls": lambda layer: -layer.calls,
}
AT_REST = ("parameters",)
"""Those of a model that is not called"""


def chosen(
    found: Layers, depth: int | None, sort: str | None, top: int | None, only: str | None
) -> list[Layer]:
    """The layers to show. Sorted or of one type they are the innermost, unless a depth is given."""
    rows = [each for each in found.layers if depth is None or each.depth <= depth]
    if only is not None:
        types = {each.type for each in rows}
        if only not in types:
            raise UserError(f"no layer {only!r} in {found.model}{suggest(only, types)}; "
                            f"there are: {', '.join(sorted(types))}")  # fmt: skip
        rows = [each for each in rows if each.type == only]
    if sort is not None or top is not None:
        inner = rows if only is not None else [each for each in rows if is_end(each, depth)]
        rows = sorted(inner, key=key(found, sort))
    return rows[:top]


def key(found: Layers, sort: str | None) -> Callable[[Layer], Any]:
    """By what layers are sorted, the first there is if nothing is asked for. UserError for another."""
    known = tuple(KEYS) if found.called else AT_REST
    name = sort or known[0]
    if name not in known:
        raise UserError(f"cannot sort by {name!r}{suggest(name, known)}; known: {', '.join(known)}")
    return KEYS[name]


def is_end(layer: Layer, depth: int | None) -> bool:
    return layer.leaf or layer.depth == depth
