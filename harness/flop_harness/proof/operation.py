"""The formula of one operator, held against what the operator does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from flop_harness.conventions.products import classified, work_at
from flop_harness.errors import raised
from flop_harness.formulas.padding import padding_macs
from flop_harness.proof.oracle import ALGORITHMS, NoOracle, check
from flop_harness.proof.oracle.reasons import REASONS, STORED_ELEMENTS
from flop_harness.proof.probe import PROBES, Measured, NotProvable, measure
from flop_harness.proof.replay import in_words
from flop_harness.records import Call, Proof
from flop_harness.records.work import Work
from flop_harness.trace.walk import Visit

EINSUM = Call("operator", "aten.einsum.default", (), (), None)

Key: TypeAlias = tuple[str, str, bool]
"""(operator, shapes and settings, whether it is part of an einsum)"""


class Operation(NamedTuple):
    """A distinct operator call, and whether it is part of an einsum."""

    call: Call
    einsum: bool = False

    @property
    def visit(self) -> Visit:
        return Visit(self.call, "", (EINSUM,) if self.einsum else ())

    @property
    def key(self) -> Key:
        """What tells it from others, which no dtype and no epsilon does."""
        return (self.call.packet, in_words(self.call), self.einsum)

    @property
    def work(self) -> Work | None:
        return work_at(self.visit)


class Attempt(NamedTuple):
    """A proof, and how our own code failed at it, if it did."""

    proof: Proof
    error: str = ""


def attempt(operation: Operation) -> Attempt:
    """A proof; where it raises, that nothing could be proven. The others go on."""
    try:
        return Attempt(prove(operation))
    except Exception as error:  # noqa: BLE001 - any probe may trip over an untried shape
        told = raised(error, 500)
        reason = f"the proof itself failed: {told}"
        return Attempt(replace(blank_of(operation), standing="unprovable", reason=reason), told)


def prove(operation: Operation) -> Proof:
    """Run the products of an operator on ones, and carry out the rest of it at a small shape."""
    call, work, blank = operation.call, operation.work, blank_of(operation)
    assert work is not None
    if call.work is not None:
        return replace(blank, standing="unprovable", reason="its formula is the user's own")
    if blank.family == "sparse matrix product":
        return replace(blank, standing="unprovable", reason=STORED_ELEMENTS)
    if not work.products or (call.packet not in PROBES and call.packet in ALGORITHMS):
        return by_oracle(blank, operation)
    proof = by_probe(blank, call, work)
    if not work.operations or proof.standing != "proven":
        return proof
    rest = by_oracle(blank, operation)
    standing = "proven" if rest.standing == "oracle" else rest.standing
    method = f"{proof.method}; what is done beside it {rest.method}"
    return replace(proof, standing=standing, method=method, reason=rest.reason)


def blank_of(operation: Operation) -> Proof:
    """What is to be proven."""
    call, work = operation.call, operation.work
    assert work is not None, f"{call.name} has no formula"
    family = classified(operation.visit, work.products[0]) if work.products else work.kind
    return Proof(call.packet, in_words(call), family, "proven", macs=work.macs,
                 operations=work.operations)  # fmt: skip


def by_probe(blank: Proof, call: Call, work: Work) -> Proof:
    """What running it on ones says of its products."""
    try:
        measured = measure(call)
    except NotProvable as error:
        reason = REASONS.get(call.packet, str(error))
        return replace(blank, standing="unprovable", reason=reason)
    proof = replace(blank, method=measured.method, reached=measured.reached, whole=measured.whole,
                    gap=measured.gap)  # fmt: skip
    differs = "; ".join(differences(measured, call, work))
    return replace(proof, standing="disagrees", reason=differs) if differs else proof


def differences(measured: Measured, call: Call, work: Work) -> Iterator[str]:
    """In what the formula and the operator do not agree."""
    if measured.whole != work.macs:
        yield f"the formula says {work.macs:,} multiplications, the operator did {measured.whole:,}"
        return
    said = tuple((product.macs, product.outputs) for product in work.products)
    if measured.products and measured.products != said:
        yield f"(multiplications, outputs) are {said} by the formula, {measured.products} by running it"
    padding = padding_macs(call)
    spent = measured.whole - measured.reached
    if padding is not None and padding != spent:
        yield f"{padding:,} multiplications on padding by arithmetic, {spent:,} by running it"


def by_oracle(blank: Proof, operation: Operation) -> Proof:
    """What carrying it out at a small shape says of everything it does."""
    try:
        counted = check(operation.call, lambda call: operation._replace(call=call).work)
    except NoOracle as error:
        return replace(blank, standing="unprovable", reason=str(error))
    method = f"carried out at {counted.at or 'one number'}"
    if counted.agrees:
        return replace(blank, standing="oracle", method=method)
    wrong = (f"{counted.said.get(kind, 0):,} {kind} by the formula, {did:,} done"
             for kind, did in counted.did.items() if counted.said.get(kind) != did)  # fmt: skip
    return replace(blank, standing="disagrees", method=method, reason="; ".join(wrong))
