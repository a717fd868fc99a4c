"""What was proven of a suite's operators, in numbers and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from flop_harness.records import Proof, Proofs, Standing
from flop_harness.report.words.text import digits, group, plural, verb

STANDINGS: Mapping[Standing, str] = {
    "proven": "proven",
    "oracle": "proven at a small shape",
    "unprovable": "not provable",
    "disagrees": "DISAGREES",
}
CONVOLUTION = "convolution"
COUNTED = """Every product ran on all-ones operands without bias, whatever the model's own numbers are: in
single precision where each sum stays below 2^24, in double where it stays below 2^53, so that
nothing was rounded. What is proven at a small shape was carried out there number by number, and
gave what torch gives."""
WHAT_IS_CHARGED = {
    "padding": "on zeros of the padding",
    "cropping": "of results that are cut off",
    "masking": "of scores that are masked",
}
"""Work that the reference charges and that does not reach the output."""


def products_first(proofs: Iterable[Proof]) -> list[Proof]:
    return sorted(proofs, key=lambda proof: -(proof.macs > 0))


def charged(proof: Proof) -> int:
    """MACs in the reference, over every case."""
    return proof.macs * sum(proof.calls.values())


def lost(proof: Proof) -> int:
    """Multiplications that do not reach the output as the operator was called."""
    return 0 if proof.whole is None or proof.reached is None else proof.whole - proof.reached


def standings(proofs: Iterable[Proof]) -> str:
    """``proven``, or how many of which."""
    found = Counter(proof.standing for proof in proofs)
    named = [(STANDINGS[each], found[each]) for each in STANDINGS if found[each]]
    return (
        named[0][0]
        if len(named) == 1
        else ", ".join(f"{group(count)} {name}" for name, count in named)
    )


def unprovable(proofs: Proofs) -> dict[tuple[str, str], list[Proof]]:
    """(operator, reason) -> its shapes."""
    groups: dict[tuple[str, str], list[Proof]] = {}
    for proof in proofs.proofs:
        if proof.standing == "unprovable":
            groups.setdefault((proof.operator, proof.reason), []).append(proof)
    return groups


def headline(proofs: Proofs) -> str:
    """One sentence for everything; what is wrong comes first."""
    products = [proof for proof in proofs.proofs if proof.macs]
    standing = Counter(proof.standing for proof in products)
    told = [f"{group(standing['proven'])} of {plural(len(products), 'distinct product')} proven by "
            "running them"]  # fmt: skip
    if standing["oracle"]:
        told.append(f"{group(standing['oracle'])} at a small shape")
    if standing["unprovable"]:
        told.append(f"{group(standing['unprovable'])} not provable")
    ran = {case for proof in products for case in proof.calls}
    macs = f"{group(sum(map(charged, products)))} MAC in {plural(len(ran), 'case')}"
    said = f"{', '.join(told)}; they make up {macs}"
    wrong = sum(proof.standing == "disagrees" for proof in proofs.proofs)
    if not wrong:
        return said
    disagree = verb(wrong, "DISAGREES with its formula", "DISAGREE with their formulas")
    return f"{plural(wrong, 'operator')} {disagree}. {said}"


def lines(proofs: Proofs) -> Iterator[str]:
    """What a reader of a terminal has to know beside the summary."""
    yield headline(proofs)
    convolved = sum(charged(proof) for proof in proofs.proofs if proof.family == CONVOLUTION)
    for gap, words in WHAT_IS_CHARGED.items():
        amount = sum(lost(proof) * sum(proof.calls.values()) for proof in proofs.proofs
                     if proof.gap == gap)  # fmt: skip
        if amount and gap == "padding":
            share = digits(100 * amount / convolved)
            yield f"{group(amount)} of {group(convolved)} MAC of convolutions ({share} %) are {words}"
        elif amount:
            yield f"{group(amount)} MAC are {words}, and charged"
    for (operator, reason), shapes in unprovable(proofs).items():
        yield f"not provable: {operator} ({plural(len(shapes), 'shape')}): {reason}"
    if proofs.unsupported:
        names = ", ".join(
            f"{name} × {group(calls)}" for name, calls in sorted(proofs.unsupported.items())
        )
        yield f"without a formula: {names}"
    for failure in proofs.failures:
        yield f"FAILED {failure.case}, {failure.stage}: {failure.message}"
