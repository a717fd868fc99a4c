"""Many numbers made one: sums, products, norms, extremes, running sums, additions by index."""

from __future__ import annotations

from flop_harness.formulas.elementwise import elements
from flop_harness.formulas.registry import formula
from flop_harness.records import Call, Tensor
from flop_harness.records.work import FREE, Work


def merged(call: Call) -> tuple[int, int, int]:
    """(elements read, results, steps that merge one more element into a result)."""
    n, results = call.args[0].numel, elements(call.output)
    return n, results, max(n - results, 0)


@formula("aten.sum", "aten.nansum", "aten.mean", "aten.trace")
def reduction(call: Call) -> Work:
    """n - 1 additions per result; a mean divides each once."""
    _, results, steps = merged(call)
    divisions = results if call.packet == "aten.mean" else 0
    if call.packet == "aten.trace":
        steps = min(call.args[0].shape) - 1
    return Work((), "reduction", additions=steps, divisions=divisions)


@formula("aten.prod")
def product_over(call: Call) -> Work:
    return Work((), "reduction", multiplications=merged(call)[2])


@formula("aten.amax", "aten.amin", "aten.max", "aten.min", "aten.argmax", "aten.argmin", "aten.any",
         "aten.all", "aten._is_any_true", "aten._is_all_true")  # fmt: skip
def extremum(call: Call) -> Work:
    """n - 1 comparisons per result; of two tensors one per element."""
    _, results, steps = merged(call)
    of_two = len(call.args) > 1 and isinstance(call.args[1], Tensor)
    return Work((), "reduction", comparisons=results if of_two else steps)


@formula("aten.aminmax")
def both_extremes(call: Call) -> Work:
    return Work((), "reduction", comparisons=2 * merged(call)[2])


@formula("aten.count_nonzero")
def count_nonzero(call: Call) -> Work:
    n, _, steps = merged(call)
    return Work((), "reduction", comparisons=n, additions=steps)


@formula("aten.var", "aten.std", "aten.var_mean", "aten.std_mean")
def variance(call: Call) -> Work:
    """In two passes: the mean, then the squares of what deviates from it."""
    n, results, steps = merged(call)
    roots = results if "std" in call.packet else 0
    return Work(
        (),
        "reduction",
        additions=2 * steps + n,
        multiplications=n,
        divisions=2 * results,
        specials=roots,
    )


@formula("aten.logsumexp")
def logsumexp(call: Call) -> Work:
    """max + log(sum(exp(x - max)))."""
    n, results, steps = merged(call)
    additions = n + steps + results
    return Work((), "reduction", additions, comparisons=steps, specials=n + results)


@formula("aten.linalg_vector_norm", "aten.norm")
def norm(call: Call) -> Work:
    order = call.argument(1, "ord" if "linalg" in call.packet else "p")
    return norms(2 if order is None else order, *merged(call))


def norms(order: float, n: int, results: int, steps: int) -> Work:
    """(sum |x|^p)^(1/p): squares and a root for 2, a plain sum for 1, comparisons for infinity."""
    if order == 2:
        return Work((), "reduction", additions=steps, multiplications=n, specials=results)
    if order == 1:
        return Work((), "reduction", additions=steps)
    if order == 0:
        return Work((), "reduction", additions=steps, comparisons=n)
    if order in (float("inf"), float("-inf")):
        return Work((), "reduction", comparisons=steps)
    return Work((), "reduction", additions=steps, specials=n + results)


@formula("aten._cdist_forward")
def distances(call: Call) -> Work:
    """Rows x1 (..., m, d), x2 (..., n, d): the norm of each difference."""
    results, width = call.output.numel, call.args[0].shape[-1]
    read = results * width
    return Work((), "distance", additions=read) + norms(
        call.args[2], read, results, max(read - results, 0)
    )


@formula("aten.cumsum", "aten.cumsum_", "aten.cumprod", "aten.cummax", "aten.cummin")
def running(call: Call) -> Work:
    """A step for each element of a row but the first."""
    x, dim = call.args[0], call.argument(1, "dim")
    size = x.shape[dim] if x.shape else 1
    steps = x.numel - x.numel // max(size, 1)
    if "sum" in call.packet:
        return Work((), "reduction", additions=steps)
    if "prod" in call.packet:
        return Work((), "reduction", multiplications=steps)
    return Work((), "reduction", comparisons=steps)


@formula("aten.scatter_add", "aten.scatter_add_", "aten.index_add", "aten.index_add_")
def added_by_index(call: Call) -> Work:
    """One addition for each element of the source that is used."""
    source = call.args[2] if "scatter" in call.packet else call.args[3]
    return Work((), "reduction", additions=source.numel)


@formula("aten.index_put", "aten.index_put_", "aten._unsafe_index_put", "aten._index_put_impl_")
def put_by_index(call: Call) -> Work:
    """Written over what was there, or added to it."""
    if call.argument(3, "accumulate", False) is not True:
        return FREE
    return Work((), "reduction", additions=call.args[2].numel)


@formula("aten.scatter_reduce", "aten.scatter_reduce_")
def reduced_by_index(call: Call) -> Work:
    """One addition, product or comparison for each element; a mean divides each result once."""
    kind, steps = call.argument(4, "reduce"), call.args[3].numel
    if kind == "prod":
        return Work((), "reduction", multiplications=steps)
    if kind in ("amax", "amin"):
        return Work((), "reduction", comparisons=steps)
    divisions = call.output.numel if kind == "mean" else 0
    return Work((), "reduction", additions=steps, divisions=divisions)


MEAN, MAX = 1, 2  # modes of an embedding bag; 0 is a sum


@formula("aten._embedding_bag", "aten._embedding_bag_forward_only")
def embedding_bag(call: Call) -> Work:
    """Rows of a table added up, averaged, or the largest of each column, bag by bag; none is empty."""
    rows, mode = call.args[1].numel, call.argument(4, "mode", 0)
    bags, width = call.output[0].shape
    steps, scaled = max(rows - bags, 0) * width, call.argument(6, "per_sample_weights") is not None
    if mode == MAX:
        return Work((), "reduction", comparisons=steps)
    return Work(
        (),
        "reduction",
        additions=steps,
        multiplications=scaled * rows * width,
        divisions=bags * width if mode == MEAN else 0,
    )


@formula("aten.embedding_renorm_")
def embedding_renorm(call: Call) -> Work:
    """Every row that is asked for as if it were another and too long: x (longest / (|x| + eps))."""
    rows, width = call.args[1].numel, call.args[0].shape[1]
    return Work(
        (),
        "normalisation",
        additions=rows * width,  # width - 1 in each norm, and eps
        multiplications=2 * rows * width,
        comparisons=rows,
        divisions=rows,
        specials=rows,
    )
