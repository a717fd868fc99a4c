"""Hooks on all modules of a process, which a factory puts there anew each time it is called."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Table = dict[int, Any]

_put: list[tuple[Table, int]] = []
"""The hooks that the last factory has put: its model may be called yet."""


@contextmanager
def put_once() -> Iterator[None]:
    """Within a factory is called; what an earlier call has put is taken away before."""
    while _put:
        table, key = _put.pop()
        table.pop(key, None)
    before = [(table, set(table)) for table in tables()]
    try:
        yield
    finally:
        _put.extend((table, key) for table, known in before for key in table.keys() - known)


def tables() -> list[Table]:
    """Where torch keeps them."""
    from torch.nn.modules import module

    held = vars(module).items()
    return [each for name, each in held if name.startswith("_global_") and isinstance(each, dict)]
