"""All formulas by id, in the order in which they are shown."""

from __future__ import annotations

from flop_harness.conventions.transformers import counters, inference, models, papers, training
from flop_harness.conventions.transformers.formula import Formula
from flop_harness.errors import UserError, suggest
from flop_harness.records.transformer import Scope

FORMULAS: dict[str, Formula] = {
    formula.id: formula
    for room in (papers, training, models, counters, inference)
    for formula in room.FORMULAS
}

REFERENCES: dict[Scope, str] = {
    "training": "ref-full", "hardware": "ref-full", "prefill": "ref-prefill",
    "decode": "ref-decode",
}  # fmt: skip


def formula(name: str) -> Formula:
    """The formula of that id. UserError for what there is not."""
    if name in FORMULAS:
        return FORMULAS[name]
    raise UserError(f"no formula {name!r}{suggest(name, FORMULAS)}: see flop-harness formulas")


def versions(project: str) -> list[Formula]:
    """A project's formulas, the oldest first, as the files list them."""
    return [each for each in FORMULAS.values() if each.project == project]


PROJECTS = tuple(dict.fromkeys(each.project for each in FORMULAS.values() if each.project))
