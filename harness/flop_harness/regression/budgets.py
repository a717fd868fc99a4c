"""Budgets of a model: what it may cost at most, in all, by layer and by term."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flop_harness.ask.count import Count
from flop_harness.conventions.reference import parameters, reference
from flop_harness.errors import UserError, suggest
from flop_harness.records.account import Account
from flop_harness.report.formats.plain import text_of
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import group, left_out

Number = int | float
HEAVIEST = 8
"""Modules that a message names"""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a model may cost at most. ``modules`` and ``terms`` are in the unit of the convention.

    ``ignore`` are operators without a formula that a test knows of: others make a budget of work
    unprovable.
    """

    macs: Number | None = None
    params: Number | None = None
    total: Number | None = None
    modules: Mapping[str, Number] = field(default_factory=dict)
    terms: Mapping[str, Number] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()

    @property
    def of_work(self) -> bool:
        return self.macs is not None or self.total is not None or bool(self.modules or self.terms)


def broken(counted: Count, budget: Budget) -> str:
    """Which budgets are passed and by which modules, in plain text; empty if none is."""
    found = [*passed(counted, budget)]
    if missing := uncounted(counted, budget):
        found.append(missing)
    return "\n\n".join([f"{counted.model} on {counted.inputs}", *found]) if found else ""


def passed(counted: Count, budget: Budget) -> Iterator[str]:
    """A paragraph for each budget that is passed."""
    unit = counted.convention.unit
    whole = (
        ("MAC", budget.macs, reference),
        ("parameters", budget.params, parameters),
        (unit, budget.total, lambda trace: counted.account),
    )
    for name, most, price in whole:
        if most is not None and (account := price(counted.trace)).total > most:
            yield told("the model", account, most, name)
    inclusive = inclusive_amounts(counted)
    for path, most in budget.modules.items():
        if known(path, inclusive, "module") > most:
            yield told(path or "the model", below(counted.account, path), most, unit)
    terms = counted.account.by_term()
    for term, most in budget.terms.items():
        if terms.get(term, 0) > most:
            account = Account.of((path, term, each) for path, each in counted.account.of_term(term).items())  # fmt: skip
            yield told(f"the term {term!r}", account, most, unit)


def inclusive_amounts(counted: Count) -> dict[str, Number]:
    """Every module with what it costs, including what is below it."""
    amounts = counted.account.inclusive()
    return {module.path: amounts.get(module.path, 0) for module in counted.trace.modules}


def known(name: str, amounts: Mapping[str, Number], what: str) -> Number:
    if name not in amounts:
        raise UserError(f"there is no {what} {name!r}{suggest(name, amounts)}")
    return amounts[name]


def below(account: Account, path: str) -> Account:
    """What a module and those below it are charged."""
    inside = (
        c for c in account.charges() if not path or c[0] == path or c[0].startswith(f"{path}.")
    )
    return Account.of(inside)


def told(what: str, account: Account, most: Number, unit: str) -> str:
    """By how much a budget is passed, and the modules that weigh most in it."""
    total = account.total
    head = f"{what}: {group(total)} {unit}, {group(total - most)} more than the budget of {group(most)}"
    parts = sorted(account.charges(), key=lambda charge: -charge[2])
    rows = tuple((path or "(the model)", term, each, each / total)
                 for path, term, each in parts[:HEAVIEST])  # fmt: skip
    heads = (Column("module"), Column("term"), Column(unit, "integer"), Column("share", "part"))
    left = len(parts) - HEAVIEST
    note = f"and {left:,} more" if left > 0 else ""
    return text_of(Table(head, heads, rows, note))


def uncounted(counted: Count, budget: Budget) -> str:
    """That a budget of work cannot be held, for operators that nobody has a formula for."""
    unknown = {
        name: times for name, times in counted.unsupported.items() if name not in budget.ignore
    }
    if not (unknown and budget.of_work):
        return ""
    return (
        f"not counted, no formula: {left_out(unknown)}. Register a formula for them, or name them in "
        f"ignore={tuple(unknown)!r}"
    )
