"""Losses: so many operations for each element, then their sum or mean."""

from __future__ import annotations

from flop_harness.formulas.normalisation import softmax_work
from flop_harness.formulas.products import product_of
from flop_harness.formulas.registry import Formula, formula
from flop_harness.records import Call
from flop_harness.records.work import Work

MEAN, SUM = 1, 2

# operations per element: additions, multiplications, comparisons, divisions, specials;
# the position of the argument ``reduction``
LOSSES: dict[str, tuple[tuple[int, int, int, int, int], int]] = {
    # (x - y)^2
    "mse_loss": ((1, 1, 0, 0, 0), 2),
    # |d| < b ? d^2 / (2 b) : |d| - b / 2, as the first
    "smooth_l1_loss": ((1, 2, 1, 1, 0), 2),
    # |d| <= b ? d^2 / 2 : b (|d| - b / 2), as the first
    "huber_loss": ((1, 2, 1, 0, 0), 2),
    # -(y log(x) + (1 - y) log(1 - x)), logarithms not below -100
    "binary_cross_entropy": ((3, 2, 2, 0, 2), 3),
    # (1 - y) x + max(-x, 0) + log(1 + exp(-|x|))
    "binary_cross_entropy_with_logits": ((4, 1, 1, 0, 2), 4),
    # log(1 + exp(-x y))
    "soft_margin_loss": ((1, 1, 0, 0, 2), 2),
}


def loss(name: str, each: tuple[int, int, int, int, int], at: int) -> Formula:
    weighted = "binary" in name

    def per_element(call: Call) -> Work:
        n, reduction = call.args[0].numel, call.argument(at, "reduction", MEAN)
        additions, multiplications, comparisons, divisions, specials = (n * one for one in each)
        given = ((2, "weight"), (3, "pos_weight")) if at == 4 else ((2, "weight"),)
        weights = sum(call.argument(*where) is not None for where in given) if weighted else 0
        return Work(
            (),
            "loss",
            additions + summed(n, reduction),
            multiplications + weights * n,
            comparisons,
            divisions + (reduction == MEAN),
            specials,
        )

    return per_element


def summed(n: int, reduction: int) -> int:
    return max(n - 1, 0) if reduction in (MEAN, SUM) else 0


for _name, (_each, _at) in LOSSES.items():
    formula(f"aten.{_name}")(loss(_name, _each, _at))


@formula("torch_nn._linear_cross_entropy_batch_chunked",
         "torch_nn._linear_cross_entropy_batch_chunked_no_reduction")  # fmt: skip
def linear_cross_entropy(call: Call) -> Work:
    """x (n, in) @ weight (classes, in) transposed; the loss of each row by its log-softmax.

    The first operator computes the gradients of both in the same pass, where they are asked for.
    """
    x, weight, _, bias = call.args[:4]
    rows, (classes, width) = x.shape[0], weight.shape
    names = ("compute_input_grad", "compute_linear_weight_grad")
    asked = [call.argument(12 + place, name, False) is True for place, name in enumerate(names)]
    logits = product_of(rows, width, classes, bias is not None, "linear")
    gradients = (product_of(rows, classes, width, term="linear"),
                 product_of(classes, rows, width, term="linear"))  # fmt: skip
    wanted = tuple(one for one, flag in zip(gradients, asked, strict=True) if flag)
    scores = rows * classes
    return softmax_work((logits, *wanted), scores, rows) + Work(additions=rows, specials=rows)


@formula("aten.nll_loss_forward", "aten.nll_loss2d_forward")
def nll_loss(call: Call) -> Work:
    """One log-probability of each row, weighted, added up; the mean divides by the weights' sum."""
    target, weight, reduction = call.args[1:4]
    weighted = weight is not None
    steps = summed(target.numel, reduction)
    return Work(
        (),
        "loss",
        additions=steps + (weighted and reduction == MEAN) * steps,
        multiplications=weighted * target.numel,
        divisions=int(reduction == MEAN),
    )
