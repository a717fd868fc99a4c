"""The rules that lead from a claim to its verdict, the simplest explanation first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flop_harness.audit.candidates import (
    ONE_SAMPLE,
    SEARCHED,
    UNIT,
    Question,
    ask,
    candidates,
    own_counting,
    unprefixed,
)
from flop_harness.audit.claim_set import ClaimSet, one_sample, others
from flop_harness.audit.matching import Match, chance, loosest, matches, nearest
from flop_harness.audit.statements import worked_out
from flop_harness.audit.verdicts import RARE, UNLIKELY, Explanations, error, ruled, unexplained
from flop_harness.reconcile.pricing import Priced
from flop_harness.records import Claim, Verdict
from flop_harness.records.units import parse_figure, shown

VARIANT = 2
"""Another variant of a model (classes, heads, biases) may shift its parameters, not by this factor."""


Rule = Callable[[Explanations], Verdict | None]


def judge(claim: Claim, claim_set: ClaimSet) -> Verdict:
    """The verdict of the first rule that has one."""
    question = ask(claim)
    explanations = Explanations(question, claim_set, [])
    explanations.try_also(claim_set.own(claim))
    for rule in RULES:
        verdict = rule(explanations)
        if verdict is not None:
            return verdict
    return unexplained(explanations)


def settles(priced: Priced, claim: Claim) -> bool:
    """Whether something in these prices fits a claim with no departure at all; a shape needs none."""
    if claim.metric == "output":
        return True
    question = ask(claim)
    return any(match.cost == 0 for match in matches(question, candidates(question, priced)))


# -------------------------------------------------------------------------------------- rules


def as_stated(explanations: Explanations) -> Verdict | None:
    """Something fits with no departure at all."""
    fits = explanations.fitting and explanations.fitting[0].cost == 0
    return ruled(explanations, "reproduced") if fits else None


def swapped(explanations: Explanations) -> Verdict | None:
    """Two figures of a table each fit the other's place, and not their own."""
    columns = [(other, "columns") for other in explanations.claim_set.row(explanations.claim)]
    rows = [(other, "rows") for other in explanations.claim_set.column(explanations.claim)]
    for other, what in (*columns, *rows):
        if exchanged(explanations, other):
            told = f"{what} swapped: its figure is that of {title(other)}, and the other way round"
            return error(explanations, told)
    return None


def of_one_sample(explanations: Explanations) -> None:
    """What the figure of one sample would be: before rules of a tool that leave the batch out."""
    if not explanations.fitting or explanations.fitting[0].cost > ONE_SAMPLE:
        found = explanations.claim_set.elsewhere(explanations.question, one_sample)
        explanations.try_also(found)


def with_another_reading(explanations: Explanations) -> Verdict | None:
    """Something fits that is a step away: unit, prefix, convention, how it is printed."""
    near = explanations.fitting and explanations.fitting[0].cost < SEARCHED
    return ruled(explanations, "not as stated") if near and explanations.credible else None


def worked(explanations: Explanations) -> Verdict | None:
    """The author's own arithmetic leads to the figure, but not from what the model has."""
    claim, question = explanations.claim, explanations.question
    if not claim.working:
        return None
    result = worked_out(claim)
    comes = f"its own working, {claim.working}, comes to {float(result):.6g}"
    printing = question.printed.printing_of(result)
    if printing:
        cut = f", {printing}" if printing != "rounded" else ""
        return error(explanations, f"{comes}{cut}, but not from what {has(explanations)}")
    return error(explanations, f"{comes}; {has(explanations)}")


def has(explanations: Explanations) -> str:
    """The model's own figure: by what the source names, or else the convention of the claim's unit."""
    question, claim = explanations.question, explanations.claim
    stated = [c for c in explanations.tried if not c.departures]
    wanted = question.named or {own_counting(claim)}
    named = [c for c in stated if c.counting in wanted]
    for own in nearest(question, named or stated, 1):
        return f"the model has {shown(own.number, 5)} {claim.unit} ({own.name})"
    return "the model has nothing"


def of_another_model(explanations: Explanations) -> Verdict | None:
    """The figure is that of another model of the same table, counted as that model's own is."""
    found, missed = [], 1.0
    for other in explanations.claim_set.column(explanations.claim):
        ways = explanations.claim_set.simplest(other)
        place = replace(ask(other), printed=explanations.question.printed)
        own = explanations.claim_set.own(other)
        alike = [c for c in own if (c.counting, unprefixed(c.departures)) in ways]
        here = [match for match in matches(place, alike) if match.plain]
        missed *= 1 - chance(place, alike, loosest(here))
        if 1 - missed > RARE:
            return None  # one of so many models has such a figure by chance
        if here:
            found.append(other)
    if not found:
        return None
    return error(explanations, f"the figure of another model of the same table: {title(found[0])}")


def on_other_inputs(explanations: Explanations) -> Verdict | None:
    """Something further off fits, such as another input, and as good as never by chance."""
    explanations.try_also(explanations.claim_set.elsewhere(explanations.question, others))
    return searched(explanations) if explanations.chance <= RARE else None


