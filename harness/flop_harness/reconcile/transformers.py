"""From the reference of a transformer to a published formula, one named term after another."""

from __future__ import annotations

from flop_harness.conventions.transformers.catalogue import FORMULAS
from flop_harness.conventions.transformers.formula import Formula, reference
from flop_harness.records.transformer import FormulaBridge, Transformer


def bridge(formula: Formula, shape: Transformer, length: int) -> FormulaBridge:
    """In FLOP per token. No term looks at the reading; the residual is what they leave over."""
    reading = formula.reading(shape, length)
    return FormulaBridge(
        formula.id,
        formula.scope,
        reference(shape, length, formula.scope),
        formula.terms(shape, length) if reading is not None else {},
        reading,
        formula.outside(shape),
    )


def bridges(shape: Transformer, length: int) -> list[FormulaBridge]:
    """One for each formula."""
    return [bridge(formula, shape, length) for formula in FORMULAS.values()]
