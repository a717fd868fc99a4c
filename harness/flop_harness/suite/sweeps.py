"""One model at several sizes of its inputs: ``batch=1,8,32``, ``resolution=128..256..32``, ``length=...``."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from flop_harness.errors import UserError, suggest
from flop_harness.records import Case, Input
from flop_harness.records.suite import AXES, sized
from flop_harness.suite.build import build

MANY = 1000
"""More sizes are a mistake"""
SIZE = r"([1-9]\d{0,8})"
RANGE = re.compile(rf"{SIZE}(?:\.\.{SIZE}(?:\.\.{SIZE})?)?", re.ASCII)
"""``8``, ``1..8`` with both ends, ``128..256..32`` in steps"""


def batched(given: Input, value: int) -> Input:
    """Another first size."""
    return replace(given, shape=(value, *given.shape[1:])) if given.shape else given


def resized(given: Input, value: int) -> Input:
    """Images of another height and width."""
    images = len(given.shape) >= 4 or (len(given.shape) == 3 and given.shape[0] in (1, 3, 4))
    return replace(given, shape=(*given.shape[:-2], value, value)) if images else given


def lengthened(given: Input, value: int) -> Input:
    """Sequences of another length: the second size of two or three."""
    if len(given.shape) not in (2, 3):
        return given
    return replace(given, shape=(given.shape[0], value, *given.shape[2:]))


CHANGES = dict(zip(AXES, (batched, resized, lengthened), strict=True))
CALLED = {"batch-size": "batch", "image-size": "resolution", "size": "resolution", "sequence": "length",
          "sequence-length": "length", "seq-len": "length", "tokens": "length"}  # fmt: skip
"""What people call an axis -> its name"""


def parse(text: str) -> tuple[str, list[int]]:
    """``batch=1,8,32`` -> its axis and sizes. Raises UserError."""
    written, _, sizes = text.partition("=")
    name = written.strip().lower().replace("_", "-")
    axis = CALLED.get(name, name)
    if axis not in AXES:
        raise UserError(f"cannot sweep {written!r}{suggest(axis, AXES)}; known: {', '.join(AXES)}, "
                        "as in batch=1,8,32")  # fmt: skip
    ranges = [spread(word.strip()) for word in sizes.split(",")]
    values = list(dict.fromkeys(size for each in ranges for size in each[: MANY + 1]))
    if not all(ranges):
        raise UserError(f"sweep {text!r} has no sizes such as {axis}=1,8,32 or {axis}=32..256..32")
    if len(values) > MANY:
        raise UserError(f"sweep {text!r} has more than {MANY:,} sizes")
    return axis, values


def spread(word: str) -> range:
    """The sizes that a word stands for; none where it is no size and no range.

    >>> list(spread("128..256..64"))
    [128, 192, 256]
    """
    found = RANGE.fullmatch(word)
    if found is None:
        return range(0)
    first, last, step = found.groups()
    return range(int(first), int(last or first) + 1, int(step or 1))


def swept(case: Case, text: str, folder: str = "") -> list[Case]:
    """The case at each size, named after it. Raises UserError where no input has such a size."""
    axis, sizes = parse(text)
    inputs = case.inputs or usual(case, folder)
    made = []
    for size in sizes:
        changed = tuple(CHANGES[axis](given, size) for given in inputs)
        if changed == tuple(CHANGES[axis](given, size + 1) for given in inputs):
            shapes = " + ".join("x".join(map(str, given.shape)) for given in inputs) or "nothing"
            raise UserError(f"no input of {case.id} has a {axis}: it takes {shapes}")
        made.append(replace(case, id=sized(case.id, axis, size), inputs=changed))
    return made


def usual(case: Case, folder: str) -> tuple[Input, ...]:
    """The inputs that a case without any is called with."""
    built = build(case, device="meta", folder=folder)
    given: list[tuple[str, Any]] = [("", value) for value in built.args] + list(
        built.kwargs.items()
    )
    if not all(hasattr(value, "shape") for _, value in given):
        raise UserError(f"{case.id} takes more than tensors: name its inputs with --input")
    return tuple(
        Input(tuple(value.shape), str(value.dtype).removeprefix("torch."), name=name)
        for name, value in given
    )