def contradicted(explanations: Explanations) -> Verdict | None:
    """The same source gives another figure for the same thing."""
    if (
        explanations.claim.metric != "params"
        and explanations.claim_set.price(explanations.claim).executed
    ):
        return None  # what a model computes that looks at values, two sets of weights may change
    mine = span(explanations.question)
    for other in explanations.claim_set.same_thing(explanations.claim):
        theirs = span(ask(other))
        if mine[1] < theirs[0] or theirs[1] < mine[0]:
            told = f"two different figures for one thing: the source also gives {printed(other)}"
            return error(explanations, f"{told}; {has(explanations)}")
    return None


def transposed(explanations: Explanations) -> Verdict | None:
    """Two neighbouring digits of the figure have changed places; by a plain count or a named one."""
    plain = {"macs", "flops", "params", "param-bytes", "activations"} | explanations.question.named
    close = [c for c in explanations.tried if c.cost <= UNIT and c.counting in plain]
    luck = chance(explanations.question, close)
    for tries, meant in enumerate(explanations.question.printed.transposed(), start=1):
        if matches(replace(explanations.question, printed=meant), close):
            told = f"two digits have changed places: {meant.text} fits"
            return error(explanations, told) if tries * luck <= RARE else None
    return None


SHIFTS = (3, -3, 1, -1, 2, -2, 6, -6, 9, -9)
"""Powers of ten by which a figure may be off: another prefix, or a point misplaced; the likelier first"""


def shifted(explanations: Explanations) -> Verdict | None:
    """The model's own figure is a power of ten away, and hardly by chance."""
    question, own = explanations.question, own_counting(explanations.claim)
    plain = [c for c in explanations.tried
             if c.cost <= UNIT and c.counting in {own, *question.named}]  # fmt: skip
    luck = 0.0
    for shift in SHIFTS:
        meant = replace(question, printed=question.printed.shifted(shift))
        luck += chance(meant, plain)
        found = [match for match in matches(meant, plain) if match.plain]
        if found and luck <= UNLIKELY:
            return error(explanations, f"{times(shift)}: {fits_as(found[0], meant)}")
    return None


def times(shift: int) -> str:
    """``1,000 times too large`` for a figure that fits divided by so much."""
    return f"{10 ** abs(shift):,} times too {'large' if shift < 0 else 'small'}"


def fits_as(match: Match, question: Question) -> str:
    """``8.258 MMac would be macs``, with what departs."""
    told = "".join(f", {each}" for each in match.departures)
    figure = f"{float(question.printed.value):g} {question.claim.unit}".rstrip()
    return f"{figure} would be {match.candidate.name}{told}"


def searched(explanations: Explanations) -> Verdict | None:
    """Something further off fits, and hardly by chance."""
    return (
        ruled(explanations, "not as stated")
        if explanations.fitting and explanations.credible
        else None
    )


def impossible(explanations: Explanations) -> Verdict | None:
    """No variant of the model can have so many parameters, or so few."""
    claim, question = explanations.claim, explanations.question
    if claim.metric != "params" or claim.layer or question.unit.base == "share":
        return None
    figure = question.printed.value * question.unit.scale
    largest = explanations.claim_set.price(claim).largest
    counts = [c.number * question.unit.scale for c in explanations.tried if not c.departures]
    if figure < largest:
        told = f"impossible parameter count: one of its layers alone has {largest:,}"
        return error(explanations, told)
    if counts and not min(counts) / VARIANT <= figure <= VARIANT * max(counts):
        told = f"impossible parameter count: the model has {int(max(counts)):,}"
        return error(explanations, told)
    return None


RULES: tuple[Rule, ...] = (
    as_stated, swapped, of_one_sample, with_another_reading, worked, of_another_model, transposed,
    on_other_inputs, shifted, contradicted, searched, impossible,
)  # fmt: skip


# ------------------------------------------------------------------------------ moved figures


def moved(claim: Claim, place: Claim, claim_set: ClaimSet) -> list[Match]:
    """How the figure of a claim fits another's place, at most by another unit."""
    printed = parse_figure(claim.value)
    close = claim_set.near(place, printed)
    found = matches(replace(ask(place), printed=printed), close) if close else []
    return [match for match in found if match.plain]


def exchanged(explanations: Explanations, other: Claim) -> bool:
    """Whether two figures fit each other's place more simply than their own, counted alike."""
    claim_set, mine = explanations.claim_set, explanations.claim
    there = moved(mine, other, claim_set)
    back = moved(other, mine, claim_set) if there else []
    if mine.metric == other.metric:
        ways = {match.way for match in there} & {match.way for match in back}
        there, back = ([m for m in found if m.way in ways] for found in (there, back))
    if not there or not back:
        return False
    theirs = matches(ask(other), claim_set.own(other))
    homes = (cheapest(explanations.fitting), cheapest(theirs))
    away = (cheapest(there) + 1, cheapest(back) + 1)
    return all(home > cost for home, cost in zip(homes, away, strict=True))


def cheapest(found: list[Match]) -> float:
    return min((match.cost for match in found), default=float("inf"))


def span(question: Question) -> tuple:
    """From the least to the greatest amount that the figure may stand for."""
    low, high = question.printed.span
    return low * question.unit.scale, high * question.unit.scale


def title(claim: Claim) -> str:
    model = claim.case.model.rpartition(":")[2] if claim.case else claim.id
    return " ".join(filter(None, [model, claim.layer, claim.metric]))


def printed(claim: Claim) -> str:
    return " ".join(filter(None, [claim.value, claim.unit]))
