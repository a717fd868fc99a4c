"""Products of sparse matrices as torch.profiler sees them: kernels that call one another.

After aten/src/ATen/native/sparse of torch 2.14: ``mm`` of a sparse matrix calls ``addmm``, and ``addmm``
of a compressed one calls one more. A matrix that is compressed in the other direction is turned
first, for which torch adds along its pointers and multiplies its indices.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flop_harness.records import Tensor

BY_LINE = ("csr", "csc")


def layout(matrix: Any) -> str:
    """How a matrix is stored; empty for a dense one."""
    return matrix.layout if isinstance(matrix, Tensor) and matrix.stored is not None else ""


def called_by_addmm(first: Any, second: Any) -> int:
    """How many more ``addmm`` one calls."""
    return int(not {layout(first), layout(second)} <= {"", "coo"})


def called_by_mm(first: Any, second: Any) -> int:
    """How many ``addmm`` a product calls; of two matrices in coordinates it has a kernel of its own."""
    layouts = {layout(first), layout(second)}
    return 0 if layouts in ({""}, {"coo"}) else 1 + called_by_addmm(first, second)


def both_by_line(first: Any, second: Any) -> bool:
    return layout(first) in BY_LINE and layout(second) in BY_LINE


def turned(packet: str, first: Any, second: Any) -> Iterator[tuple[Any, int]]:
    """(matrix, how many pointers it has but one) of those that are turned to rows, or to columns."""
    if packet == "aten.addmm" and layout(first) == layout(second) == "csc":
        return
    if layout(first) == "csc":
        yield first, first.shape[1]
    if both_by_line(first, second) and layout(second) == "csc":
        yield second, second.shape[1]
    if not layout(first) and layout(second) == "csr":
        yield second, second.shape[0]


def additions(packet: str, first: Any, second: Any) -> int:
    """One for each pointer of what is turned; a sparse result of ``mm`` is added to an empty one."""
    begun = packet == "aten.mm" and both_by_line(first, second)
    rows = first.shape[0] * second.shape[1] if begun else 0
    return rows + sum(pointers for _, pointers in turned(packet, first, second))


def multiplications(packet: str, first: Any, second: Any) -> int:
    """One for each index of what is turned, and one number by which a result in lines is scaled."""
    indices = sum(matrix.stored for matrix, _ in turned(packet, first, second))
    return indices + both_by_line(first, second)
