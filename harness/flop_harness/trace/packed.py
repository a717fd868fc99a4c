"""Attention on packed sequences: how long each one is hangs on the values of their bounds."""

from __future__ import annotations

from itertools import pairwise

import torch

from flop_harness.formulas.attention import PACKED, flash_attention
from flop_harness.formulas.backward_products import flash_attention_gradients
from flop_harness.records import Call
from flop_harness.records.work import Work
from flop_harness.trace.values import LISTED, known, modes_off

NAMES = frozenset(f"{name}.default" for name in PACKED)


def packed_attention(call: Call, args: tuple, executed: bool) -> Work | None:
    """The work of each sequence at its own length; None where nothing is packed, or bounds have no values.

    Where kernels are ``executed``, every tensor has values.
    """
    first = PACKED[call.packet][1]
    queries, keys = (lengths_in(bounds, executed) for bounds in args[first : first + 2])
    if queries is None or keys is None:
        return None
    backward = call.packet.endswith("_backward")
    work = flash_attention_gradients if backward else flash_attention
    return work(call, tuple(zip(queries, keys, strict=True)))


def lengths_in(bounds: torch.Tensor | None, executed: bool) -> list[int] | None:
    """Lengths of the sequences between bounds (0, end of the first, end of the second, ...)."""
    if bounds is None:
        return None
    beside = known(bounds)
    value = bounds if executed else beside and beside.value
    if value is None:
        return None
    with modes_off():
        return [end - start for start, end in pairwise(LISTED(value))]
