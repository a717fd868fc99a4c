"""ptflops 0.7.5, aten backend: a handful of operators at dispatch; bias where there is one.

Rules after ptflops/aten_ops.py and ptflops/aten_engine.py of ptflops 0.7.5.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from flop_harness.conventions.products import products_here
from flop_harness.conventions.reference import registered_parameters
from flop_harness.counters.pricing.matched import of_shapes
from flop_harness.counters.pricing.ptflops_call import reader, usage
from flop_harness.counters.protocol import Counter, Quantity, by_keyword
from flop_harness.records import INFERENCE, Context, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import made_parameters, subtree, subtree_after
from flop_harness.trace.walk import Visit

SEEN = frozenset(
    f"aten.{name}" for name in ["mm", "matmul", "addmm", "bmm", "convolution", "_convolution"]
)


def price_compute(trace: Trace) -> Account:
    """An addmm adds its first operand, whole, even where that is multiplied by 0.

    In inference mode linear layers and convolutions come as one operator, which it does not know.
    Its total goes by the name ``Global``, and so does a part of the model that is called so.
    """
    entries, part = [], part_named(trace, "Global")
    for visit, product, term in products_here(trace):
        packet = visit.call.packet
        if packet in SEEN and dispatched(visit) in SEEN:
            bias = visit.call.output.numel if packet == "aten.addmm" else product.bias
            charges = [(f"{term} bias", bias), *of_shapes(product, term)]
            entries += [(visit.path, *charge) for charge in charges]
            again = sum(call.module == part for call in visit.around)
            whole = sum(amount for _, amount in charges)
            entries.append((visit.path, f"{term} counted again", again * whole))
    return Account.of(entries)


def part_named(trace: Trace, wanted: str) -> int | None:
    """The module that the whole model holds under a name, if that is its first there."""
    names = {index: name for name, index in reversed(trace.modules[0].children)}
    return next((index for index, name in names.items() if name == wanted), None)


def dispatched(visit: Visit) -> str:
    """What a mode is given: the operator that the others are a part of, where they run below it.

    So it is in inference mode, and for a tensor of another class, whose operator holds itself.
    """
    calls = [call for call in (*visit.around, visit.call) if call.level == "operator"]
    if visit.inside(INFERENCE):
        return calls[0].packet
    below = (outer.packet for outer, inner in pairwise(calls) if outer.packet == inner.packet)
    return next(below, visit.call.packet)


def price_params(trace: Trace) -> Account:
    """Trainable parameters of the whole model, as it is before the forward pass."""
    return trainable(trace) + made_later(trace, frozen=False)


def made_later(trace: Trace, frozen: bool = True) -> Account:
    """What a tool lacks, or has too much, that reads parameters before the forward pass changes them."""
    made = made_parameters(trace)
    changed = [*replaced_parameters(trace), *removed_parameters(trace)]
    missing = [
        (module.path, MADE, -numel(trace, number))
        for number, module in first_holders(trace).items()
        if number in made and (frozen or trace.parameters[number].trainable)
    ]
    return Account.of(
        missing
        + [
            (path, MADE if amount < 0 else REMOVED, amount)
            for path, amount, trainable in changed
            if frozen or trainable
        ]
    )


MADE = "parameters made in the forward pass not counted"
REMOVED = "parameters removed in the forward pass counted"


def replaced_parameters(trace: Trace) -> Iterator[tuple[str, int, bool]]:
    """(path, elements, trainable) of those that others stand in place of now, and less these."""
    for module in (trace.modules[index] for index in subtree(trace, 0)):
        now = dict(module.parameters)
        for name, elements, trainable in module.config.get("replaced", ()):
            yield module.path, elements, trainable
            if name in now:
                other = trace.parameters[now[name]]
                yield module.path, -other.numel, other.trainable


def removed_parameters(trace: Trace) -> Iterator[tuple[str, int, bool]]:
    """(path, elements, trainable) of those whose modules are no longer part of the model."""
    holders, made = first_holders(trace), made_parameters(trace)
    seen = {*holders, *made}
    for module in (trace.modules[index] for index in subtree(trace, 0)):
        for _, number in module.parameters:
            if number not in seen:
                seen.add(number)
                parameter = trace.parameters[number]
                yield module.path, parameter.numel, parameter.trainable


def numel(trace: Trace, number: int) -> int:
    return trace.parameters[number].numel


def trainable(trace: Trace) -> Account:
    """Trainable parameters of the whole model, as the forward pass leaves it."""
    frozen = Account.of(
        (module.path, "frozen parameters not counted", -numel(trace, number))
        for number, module in first_holders(trace).items()
        if not trace.parameters[number].trainable
    )
    return registered_parameters(trace) + frozen


def first_holders(trace: Trace) -> dict:
    holders: dict = {}
    for module in (trace.modules[index] for index in subtree_after(trace)):
        for _, number in module.parameters:
            holders.setdefault(number, module)
    return holders


COUNTER = Counter(
    id="ptflops-aten",
    distribution="ptflops",
    description="ptflops' aten backend: products at dispatch, with bias",
    source="ptflops/aten_ops.py, ptflops/aten_engine.py (0.7.5)",
    quantities={
        "compute": Quantity("MACs", "MAC", price_compute),
        "params": Quantity("params", "parameter", price_params),
    },
    read=reader("aten"),
    usage=usage("aten"),
    contexts=(Context(grad=True, mode="eval"),),
    further=(
        Context(grad=False, mode="eval"),
        Context(grad=True, mode="eval", variant="math"),
        Context("meta", grad=True, mode="eval"),
    ),
    inputs=by_keyword,
    hooks=lambda path, kind: path != "" and "." not in path,
    by_operator=True,
)
