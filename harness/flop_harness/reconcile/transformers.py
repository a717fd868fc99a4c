"""From the reference of a transformer to a published formula, one named term after another."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from flop_harness.conventions.reference import mac_charges
from flop_harness.conventions.transformers.catalogue import FORMULAS
from flop_harness.conventions.transformers.formula import Formula, reference, start
from flop_harness.conventions.transformers.runs import angles
from flop_harness.formulas import QUERY_KEY
from flop_harness.records import Trace
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


# ------------------------------------------------------------------------------- over a trace

ANGLES = "the angles of rotary positions"
FORWARD_AGAIN = "what is recomputed counts once"
FUSED_AGAIN = "scores that a fused backward pass computes once more"
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
    if found.scope == "prefill":
        square = start(shape, length, "training")["scores"]
        whole = ran["forward"]
        terms = {CAUSAL_PROMPT: start(shape, length, "prefill")["scores"] - square}
    else:
        whole = sum((ran[phase] for phase in PHASES), Fraction(0))
        terms = backwards(ran)
    terms[ANGLES] = -ran["angles"]
    own = {term: amount for term, amount in terms.items() if amount}
    return replace(found, reference=whole, terms={**own, **found.terms})


def backwards(ran: Mapping[str, Fraction]) -> dict[str, Fraction]:
    """From a step to three forward passes."""
    fused = max(ran["attention backward"] - 2 * ran["attention forward"], Fraction(0))
    forward = ran["forward"] - ran["angles"]
    return {
        FORWARD_AGAIN: -ran["recomputed"],
        FUSED_AGAIN: -fused,
        NO_GRADIENT: 2 * forward - (ran["backward"] - fused),
    }


PHASES = ("forward", "backward", "recomputed")


def per_token(trace: Trace) -> Mapping[str, Fraction]:
    """FLOP for each token of the first input: of each phase, of attention in it, of angles."""
    given = (*trace.root.args, *(value for _, value in trace.root.kwargs))
    tokens = next(value.numel for value in given if hasattr(value, "numel"))
    found: dict[str, Fraction] = defaultdict(Fraction)
    for visit, term, amount in mac_charges(trace):
        each = Fraction(2 * amount, tokens)
        found[visit.phase] += each
        if term.startswith(QUERY_KEY):
            found[f"attention {visit.phase}"] += each
    found["angles"] = Fraction(2 * angles(trace), tokens)
    return found
