"""The reference account, and the other ways of pricing the same products."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from flop_harness.conventions.articles import NotApplicable
from flop_harness.conventions.products import (
    phased,
    products,
    products_here,
    products_on_this_rank,
    ranks,
    works,
)
from flop_harness.formulas.padding import padding_macs
from flop_harness.records import BLOCKS, ON_LOCAL_PART, ON_THIS_RANK, Module, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import subtree_after
from flop_harness.trace.walk import Visit, has_note

Charge: TypeAlias = tuple[Visit, str, int]
"""(operator call, term, amount)"""


def settled(charges: Iterable[Charge]) -> Account:
    return Account.of((visit.path, term, amount) for visit, term, amount in charges)


def mac_charges(trace: Trace) -> Iterator[Charge]:
    return ((visit, term, product.macs) for visit, product, term in products(trace))


def real_charges(trace: Trace) -> Iterator[Charge]:
    """Multiplications of real numbers; NotApplicable to a model without complex ones."""
    found = list(products(trace))
    if not any(product.complex for _, product, _ in found):
        raise NotApplicable("none of its products is of complex numbers")
    return ((visit, term, product.real_macs) for visit, product, term in found)


def dense_charges(trace: Trace) -> Iterator[Charge]:
    """Sparse matrices as if dense; NotApplicable to a model without them."""
    found = list(products(trace))
    if all(product.dense is None for _, product, _ in found):
        raise NotApplicable("none of its products is of a sparse matrix")
    return (
        (visit, term, product.macs if product.dense is None else product.dense)
        for visit, product, term in found
    )


def block_charges(trace: Trace) -> Iterator[Charge]:
    """Attention under a mask of blocks by the positions in the blocks that are left; NotApplicable to
    a model without one.
    """
    found = [
        (visit, product, term, left_by_mask(visit)) for visit, product, term in products(trace)
    ]
    if all(left is None for *_, left in found):
        raise NotApplicable("it has no attention under a mask of blocks")
    for visit, product, term, left in found:
        part, square = left or (1, 1)
        yield visit, term, product.macs * part // square


def left_by_mask(visit: Visit) -> tuple[int, int] | None:
    """Positions in the blocks that a mask of blocks leaves, and in all; None where there is none."""
    notes = (note for call in visit.around for note in call.children if note.name == BLOCKS)
    note = next(notes, None)
    return None if note is None else note.args  # type: ignore[return-value]


def rank_charges(trace: Trace) -> Iterator[Charge]:
    """What this process does of distributed tensors; NotApplicable to a model without them, as to one
    whose parameters alone are distributed and gathered before each layer (FSDP).
    """
    if not (has_note(trace, ON_THIS_RANK) or has_note(trace, ON_LOCAL_PART)):
        raise NotApplicable("none of its operators runs on distributed tensors (parameters that are "
                            "fully sharded are gathered before); this process does all that macs "
                            "says")  # fmt: skip
    return ((visit, term, product.macs) for visit, product, term in products_on_this_rank(trace))


def on_local_parts(trace: Trace) -> dict[str, tuple[int, int]]:
    """Of products on this rank's parts of distributed tensors: MACs of all ranks, and of this one."""
    found: dict[str, tuple[int, int]] = {}
    for (visit, product, term), (_, here, _) in zip(
        products(trace), products_here(trace), strict=True
    ):
        if ranks(visit) != 1:
            whole, part = found.get(term, (0, 0))
            found[term] = whole + product.macs, part + here.macs
    return found


def doubled_charges(trace: Trace) -> Iterator[Charge]:
    return ((visit, term, 2 * product.macs) for visit, product, term in products(trace))


def exact_charges(trace: Trace) -> Iterator[Charge]:
    """(2K - 1) per output element of a product, + 1 with bias."""
    return ((visit, term, product.flops) for visit, product, term in products(trace))


