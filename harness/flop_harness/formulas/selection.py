"""Sorting and choosing: comparisons that hang on values, counted as the worst case of one algorithm."""

from __future__ import annotations

from flop_harness.formulas.registry import formula
from flop_harness.records import Call
from flop_harness.records.work import Work


def depth(n: int) -> int:
    """The logarithm of ``n`` to the base 2, rounded up."""
    return max(n - 1, 0).bit_length()


def sorting(n: int) -> int:
    """Comparisons that merge sort needs at most (Knuth, TAOCP 3, 5.2.4)."""
    return n * depth(n) - 2 ** depth(n) + 1 if n else 0


def choosing(n: int, k: int) -> int:
    """Comparisons that find the ``k`` largest of ``n`` by a tournament (Knuth, TAOCP 3, 5.3.3)."""
    return n - 1 + (k - 1) * depth(n) if n and k else 0


def row(call: Call, at: int) -> tuple[int, int]:
    """(length, number) of the rows along the dimension at position ``at``; the last by default."""
    x, dim = call.args[0], call.argument(at, "dim", -1)
    size = x.shape[dim] if x.shape else 1
    return size, x.numel // max(size, 1)


@formula("aten.sort", "aten.argsort", "aten.msort")
def sort(call: Call) -> Work:
    stable = call.name == "aten.sort.stable"  # (self, stable, dim) there, (self, dim) elsewhere
    at = 2 if stable else 1
    size, rows = row(call, at)
    return Work((), "selection", comparisons=rows * sorting(size))


@formula("aten.topk", "aten.kthvalue")
def topk(call: Call) -> Work:
    size, rows = row(call, 2)
    return Work((), "selection", comparisons=rows * choosing(size, call.argument(1, "k")))


@formula("aten.median", "aten.nanmedian")
def median(call: Call) -> Work:
    """The larger half's least; of all elements if no dimension is named."""
    whole = call.argument(1, "dim") is None
    size, rows = (call.args[0].numel, 1) if whole else row(call, 1)
    return Work((), "selection", comparisons=rows * choosing(size, (size + 1) // 2))


@formula("aten._unique2", "aten._unique")
def unique(call: Call) -> Work:
    """All elements sorted, then each compared with the next."""
    n = call.args[0].numel
    return Work((), "selection", comparisons=sorting(n) + max(n - 1, 0))


@formula("aten.unique_consecutive")
def unique_consecutive(call: Call) -> Work | None:
    """Each element compared with the next; rows along a dimension are left without a formula."""
    if call.argument(3, "dim") is not None:
        return None
    return Work((), "selection", comparisons=max(call.args[0].numel - 1, 0))


@formula("aten.searchsorted", "aten.bucketize")
def search(call: Call) -> Work:
    """A binary search for each element."""
    bounds, values = call.args[:2] if "search" in call.packet else call.args[1::-1]
    steps = (bounds.shape[-1] if bounds.shape else 1).bit_length()
    n = values.numel if hasattr(values, "numel") else 1
    return Work((), "selection", comparisons=n * steps)


@formula("aten.histc")
def histogram(call: Call) -> Work:
    """Each element within the bounds is scaled to its bin and adds one to it: all are taken to be."""
    n = call.args[0].numel
    return Work((), "selection", comparisons=2 * n, additions=2 * n, multiplications=n)


@formula("torchvision.nms")
def non_maximum_suppression(call: Call) -> Work:
    """Boxes (n, 4) sorted by score, then each compared with all of lower score: none is dropped.

    An area is a product of two differences. A pair takes the corners of what they share (four
    comparisons), its sides (two differences, not below 0), their product, the area of both
    together, a quotient and the threshold.
    """
    n = call.args[0].shape[0]
    pairs = n * (n - 1) // 2
    return Work(
        (),
        "selection",
        additions=2 * n + 4 * pairs,
        multiplications=n + pairs,
        comparisons=sorting(n) + 7 * pairs,
        divisions=pairs,
    )
