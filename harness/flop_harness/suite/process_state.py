"""What building a model leaves in its process, taken back before the next model is built.

Until then it stays: a forward pass of the model may need it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flop_harness.suite.global_hooks import HookTable, hook_tables
from flop_harness.suite.globals import Globals

_take_back: list[Callable[[], None]] = []
"""What undoes what the last model has left"""


@contextmanager
def building(factory: Callable[..., Any], on_meta: bool) -> Iterator[None]:
    """Within, ``factory`` is called, and what the last call has left is gone.

    That is hooks on all modules, which a factory puts there anew each time, and of a call ``on_meta``
    what the user's code holds outside its models, which may stand there.
    """
    while _take_back:
        _take_back.pop()()
    if on_meta:
        _take_back.append(Globals((factory,)).restore)
    before = [(table, set(table)) for table in hook_tables()]
    try:
        yield
    finally:
        _take_back.extend(without(table, table.keys() - known) for table, known in before)


def without(table: HookTable, keys: set[int]) -> Callable[[], None]:
    def remove() -> None:
        for key in keys:
            table.pop(key, None)

    return remove
