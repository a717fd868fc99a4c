"""Where counters part: cases gathered by what their products are, and by the class of their root."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from flop_harness.records import Reference
from flop_harness.report.analysis.agreement import figures_in
from flop_harness.report.analysis.causes import by_term
from flop_harness.report.analysis.figures import REFERENCE
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.verdict import Spread, spreads

# Kinds of work, by the terms of the reference that belong to them.
WORK = {
    "convolution": ("convolution", "transposed convolution"),
    "attention": ("attention projection", "attention product", "matrix product", "einsum"),
    "recurrent": ("recurrent product",),
}
PLAIN = ("", "models", "modules")


def kind_of(reference: Reference) -> str:
    """What most of a case's work is, and the part of its library that it comes from."""
    package = reference.type.split(".")[:-2]
    area = package[-1] if len(package) > 1 else ""
    kind = work_of(reference)
    return kind if area in PLAIN else f"{kind} ({area.replace('_', ' ')})"


def work_of(reference: Reference) -> str:
    """Attention by hand is made of matrix products; one in a hundred makes a model one of it."""
    total = sum(reference.compute.values())
    if not total:
        return "no products"
    part = {kind: sum(reference.compute.get(term, 0) for term in terms) / total
            for kind, terms in WORK.items()}  # fmt: skip
    if part["recurrent"] >= 0.01:
        return "recurrent layers"
    if part["attention"] >= 0.01:
        with_it = " with convolutions" if part["convolution"] >= 0.1 else ""
        return f"attention and matrix products{with_it}"
    return "convolutions" if part["convolution"] >= 0.5 else "linear layers"


def family_of(reference: Reference) -> str:
    """The class of the case's root, without where it stands."""
    return reference.type.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Family:
    name: str
    cases: tuple[str, ...]
    spreads: tuple[Spread, ...]
    exact: tuple[str, ...]
    """The counters that equal the reference on all of the cases"""

    @property
    def widest(self) -> float:
        return max((spread.factor for spread in self.spreads), default=1.0)

    def often(self, end: Callable[[Spread], str]) -> str:
        """Who is most often at one end, of those that differ."""
        found = Counter(end(spread) for spread in self.spreads if spread.factor != 1)
        return "".join(f"{name} ({times})" for name, times in found.most_common(1))


def families(index: Index, name_of: Callable[[Reference], str]) -> list[Family]:
    """The cases of the same name, the family with the widest spread first."""
    named: dict[str, list[str]] = {}
    for case in index.cases:
        if case in index.reference_of:
            named.setdefault(name_of(index.reference_of[case]), []).append(case)
    by_case = {spread.case: spread for spread in spreads(index)}
    exact = exact_cases(index)
    made = [
        Family(
            name, tuple(cases), tuple(by_case[case] for case in cases if case in by_case),
            tuple(counter for counter, found in exact.items() if found >= set(cases)),
        )
        for name, cases in named.items()
    ]  # fmt: skip
    return sorted(made, key=lambda family: -family.widest)


def exact_cases(index: Index) -> dict[str, set[str]]:
    """The cases on which each counter, in each context, says what the reference says."""
    found = {}
    for column in index.columns("compute"):
        figures = figures_in(index, column, "compute")
        if column.counter != REFERENCE:
            found[column.label] = {
                case for case, figure in figures.items()
                if figure == index.reference(case, "compute")
            }  # fmt: skip
    return found


def causes_of(index: Index, count: int = 3) -> Callable[[Iterable[str]], list[str]]:
    """For some cases, the terms that explain most MACs there, the heaviest first."""
    weights: dict[str, Counter[str]] = {}
    for cause in by_term(index):
        for share in cause.shares if cause.metric == "compute" else ():
            found = weights.setdefault(share.bridge.case, Counter())
            found[cause.term] += abs(share.weight)  # type: ignore[assignment]

    def heaviest(cases: Iterable[str]) -> list[str]:
        total: Counter[str] = Counter()
        for case in cases:
            total.update(weights.get(case, {}))
        return [term for term, _ in total.most_common(count)]

    return heaviest


def kind_in(index: Index, case: str) -> str:
    reference = index.reference_of.get(case)
    return kind_of(reference) if reference else ""
