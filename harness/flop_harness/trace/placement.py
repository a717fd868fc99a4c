"""Models whose code asks where tensors lie: on meta it would get another answer than on the CPU."""

from __future__ import annotations

import dis
import sys
from collections.abc import Iterator
from functools import cache
from types import CodeType
from typing import Any

from torch import nn

from flop_harness.suite.sources import is_of_user
from flop_harness.trace.identity import functions_used_by
from flop_harness.trace.needs import ValuesNeeded

ASKING = frozenset({"is_cpu", "is_meta", "data_ptr", "get_device"})
PLACES = frozenset({"cpu", "meta"})
COMPARES = frozenset(dis.opmap[name] for name in ("COMPARE_OP", "CONTAINS_OP"))


def refuse_if_it_minds(module: nn.Module) -> None:
    """ValuesNeeded, as for a model that looks at values, where meta may lead it another way."""
    if minds_place(module):
        raise ValuesNeeded("the model asks where its tensors lie")


def minds_place(module: nn.Module) -> bool:
    """Whether the user's own code asks for a device, the CPU or meta.

    Code of installed packages is left out: those that we know take one way on both.
    """
    kinds: set[Any] = {type(each) for each in module.modules()}
    return any(asks_for_place(kind) for kind in kinds)


@cache
def asks_for_place(kind: type) -> bool:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    own = file is None or is_users(file)  # a notebook has none
    return own and any(asks(each.__code__) for each in functions_used_by(kind)
                       if is_users(each.__code__.co_filename))  # fmt: skip


is_users = cache(is_of_user)


def asks(code: CodeType) -> bool:
    if not ASKING.isdisjoint(code.co_names):
        return True
    named = "device" in code.co_names and not PLACES.isdisjoint(texts_in(code.co_consts))
    compared = named and not COMPARES.isdisjoint(code.co_code[::2])
    return compared or any(asks(inner) for inner in code.co_consts if isinstance(inner, CodeType))


def texts_in(constants: Any) -> Iterator[str]:
    for each in constants:
        if isinstance(each, str):
            yield each
        elif isinstance(each, tuple | frozenset):
            yield from texts_in(each)
