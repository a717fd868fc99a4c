"""The products that run in a trace, each with the name of what it is part of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from flop_harness.formulas import PROJECTION, QUERY_KEY, RECURRENT, may_multiply, work_of
from flop_harness.formulas.eigenvalues import values_alone
from flop_harness.records import OF_COMPLEX, ON_LOCAL_PART, Phase, Trace
from flop_harness.records.work import Product, Work
from flop_harness.trace.walk import Visit, on_this_rank, operators, within

RECURRENT_OPERATORS = tuple(
    f"aten.{name}"
    for name in "lstm gru rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell".split()
)


ATTENTION_FUNCTIONS = ("torch.nn.functional.multi_head_attention_forward",)


ATTENTION_KERNELS = (
    "aten.scaled_dot_product_attention",
    "torch.nn.functional.scaled_dot_product_attention",
)


def classified(visit: Visit, product: Product) -> str:
    """The name of a product: what it is a part of."""
    if stands_for_complex(visit) is False:
        return "complex convolution as three real ones"
    if product.term:
        return product.term
    packet = visit.call.packet
    if "conv" in packet:
        return "convolution"
    around = {call.packet for call in visit.around if call.module < 0}
    if not around.isdisjoint(RECURRENT_OPERATORS):
        return RECURRENT
    if not around.isdisjoint(ATTENTION_KERNELS):
        return QUERY_KEY
    if not around.isdisjoint(ATTENTION_FUNCTIONS):
        return PROJECTION if "aten.linear" in around else QUERY_KEY
    if packet == "aten._trilinear":
        return "bilinear"
    if "aten.einsum" in around:
        return "einsum"
    if "aten.linear" in around or packet == "aten.linear":
        return "linear"
    return "matrix product"


def works(trace: Trace) -> Iterator[tuple[Visit, Work | None]]:
    """Each innermost operator of a trace with its work; None where there is no formula.

    Of one on this rank's part of a distributed tensor it is the work of all ranks. The first of three
    real convolutions has that of the complex one that they make, the others none.
    """
    for visit, work in works_here(trace):
        times = ranks(visit)
        if work is not None:
            work = of_complex(visit, work)
        yield visit, work if work is None or times == 1 else work.times(Fraction(times))


def of_complex(visit: Visit, work: Work) -> Work:
    """The work as it counts where it is a part of a convolution of complex numbers."""
    first = stands_for_complex(visit)
    if first is None:
        return work
    products = tuple(replace(product, complex=True) for product in work.products)
    return Work(products) if first else Work(kind=work.kind)


def stands_for_complex(visit: Visit) -> bool | None:
    """Whether an operator stands for the convolution of complex numbers that it is a part of; None
    where it is a part of none.
    """
    notes = (call.args[0] for call in visit.around[-2:] if call.name == OF_COMPLEX)
    return next(notes, None)


def ranks(visit: Visit) -> Fraction | int:
    """How often an operator stands in the whole, where it works on this rank's part of something."""
    outer = visit.around[-1] if visit.around else visit.call
    return Fraction(*outer.args) if outer.name == ON_LOCAL_PART else 1


def works_here(trace: Trace) -> Iterator[tuple[Visit, Work | None]]:
    """As ``works``, of what runs in this process."""
    known: dict[int, Work | None] = {}
    for visit in operators(trace):
        call = visit.call
        if call.packet in HANGS_ON_PLACE:
            yield visit, work_at(visit)
            continue
        if id(call) not in known:  # calls that are equal are mostly one and the same
            known[id(call)] = work_of(call)
        yield visit, known[id(call)]


def work_at(visit: Visit) -> Work | None:
    """The work of an operator where it stands.

    An einsum that sums nothing multiplies all the same. Values alone are found without vectors,
    which torch asks for as soon as somebody watches its operators.
    """
    packet = visit.call.packet
    if packet == "aten.mul" and visit.inside("aten.einsum"):
        n = visit.call.output.numel
        return Work((Product(n, n),))
    if packet in WITH_VECTORS and visit.inside(*VALUES_ALONE):
        return values_alone(visit.call)
    return work_of(visit.call)


WITH_VECTORS = frozenset(f"aten.{name}" for name in ("_linalg_svd", "_linalg_eigh", "linalg_eig"))
HANGS_ON_PLACE = WITH_VECTORS | {"aten.mul"}
"""Operators whose work is another inside some others"""
VALUES_ALONE = tuple(
    f"aten.linalg_{name}" for name in ("svdvals", "eigvalsh", "eigvals", "cond", "matrix_rank")
)


def products_on_this_rank(trace: Trace) -> Iterator[tuple[Visit, Product, str]]:
    """As ``products``, of what this process does where tensors are distributed over several."""
    for visit in on_this_rank(trace):
        work = work_at(visit)
        for product in work.products if work else ():
            yield visit, product, phased(classified(visit, product), visit.phase)


def phased(term: str, phase: Phase) -> str:
    """``linear``, ``linear, backward``."""
    return term if phase == "forward" else f"{term}, {phase}"


def products(trace: Trace) -> Iterator[tuple[Visit, Product, str]]:
    """Every product of a trace with its name, and its phase if that is not the forward pass."""
    for visit, work in works(trace):
        if work is not None:
            for product in work.products:
                yield visit, product, phased(classified(visit, product), visit.phase)


def products_here(trace: Trace) -> Iterator[tuple[Visit, Product, str]]:
    """As ``products``, of what runs in this process: what a counter sees."""
    for visit, work in works_here(trace):
        for product in work.products if work else ():
            yield visit, product, phased(classified(visit, product), visit.phase)


def products_inside(visit: Visit) -> dict[str, int]:
    """MACs by name of the products that run in one module call itself, its submodules left out."""
    macs: dict[str, int] = {}
    for inner in within(visit, lambda v: v.call.level == "module"):
        if inner.call.level == "operator" and not inner.call.children:
            work = work_at(inner)
            for product in of_complex(inner, work).products if work else ():
                name = classified(inner, product)
                macs[name] = macs.get(name, 0) + product.macs
    return macs


def unsupported(trace: Trace) -> dict[str, int]:
    """Operators without a formula that may hold products, and how often each ran."""
    return {name: times for name, times in unknown(trace).items() if may_multiply(name)}


def without_products(trace: Trace) -> dict[str, int]:
    """Operators without a formula that hold none: no convention but of all operations misses them."""
    return {name: times for name, times in unknown(trace).items() if not may_multiply(name)}


def unknown(trace: Trace) -> dict[str, int]:
    return dict(Counter(visit.call.packet for visit, work in works(trace) if work is None))
