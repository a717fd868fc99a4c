"""What is too long for a page, in parts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

Item = TypeVar("Item")


def evenly(items: Sequence[Item], count: int) -> list[Sequence[Item]]:
    """So many consecutive parts, none longer than another by more than one.

    >>> evenly(range(5), 2)
    [range(0, 2), range(2, 5)]
    """
    ends = [len(items) * place // count for place in range(count + 1)]
    return [items[start:end] for start, end in pairwise(ends)]


def at_most(items: Sequence[Item], size: int) -> list[Sequence[Item]]:
    """As few such parts as there can be of at most ``size``; of nothing, one that is empty."""
    return evenly(items, max(math.ceil(len(items) / size), 1))
