"""Formulas of reductions, selections and losses against the scalar oracle, or by arithmetic."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torchvision.ops import nms

from flop_harness.formulas.selection import choosing, sorting
from flop_harness.proof import oracle
from flop_harness.proof.oracle import add_up, choose, counted, exp, larger, largest, log, raw, sqrt
from test_formulas import Operations, agree, priced, quick, some


def by_rows(merge):
    return lambda x: np.array([merge(list(row)) for row in x], dtype=object)


def variance(row):
    mean = add_up(row) / len(row)
    deviations = [value - mean for value in row]
    return add_up(d * d for d in deviations) / len(row)


def log_of_sum(row):
    top = largest(row)
    return top + log(add_up(exp(value - top) for value in row))


def power(value, exponent):
    return counted("specials", abs(raw(value)) ** exponent)


def truth(merge):
    """A reduction of conditions: one comparison joins another element."""
    return lambda row: reduce(lambda x, y: counted("comparisons", merge(raw(x), raw(y))), row)


REDUCTIONS = {
    "prod": (lambda x: x.prod(1), lambda row: reduce(lambda x, y: x * y, row)),
    "nansum": (lambda x: x.nansum(1), add_up),
    "var": (lambda x: x.var(1, correction=0), variance),
    "std": (lambda x: x.std(1, correction=0), lambda row: sqrt(variance(row))),
    "logsumexp": (lambda x: x.logsumexp(1), log_of_sum),
    "norm": (lambda x: torch.linalg.vector_norm(x, dim=1),
             lambda row: sqrt(add_up(value * value for value in row))),
    "norm of order 1": (lambda x: torch.linalg.vector_norm(x, 1, dim=1), add_up),
    "norm of order 0": (lambda x: torch.linalg.vector_norm(x, 0, dim=1),
                        lambda row: add_up(choose(True, 1, 0) for _ in row)),
    "largest norm": (lambda x: torch.linalg.vector_norm(x, float("inf"), dim=1), largest),
    "norm of order 3": (lambda x: torch.linalg.vector_norm(x, 3, dim=1),
                        lambda row: power(add_up(power(value, 3) for value in row), 1 / 3)),
    "norm function": (lambda x: torch.norm(x, dim=1),
                      lambda row: sqrt(add_up(value * value for value in row))),
    "any": (lambda x: x.any(1), truth(lambda x, y: float(bool(x or y)))),
    "all": (lambda x: x.all(1), truth(lambda x, y: float(bool(x and y)))),
    "count_nonzero": (lambda x: x.count_nonzero(1),
                      lambda row: add_up(choose(True, 1, 0) for _ in row)),
}  # fmt: skip


@pytest.mark.parametrize("name", REDUCTIONS)
def test_rows(name):
    function, merge = REDUCTIONS[name]
    agree(function, by_rows(merge), some(3, 4))


def test_a_reduction_over_one_element_does_nothing():
    said, _ = priced(lambda x: x.amax(1) + 0 * x.sum(1), some(3, 1))
    assert (said.comparisons, said.additions) == (0, 3)


def test_both_extremes_take_both_searches():
    said, _ = priced(lambda x: torch.aminmax(x).max, some(3, 4))
    assert said.comparisons == 2 * 11


@pytest.mark.parametrize(("name", "kind"), [
    ("cumsum", "additions"), ("cumprod", "multiplications"), ("cummax", "comparisons"),
])  # fmt: skip
def test_running_sums_leave_the_first_element_alone(name, kind):
    said, _ = priced(lambda x: getattr(torch, name)(x, 1), some(3, 4))
    assert getattr(said, kind) == 3 * (4 - 1)


@pytest.mark.parametrize(("order", "merge"), [
    (2.0, lambda d: sqrt(add_up(one * one for one in d))), (1.0, lambda d: add_up(map(abs_of, d))),
    (float("inf"), lambda d: largest(map(abs_of, d))),
])  # fmt: skip
def test_distances(order, merge):
    """Fewer than 25 rows: each of 3 x 2 differences of four numbers has a norm."""

    def naive(x, y):
        return np.array(
            [[merge([a - b for a, b in zip(r, s, strict=True)]) for s in y] for r in x],
            dtype=object,
        )

    agree(lambda x, y: torch.cdist(x, y, order), naive, some(3, 4), some(2, 4) + 1)


def abs_of(value):
    return oracle.Scalar(abs(raw(value)))


def test_additions_by_index():
    """Six rows of two into three; as many single elements."""
    where = torch.tensor([0, 1, 2, 0, 1, 2])
    said, _ = priced(lambda x, y: x.index_add(0, where, y), some(3, 2), some(6, 2))
    assert said.additions == 6 * 2
    where = torch.zeros(3, 2, dtype=torch.long)
    said, _ = priced(lambda x, y: x.scatter_add(0, where, y), some(3, 2), some(4, 5))
    assert said.additions == 3 * 2


@pytest.mark.parametrize(("how", "expected"), [
    ("sum", Operations(additions=6)), ("mean", Operations(additions=6, divisions=6)),
    ("prod", Operations(multiplications=6)), ("amax", Operations(comparisons=6)),
])  # fmt: skip
def test_reductions_by_index(how, expected):
    where = torch.zeros(3, 2, dtype=torch.long)
    said, _ = priced(lambda x, y: x.scatter_reduce(0, where, y, how), some(3, 2), some(3, 2))
    assert said == expected


# ----------------------------------------------------------------------------- bags of embeddings

ROWS = torch.tensor([[0, 1, 4], [2, 3, 0]])


def bags(merge):
    return lambda table: np.array(
        [[merge(list(column)) for column in table[rows].T] for rows in ROWS.numpy()], dtype=object
    )


@pytest.mark.parametrize(("mode", "merge"), [
    ("sum", add_up), ("mean", lambda row: add_up(row) / len(row)), ("max", largest),
])  # fmt: skip
def test_bags(mode, merge):
    agree(lambda table: F.embedding_bag(ROWS, table, mode=mode), bags(merge), some(5, 2))


def test_weighted_bags():
    """Two bags of three rows of two: a product for each number that is read."""
    said, _ = priced(
        lambda t, w: F.embedding_bag(ROWS, t, per_sample_weights=w, mode="sum"),
        some(5, 2),
        some(2, 3),
    )
    assert (said.multiplications, said.additions) == (6 * 2, (6 - 2) * 2)


# ---------------------------------------------------------------------------------- selection


def merge_sorted(values: list) -> list:
    """Merge sort, on numbers that count their comparisons."""
    if len(values) < 2:
        return values
    half = len(values) // 2
    left, right = merge_sorted(values[:half]), merge_sorted(values[half:])
    made = []
    while left and right:
        counted("comparisons", 0)
        made.append((left if raw(left[0]) <= raw(right[0]) else right).pop(0))
    return made + left + right


@quick
@given(st.lists(st.integers(0, 99), max_size=20))
def test_merge_sort_needs_no_more(values):
    oracle.forget()
    merge_sorted([oracle.Scalar(value) for value in values])
    assert oracle.done["comparisons"] <= sorting(len(values))


@pytest.mark.parametrize(("n", "worst"), [(0, 0), (1, 0), (2, 1), (3, 3), (4, 5), (5, 8), (8, 17)])
def test_the_worst_case_of_merge_sort(n, worst):
    """OEIS A001855: one element more needs ceil(log2 n) comparisons more."""
    assert sorting(n) == worst


def test_the_largest_needs_one_comparison_less_than_there_are():
    assert choosing(7, 1) == 6 and choosing(8, 2) == 7 + 3 and choosing(5, 0) == choosing(0, 0) == 0


def test_rows_are_sorted_one_by_one():
    for function in (lambda x: torch.sort(x, 1)[0], lambda x: torch.sort(x, dim=1, stable=True)[0],
                     lambda x: torch.argsort(x, 1)):  # fmt: skip
        said, _ = priced(function, some(3, 5))
        assert said.comparisons == 3 * sorting(5)


def test_the_first_few_of_a_row():
    said, _ = priced(lambda x: torch.topk(x, 2, dim=0)[0], some(5, 3))
    assert said.comparisons == 3 * choosing(5, 2)
    said, _ = priced(lambda x: x.kthvalue(2).values, some(3, 5))
    assert said.comparisons == 3 * choosing(5, 2)


def test_a_median_is_chosen_from_all_or_by_row():
    assert priced(lambda x: x.median(), some(3, 5))[0].comparisons == choosing(15, 8)
    assert priced(lambda x: x.median(1).values, some(3, 5))[0].comparisons == 3 * choosing(5, 3)


def test_different_values_are_neighbours_once_sorted():
    assert priced(torch.unique, some(2, 3))[0].comparisons == sorting(6) + 5
    assert priced(torch.unique_consecutive, some(2, 3))[0].comparisons == 5


def test_a_binary_search():
    """Seven bounds cut eight ways: three comparisons for each of four values."""
    bounds = torch.arange(7.0)
    assert priced(lambda x: torch.searchsorted(bounds, x), some(4))[0].comparisons == 4 * 3
    assert priced(lambda x: torch.bucketize(x, bounds), some(4))[0].comparisons == 4 * 3


def test_a_histogram_scales_each_element_to_its_bin_and_counts_it():
    work = priced(lambda x: torch.histc(x, bins=5, min=0, max=1), some(12))[0]
    assert (work.comparisons, work.additions, work.multiplications) == (2 * 12, 2 * 12, 12)


def overlap(one, other):
    """Intersection over union of two boxes (x1, y1, x2, y2), their areas given with them."""
    (a, first), (b, second) = one, other
    width = larger(oracle.smaller(a[2], b[2]) - larger(a[0], b[0]), 0)
    height = larger(oracle.smaller(a[3], b[3]) - larger(a[1], b[1]), 0)
    shared = width * height
    return shared / (first + second - shared)


def test_boxes_that_do_not_overlap_are_all_compared():
    boxes = torch.tensor([[i, 0.0, i + 0.5, 1.0] for i in range(4)])
    said, _ = priced(lambda b, s: nms(b, s, 0.5), boxes, some(4))
    oracle.forget()
    held = [(b, (b[2] - b[0]) * (b[3] - b[1])) for b in oracle.scalars(boxes)]
    for i, one in enumerate(held):
        for other in held[i + 1 :]:
            choose(raw(overlap(one, other)) > 0.5, 1, 0)
    assert said.comparisons == oracle.done["comparisons"] + sorting(4)
    for kind in ("additions", "multiplications", "divisions"):
        assert getattr(said, kind) == oracle.done[kind]


# ------------------------------------------------------------------------------------- losses


def squared(x, y):
    d = x - y
    return d * d


def smooth(x, y):
    d = x - y
    return choose(True, d * d * 0.5 / 2.0, 0)


def huber(x, y):
    d = x - y
    return choose(True, 0.5 * (d * d), 0)


def entropy(x, y):
    def bounded(value):
        return larger(log(value), -100)

    return -(y * bounded(x) + (1 - y) * bounded(1 - x))


def entropy_of_logits(x, y):
    return (1 - y) * x + larger(-x, 0) + log(1 + exp(-x))


LOSSES = {
    "mse": (F.mse_loss, squared),
    "smooth l1": (lambda x, y, **o: F.smooth_l1_loss(x, y, beta=2.0, **o), smooth),
    "huber": (lambda x, y, **o: F.huber_loss(x, y, delta=2.0, **o), huber),
    "binary": (lambda x, y, **o: F.binary_cross_entropy(x / 2, y / 2, **o),
               lambda x, y: entropy(x / 2, y / 2)),
    "binary of logits": (F.binary_cross_entropy_with_logits, entropy_of_logits),
    "soft margin": (F.soft_margin_loss, lambda x, y: log(1 + exp(-x * y))),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_losses(name):
    function, each = LOSSES[name]

    def whole(x, y):
        return oracle.each(each, x, y)

    def summed(x, y):
        return np.array(add_up(whole(x, y).reshape(-1)), dtype=object)

    def averaged(x, y):
        values = whole(x, y).reshape(-1)
        return np.array(add_up(values) / len(values), dtype=object)

    for reduction, naive in (("none", whole), ("sum", summed), ("mean", averaged)):
        agree(lambda x, y, how=reduction: function(x, y, reduction=how), naive,
              some(2, 3), some(2, 3) + 0.125)  # fmt: skip


def test_a_log_likelihood_only_picks_and_adds():
    target = torch.tensor([0, 2, 1])
    said, _ = priced(lambda x: F.nll_loss(x, target), some(3, 4))
    assert (said.additions, said.divisions, said.multiplications) == (2, 1, 0)
    weight = some(4)
    said, _ = priced(lambda x: F.nll_loss(x, target, weight), some(3, 4))
    assert (said.additions, said.divisions, said.multiplications) == (4, 1, 3)