def biased_charges(trace: Trace) -> Iterator[Charge]:
    """One per multiplication of a product, one per output element with bias."""
    for visit, product, term in products(trace):
        yield visit, term, product.macs
        yield visit, f"{term} bias", product.bias


def activation_charges(trace: Trace) -> Iterator[Charge]:
    """Output elements of the products."""
    return ((visit, term, product.outputs) for visit, product, term in products(trace))


def padding_charges(trace: Trace) -> Iterator[Charge]:
    """The part of the reference that multiplies zeros which a convolution pads with."""
    return (
        (visit, term, int(ranks(visit) * (padding_macs(visit.call) or 0)))
        for visit, _, term in products(trace)
    )


def operation_charges(trace: Trace) -> Iterator[Charge]:
    """Exact FLOPs of products, and every operation outside them: those with a formula."""
    yield from exact_charges(trace)
    for visit, work in works(trace):
        if work is not None:
            yield visit, phased(work.kind, visit.phase), work.operations


def byte_charges(trace: Trace) -> Iterator[Charge]:
    """Bytes that operators read and write, each tensor once per operator; movement is left out."""
    for visit, work in works(trace):
        if work is not None and work.kind != "movement":
            amount = ranks(visit) * tensor_bytes(visit.call.args, visit.call.output)
            yield visit, phased(work.kind or "products", visit.phase), int(amount)


def tensor_bytes(*values: object) -> int:
    total = 0
    for value in values:
        if isinstance(value, Tensor):
            total += value.nbytes
        elif isinstance(value, tuple):
            total += tensor_bytes(*value)
    return total


def reference(trace: Trace) -> Account:
    """One MAC per multiplication of a product; nothing for anything else."""
    return settled(mac_charges(trace))


def parameters(trace: Trace) -> Account:
    """Distinct parameter elements, trainable or not, each with the first module that holds it.

    Those that the forward pass makes are among them, as are those that it gives their shapes, and
    what quantised layers pack and frozen graphs hold.
    """
    return parameter_charges(trace, lambda parameter: parameter.numel, HELD_ELSEWHERE)


def registered_parameters(trace: Trace) -> Account:
    """The same without what is ``HELD_ELSEWHERE``, which ``model.parameters()`` does not yield."""
    return parameter_charges(trace, lambda parameter: parameter.numel)


def kept_parameters(trace: Trace) -> Account:
    """Elements in the memory of this process: of views of one memory once, of distributed tensors its
    shard; NotApplicable where that is every element.
    """
    if all(parameter.kept is None for parameter in trace.parameters):
        raise NotApplicable("each of its parameters has all of its elements in memory of its own")
    return parameter_charges(trace, lambda p: p.numel if p.kept is None else p.kept, HELD_ELSEWHERE)


def parameter_bytes(trace: Trace) -> Account:
    held = {f"{setting}_bytes": term for setting, term in HELD_ELSEWHERE.items()}
    return parameter_charges(trace, lambda p: Tensor(p.shape, p.dtype).nbytes, held)


HELD_ELSEWHERE = {"packed": "packed weights", "frozen": "weights of a frozen graph"}
"""Setting of a module that tells how many elements are no parameters of torch's -> their term"""
NOTHING_ELSE: Mapping[str, str] = {}


def parameter_charges(
    trace: Trace, charge: Callable, held: Mapping[str, str] = NOTHING_ELSE
) -> Account:
    """Of each parameter by ``charge``, of what is ``held`` elsewhere by a setting of its module."""
    seen: set[int] = set()
    entries: list[tuple[str, str, int]] = []
    for module in (trace.modules[index] for index in subtree_after(trace)):
        entries += [
            (module.path, term, module.config.get(setting, 0)) for setting, term in held.items()
        ]
        for _, number in module.parameters:
            if number not in seen:
                seen.add(number)
                entries.append(
                    (module.path, parameter_term(module), charge(trace.parameters[number]))
                )
    return Account.of(entries)


def parameter_term(module: Module) -> str:
    return f"{module.type_name} parameters"
