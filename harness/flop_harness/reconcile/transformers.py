"""From the reference of a transformer to a published formula, one named term after another."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

from flop_harness.conventions.reference import mac_charges
from flop_harness.conventions.transformers.catalogue import FORMULAS
from flop_harness.conventions.transformers.formula import Formula, reference, start
from flop_harness.records import Trace
from flop_harness.records.transformer import FormulaBridge, Scope, Transformer


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


# ------------------------------------------------------------------------------- over a trace

FORWARD_AGAIN = "what is recomputed counts once"
NO_GRADIENT = "gradients that nothing asks for"
CAUSAL_PROMPT = "a prompt attends to the pairs that count"


def over_trace(
    found: FormulaBridge, trace: Trace, shape: Transformer, length: int
) -> FormulaBridge:
    """The bridge from what a traced training step runs, in FLOP per token.

    Its first terms lead to the reference of the shape: what the step does not run of two forward
    passes backwards, and what it runs again. Decoding is no part of a pass over a whole sequence.
    """
    if found.scope == "decode":
        return found
    ran = per_token(trace)
    terms = ahead(ran, shape, length, found.scope)
    whole = ran["forward"] if found.scope == "prefill" else sum(ran.values(), Fraction(0))
    return replace(found, reference=whole, terms={**terms, **found.terms})


def ahead(
    ran: dict[str, Fraction], shape: Transformer, length: int, scope: Scope
) -> dict[str, Fraction]:
    """From the products of a step to the reference of its shape."""
    if scope == "prefill":
        square = start(shape, length, "training")["scores"]
        terms = {CAUSAL_PROMPT: start(shape, length, "prefill")["scores"] - square}
    else:
        terms = {
            FORWARD_AGAIN: -ran["recomputed"],
            NO_GRADIENT: 2 * ran["forward"] - ran["backward"],
        }
    return {term: amount for term, amount in terms.items() if amount}


def per_token(trace: Trace) -> dict[str, Fraction]:
    """FLOP for each token of the first input, by phase, without an optimizer's."""
    macs: Counter[str] = Counter()
    for visit, _, amount in mac_charges(trace):
        macs[visit.phase] += amount
    given = (*trace.root.args, *(value for _, value in trace.root.kwargs))
    tokens = next(value.numel for value in given if hasattr(value, "numel"))
    phases = ("forward", "backward", "recomputed")
    return {phase: Fraction(2 * macs[phase], tokens) for phase in phases}
