"""What was proven of a suite's operators: neutral tables, and the files that show them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flop_harness.records import Proof, Proofs, Standing
from flop_harness.report.formats import csv
from flop_harness.report.formats.markdown import grid, plain
from flop_harness.report.tables.tables import Column, Table, columns
from flop_harness.report.words.text import digits, group, plural

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


# ------------------------------------------------------------------------------------ tables

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


def products_first(proofs: Iterable[Proof]) -> list[Proof]:
    return sorted(proofs, key=lambda proof: -(proof.macs > 0))


def _summed(family: str, proofs: Iterable[Proof]) -> tuple[Any, ...]:
    proofs = list(proofs)
    standing = Counter(proof.standing for proof in proofs)
    macs = sum(charged(proof) for proof in proofs)
    return (family, len(proofs), *(standing[each] for each in STANDINGS), macs or None)


def charged(proof: Proof) -> int:
    """MACs in the reference, over every case."""
    return proof.macs * sum(proof.calls.values())


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


def standings(proofs: Iterable[Proof]) -> str:
    """``proven``, or how many of which."""
    found = Counter(proof.standing for proof in proofs)
    named = [(STANDINGS[each], found[each]) for each in STANDINGS if found[each]]
    return named[0][0] if len(named) == 1 else ", ".join(f"{count} {name}" for name, count in named)


CASES = (
    Column("case"), Column("distinct products", "integer"), Column("MAC", "integer"),
    Column("proven MAC", "integer"), Column("convolution MAC", "integer"),
    Column("on padding", "integer", "MAC"), Column("of convolutions", "number", "%"),
)  # fmt: skip


def by_case(proofs: Proofs) -> Table:
    """The reference of each case: how much is proven, and how much is spent on padding."""
    rows = tuple(_case_row(case, proofs) for case in proofs.cases)
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


def lost(proof: Proof) -> int:
    """Multiplications that do not reach the output as the operator was called."""
    return 0 if proof.whole is None or proof.reached is None else proof.whole - proof.reached


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
    groups: dict[tuple[str, str], list[int]] = {}
    for proof in proofs.proofs:
        if proof.standing == "unprovable":
            calls = groups.setdefault((proof.operator, proof.reason), [])
            calls.append(sum(proof.calls.values()))
    rows = tuple((operator, len(calls), sum(calls), why)
                 for (operator, why), calls in groups.items())  # fmt: skip
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


# ------------------------------------------------------------------------------------- words


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
    macs = f"{group(sum(map(charged, products)))} MAC in {plural(len(proofs.cases), 'case')}"
    said = f"{', '.join(told)}; they make up {macs}"
    wrong = sum(proof.standing == "disagrees" for proof in proofs.proofs)
    return f"{plural(wrong, 'operator')} DISAGREE with their formula. {said}" if wrong else said


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
    for operator, distinct, _, reason in not_provable(proofs).rows:
        yield f"not provable: {operator} ({plural(distinct, 'shape')}): {reason}"
    if proofs.unsupported:
        names = ", ".join(
            f"{name} ({calls} x)" for name, calls in sorted(proofs.unsupported.items())
        )
        yield f"without a formula: {names}"
    for failure in proofs.failures:
        yield f"FAILED {failure.case}, {failure.stage}: {failure.message}"


@dataclass(frozen=True, slots=True)
class Section:
    """What the report of a suite says of its proofs: tables that are shown, and that unfold."""

    headline: str
    how: str
    shown: tuple[Table, ...]
    folded: tuple[Table, ...]


def section(proofs: Proofs) -> Section:
    shown = (disagreements(proofs), summary(proofs), not_provable(proofs))
    folded = (by_case(proofs), cut_off(proofs), unsupported(proofs), by_operator(proofs))
    return Section(
        headline(proofs),
        " ".join(COUNTED.split()),
        tuple(table for table in shown if table.rows),
        tuple(table for table in folded if table.rows),
    )


# ------------------------------------------------------------------------------------- files


def markdown(proofs: Proofs) -> bytes:
    return ("\n\n".join(_blocks(proofs)) + "\n").encode("utf-8", "replace")


def _blocks(proofs: Proofs) -> Iterator[str]:
    yield f"# Proofs of the formulas that price {plain(proofs.suite)}"
    yield f"**{plain(headline(proofs))}**"
    yield COUNTED
    yield grid(summary(proofs))
    for shown in (disagreements(proofs), not_provable(proofs)):
        if shown.rows:
            yield grid(shown)
    yield grid(by_case(proofs))
    for shown in (cut_off(proofs), unsupported(proofs)):
        if shown.rows:
            yield grid(shown)
    yield grid(by_operator(proofs))
    for failure in proofs.failures:
        yield f"- **FAILED** {plain(failure.case)}, {plain(failure.stage)}: {plain(failure.message)}"
    yield "Every operator and shape stands in `proofs.csv`."


FILES: Mapping[str, Callable[[Proofs], bytes]] = {
    "proofs.csv": lambda proofs: csv.render(table(proofs)),
    "proofs.md": markdown,
}
