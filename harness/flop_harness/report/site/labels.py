"""Which dots of a chart are named: those farthest from its line, as long as no name lies upon another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice

Box = tuple[float, float, float, float]
"""Left, right, top, bottom in pixels"""
LETTER, LINE = 7.5, 17.0
"""Pixels of a letter and of a line of names"""
SIZES = ((640, 396, 6), (340, 340, 3))
"""Pixels of a chart on a wide and on a narrow page, and how many names it has at most"""


def named(
    names: Sequence[str], counts: Sequence[float], times: Sequence[float], away: Sequence[float]
) -> list[list[int]]:
    """For a wide and a narrow page the places of the dots that are named, the farthest first.

    ``away`` are distances from the line, in logarithms; none is named that is nearer than the average.
    """
    far = [place for place in sorted(range(len(away)), key=lambda each: -away[each])
           if away[place] > sum(away) / len(away)]  # fmt: skip
    found = []
    for width, height, most in SIZES:
        across, down = pixels(counts, width), pixels(times, height)
        boxes = {each: box(across[each], height - down[each], names[each], width) for each in far}
        found.append(apart(boxes, most))
    return found


def pixels(values: Sequence[float], length: float) -> list[float]:
    """Where values stand on a logarithmic axis of that length."""
    low, high = math.log(min(values)), math.log(max(values))
    return [length * (math.log(each) - low) / ((high - low) or 1) for each in values]


def box(x: float, y: float, name: str, width: float) -> Box:
    """What a name takes that stands above its dot, from there towards the middle."""
    length = LETTER * len(name)
    left = x if x < width / 2 else x - length
    return left, left + length, y - LINE, y


def apart(boxes: dict[int, Box], most: int) -> list[int]:
    """The first that overlap none before them."""
    kept: dict[int, Box] = {}
    for place, each in boxes.items():
        if not any(overlap(each, other) for other in kept.values()):
            kept[place] = each
    return list(islice(kept, most))


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[1] and other[0] < one[1] and one[2] < other[3] and other[2] < one[3]
