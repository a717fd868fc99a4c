"""What was proven of a suite's operators."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from flop_harness.records import Proof, Proofs
from flop_harness.report.analysis.proofs import (
    CONVOLUTION,
    STANDINGS,
    charged,
    lost,
    products_first,
    standings,
    unprovable,
)
from flop_harness.report.tables.table import Column, Table, columns

ROWS = columns(
    "operator shape family standing macs:integer reached:integer whole:integer gap "
    "operations:integer calls:integer cases:integer method reason"
)


def table(proofs: Proofs) -> Table:
    """Every distinct operator and shape, in the order in which they first ran."""
    return Table("Proofs", ROWS, tuple(map(_row, proofs.proofs)))


def _row(proof: Proof) -> tuple[Any, ...]:
    cases = {*proof.calls, *proof.beside}
    return (
        proof.operator, proof.shape, proof.family, STANDINGS[proof.standing], proof.macs,
        proof.reached, proof.whole, proof.gap, proof.operations, sum(proof.calls.values()),
        len(cases), proof.method, proof.reason,
    )  # fmt: skip


SUMMARY = (
    Column("family"), Column("distinct", "integer"), Column("proven", "integer"),
    Column("at a small shape", "integer"), Column("not provable", "integer"),
    Column("disagree", "integer"), Column("MAC", "integer"),
)  # fmt: skip


def summary(proofs: Proofs) -> Table:
    """How the distinct operators and shapes of each family stand; MACs of all calls."""
    families = dict.fromkeys(proof.family for proof in products_first(proofs.proofs))
    rows = [_summed(family, [p for p in proofs.proofs if p.family == family])
            for family in families]  # fmt: skip
    if len(rows) > 1:
        rows.append(_summed("all", proofs.proofs))
    note = (
        "MAC of all calls in the reference traces; a kernel that runs in another context has none."
    )
    return Table("What was proven, by family of operators", SUMMARY, tuple(rows), note)


def _summed(family: str, proofs: Iterable[Proof]) -> tuple[Any, ...]:
    proofs = list(proofs)
    standing = Counter(proof.standing for proof in proofs)
    macs = sum(charged(proof) for proof in proofs)
    return (family, len(proofs), *(standing[each] for each in STANDINGS), macs or None)


OPERATORS = (Column("operator"), Column("family"), Column("distinct", "integer"),
             Column("calls", "integer"), Column("standing"))  # fmt: skip


def by_operator(proofs: Proofs) -> Table:
    groups: dict[tuple[str, str], list[Proof]] = {}
    for proof in products_first(proofs.proofs):
        groups.setdefault((proof.operator, proof.family), []).append(proof)
    rows = tuple(
        (*key, len(each), sum(sum(proof.calls.values()) for proof in each), standings(each))
        for key, each in groups.items()
    )
    return Table("By operator", OPERATORS, rows)


CASES = (
    Column("case"), Column("distinct products", "integer"), Column("MAC", "integer"),
    Column("proven MAC", "integer"), Column("convolution MAC", "integer"),
    Column("on padding", "integer", "MAC"), Column("of convolutions", "number", "%"),
)  # fmt: skip


def by_case(proofs: Proofs) -> Table:
    """The reference of each case that ran: how much is proven, and how much is spent on padding."""
    ran = {case for proof in proofs.proofs for case in (*proof.calls, *proof.beside)}
    rows = tuple(_case_row(case, proofs) for case in proofs.cases if case in ran)
    return Table("By case", CASES, rows)


def _case_row(case: str, proofs: Proofs) -> tuple[Any, ...]:
    products = [proof for proof in proofs.proofs if proof.macs and case in proof.calls]
    convolutions = [proof for proof in products if proof.family == CONVOLUTION]

    def total(proofs: Iterable[Proof], amount: Callable[[Proof], int]) -> int:
        return sum(amount(proof) * proof.calls[case] for proof in proofs)

    macs = total(products, lambda proof: proof.macs)
    proven = total((p for p in products if p.standing == "proven"), lambda proof: proof.macs)
    convolved = total(convolutions, lambda proof: proof.macs)
    padding = total((p for p in convolutions if p.gap == "padding"), lost)
    share = 100 * padding / convolved if convolved else None
    return (case, len(products), macs, proven, convolved, padding, share)


WRONG = (Column("operator"), Column("shape"), Column("calls", "integer"), Column("why"))
OPEN = (
    Column("operator"),
    Column("distinct", "integer"),
    Column("calls", "integer"),
    Column("why"),
)


def disagreements(proofs: Proofs) -> Table:
    rows = tuple((proof.operator, proof.shape, sum(proof.calls.values()), proof.reason)
                 for proof in proofs.proofs if proof.standing == "disagrees")  # fmt: skip
    return Table("Formulas that disagree", WRONG, rows)


def not_provable(proofs: Proofs) -> Table:
    """By operator and reason: how many shapes, and how many calls."""
    rows = tuple(
        (operator, len(shapes), sum(sum(proof.calls.values()) for proof in shapes), why)
        for (operator, why), shapes in unprovable(proofs).items()
    )
    return Table("Not provable", OPEN, rows)


GAPS = (Column("operator"), Column("shape"), Column("reached", "integer", "MAC"),
        Column("charged", "integer", "MAC"), Column("why"))  # fmt: skip


def cut_off(proofs: Proofs) -> Table:
    """Where a transposed convolution or a causal mask makes reached and charged work differ."""
    rows = tuple((proof.operator, proof.shape, proof.reached, proof.macs, proof.gap)
                 for proof in proofs.proofs if proof.gap not in ("", "padding") and lost(proof))  # fmt: skip
    note = "The reference charges the whole: what is cut off or masked is computed all the same, or may be."
    return Table("Work that does not reach the output", GAPS, rows, note)


def unsupported(proofs: Proofs) -> Table:
    rows = tuple(sorted(proofs.unsupported.items()))
    return Table(
        "Operators without a formula", (Column("operator"), Column("calls", "integer")), rows
    )
