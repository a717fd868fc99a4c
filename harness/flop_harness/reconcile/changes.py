"""A run held against an earlier one, the golden: which cells moved, and by which terms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from flop_harness.errors import UserError
from flop_harness.records import Bridge, Case, Reading, Run, Suite

Number: TypeAlias = int | float
Kind = Literal["version", "surroundings", "same version", "new", "gone"]
"""Moved with the counter's version, with torch's, with none; or in one of the two runs only."""

START = "reference"
"""Where a bridge begins"""

OURS = "flop-harness"
"""Whose cells those of references, conventions and failures are"""


@dataclass(frozen=True, slots=True)
class Key:
    """Where a cell stands: ``what`` tells metric and context, or convention, or stage."""

    case: str
    counter: str
    what: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What a run says in a cell: a figure or a word in its place, and the terms behind it.

    ``modules`` tells for each term how much comes from which module.
    """

    said: Number | str
    unit: str = ""
    version: str = ""
    terms: Mapping[str, Number] = field(default_factory=dict)
    modules: Mapping[str, Mapping[str, Number]] = field(default_factory=dict)

    @property
    def bridged(self) -> bool:
        """Whether a bridge leads to the figure."""
        return START in self.terms


@dataclass(frozen=True, slots=True)
class Term:
    """A term that moved, and the modules in which it did; either amount may be zero."""

    name: str
    before: Number
    after: Number
    modules: Mapping[str, Number] = field(default_factory=dict)

    @property
    def change(self) -> Number:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Move:
    """A cell that is not as in the golden; ``before`` is None if it is new, ``after`` if gone."""

    key: Key
    kind: Kind
    before: Entry | None
    after: Entry | None
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What became of every cell; ``risen`` are versions that changed, whatever came of it.

    ``torch`` are its two versions where they differ.
    ``models`` are changes of the models themselves, by case; ``unsupported``, by case too, the
    operators without a formula, whose work no figure holds.
    """

    suite: str
    unchanged: tuple[Key, ...]
    moves: tuple[Move, ...]
    risen: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unsupported: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    torch: tuple[str, str] | None = None


# ----------------------------------------------------------------------------------- refusals


def require_comparable(golden: Run, suite: Suite, conventions: int, source: str) -> None:
    """UserError, with the reason, where figures of this golden and suite cannot be compared."""
    reason = why_not(golden, suite, conventions)
    if reason:
        raise UserError(
            f"{source} cannot be compared: {reason}; `flop-harness compare` makes it anew"
        )


def why_not(golden: Run, suite: Suite, conventions: int) -> str:
    theirs = golden.suite
    if theirs.name != suite.name:
        return f"it is of suite {theirs.name!r}, not {suite.name!r}"
    if theirs.version != suite.version:
        return f"it is of version {theirs.version} of the suite, which is at {suite.version}"
    if golden.conventions != conventions:
        return f"it follows version {golden.conventions} of the conventions, now at {conventions}"
    before = {case.id: case for case in theirs.cases}
    changed = [case.id for case in suite.cases if is_another(before.get(case.id, case), case)]
    if changed:
        return f"case {changed[0]!r} is another now, and the suite's version is the same"
    return ""


def is_another(before: Case, now: Case) -> bool:
    """Whether two cases differ, whoever is asked of them.

    A run knows dtype and mode of a case that leaves them to its model.
    """
    filled = replace(now, dtype=now.dtype or before.dtype, mode=now.mode or before.mode,
                     counters=before.counters)  # fmt: skip
    return before != filled


# ---------------------------------------------------------------------------------- comparison


def compare(golden: Run, run: Run) -> Comparison:
    """Cell by cell, term by term; cells in the order of the golden, then new ones."""
    before, after = entries(golden), entries(run)
    torch = version_of_torch(golden), version_of_torch(run)
    another = torch[0] != torch[1]
    keys = dict.fromkeys([*before, *after])
    moves = {key: moved(key, before.get(key), after.get(key), another) for key in keys}
    return Comparison(
        run.suite.name,
        tuple(key for key, move in moves.items() if move is None),
        tuple(move for move in moves.values() if move is not None),
        risen(before, after),
        unsupported={case: operators for case, operators in run.unsupported.items() if operators},
        torch=torch if another else None,
    )


def moved(key: Key, before: Entry | None, after: Entry | None, torch: bool) -> Move | None:
    if before is None or after is None:
        return Move(key, "new" if before is None else "gone", before, after)
    if before == after:
        return None
    terms = tuple(moved_terms(before, after))
    same = (before.said, before.unit, before.bridged) == (after.said, after.unit, after.bridged)
    if not terms and same:
        return None
    if before.version != after.version:
        return Move(key, "version", before, after, terms)
    return Move(key, "surroundings" if torch else "same version", before, after, terms)


def moved_terms(before: Entry, after: Entry) -> Iterator[Term]:
    """The terms whose amount changed, in all or in a module; those that changed most first.

    None where only one of the two has a bridge: there is nothing to compare it with.
    """
    found: list[Term] = []
    if before.bridged != after.bridged:
        return iter(found)
    for name in dict.fromkeys([*before.terms, *after.terms]):
        amounts = before.terms.get(name, 0), after.terms.get(name, 0)
        places = difference(before.modules.get(name, {}), after.modules.get(name, {}))
        if amounts[0] != amounts[1] or places:
            found.append(Term(name, *amounts, places))
    return iter(sorted(found, key=lambda term: -abs(term.change)))


def difference(before: Mapping[str, Number], after: Mapping[str, Number]) -> dict[str, Number]:
    changes = {name: after.get(name, 0) - before.get(name, 0) for name in [*before, *after]}
    return {name: change for name, change in changes.items() if change}


def risen(before: Mapping[Key, Entry], after: Mapping[Key, Entry]) -> dict[str, tuple[str, str]]:
    return {
        key.counter: (entry.version, after[key].version)
        for key, entry in before.items()
        if key in after and entry.version != after[key].version
    }


def version_of_torch(run: Run) -> str:
    told = run.environment.get("torch")
    return str(told.get("version", "") if isinstance(told, Mapping) else told)


# ------------------------------------------------------------------------------- what is said


def entries(run: Run) -> dict[Key, Entry]:
    """Every cell of a run: references, figures, readings with their bridges, what has no formula."""
    bridges = {(b.case, b.counter, b.context, b.metric): b for b in run.bridges}
    pairs = [*ours(run)]
    for reading in run.readings:
        key = Key(reading.case, reading.counter, f"{reading.metric}, {reading.context}")
        place = (reading.case, reading.counter, reading.context, reading.metric)
        pairs.append((key, entry_of(reading, bridges.get(place))))
    return dict(pairs)


def ours(run: Run) -> Iterator[tuple[Key, Entry]]:
    """What the harness itself says of each case."""
    version = str(run.environment.get("harness") or "")
    for reference in run.references:
        for metric, terms in (("compute", reference.compute), ("params", reference.params)):
            unit = "MAC" if metric == "compute" else "parameter"
            entry = Entry(sum(terms.values()), unit, version, terms)
            yield Key(reference.case, OURS, f"reference, {metric}"), entry
    for figure in run.figures:
        key = Key(figure.case, OURS, f"convention {figure.convention}")
        yield key, Entry(figure.value, figure.unit, version)
    for case, calls in run.unsupported.items():
        yield Key(case, OURS, "operators without a formula"), Entry(len(calls), "", version, calls)
    for failure in run.failures:
        yield (
            Key(failure.case, OURS, f"failure, {failure.stage}"),
            Entry(failure.message, "", version),
        )


def entry_of(reading: Reading, bridge: Bridge | None) -> Entry:
    if reading.status != "ok" or reading.value is None:
        return Entry(told(reading), "", reading.version)
    if bridge is None:
        return Entry(reading.value, reading.unit, reading.version)
    return Entry(
        reading.value, reading.unit, reading.version, dict(terms_of(bridge)),
        {step.term: step.modules for step in bridge.steps} | {"figures by module": bridge.off},
    )  # fmt: skip


def told(reading: Reading) -> str:
    """Why there is no figure. Times, addresses and the like in a message are not compared."""
    return reading.status.replace("_", " ")


def terms_of(bridge: Bridge) -> Iterable[tuple[str, Number]]:
    yield START, bridge.reference
    yield from ((step.term, step.amount) for step in bridge.steps)
    yield from ((name, n) for name, n in (("residual", bridge.residual),
                                          ("figures by module", sum(bridge.off.values()))) if n)  # fmt: skip
