"""Verdicts on figures about language models.

A figure is held against everything that its row and its model's shape imply. A column is counted one
way: where one way explains most of it, a figure that departs from it is not saved by another of many
formulas, and a slip is looked for.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction

from flop_harness.audit.language import mends, slips, zeros
from flop_harness.audit.language.measured import MEASURED, on_measured
from flop_harness.audit.language.mends import Mend
from flop_harness.audit.language.possible import UNCOVERED, UNNAMED, Candidate
from flop_harness.audit.language.quantities import (
    figure_of,
    is_zero,
    misprinted,
)
from flop_harness.audit.language.question import Match, Question, Way, way_of
from flop_harness.audit.language.wholes import contradicted
from flop_harness.audit.language.words import counted, fit, listed, told_value
from flop_harness.records import Claim, Ruling, Verdict
from flop_harness.records.units import in_percent

ENOUGH = 3
"""So many figures of a column say how all of it is counted, if one way explains most of them."""
CLOSE = Fraction(23, 20)
"""From the least to the greatest that a figure may be, if a factor of 4/3 is to stand out."""
UNLIKELY = 0.05
"""The chance up to which an explanation that departs from what is stated is taken."""
CLEAR = 0.8
"""The share of a column from which on what departs from its way is a slip rather than another way."""
FAR_OFF = 0.05
"""Off by more, a figure is close to nothing."""
RARE = 0.002
"""UNLIKELY for a figure that is counted unlike its column."""


def verdicts(claims: Iterable[Claim]) -> dict[int, Verdict]:
    """A verdict for each claim, by its identity."""
    claims = list(claims)
    questions = [Question(claim) for claim in claims if not is_zero(claim.value)]
    for column_of in grouped(questions).values():
        usual, agreed = usual_ways([question for question in column_of if question.plain])
        for question in column_of:
            question.usual, question.agreed = usual, agreed
            question.beside = agreed * len(column_of) / max(len(column_of) - 1, 1)
    rows: Mapping[tuple[str, str], list[Question]] = defaultdict(list)
    for question in questions:
        rows[question.claim.file, question.claim.table].append(question)
    found = {id(claim): zeros.verdict(claim) for claim in claims if is_zero(claim.value)}
    return found | {id(q.claim): verdict(q, rows[q.claim.file, q.claim.table]) for q in questions}


def grouped(questions: Iterable[Question]) -> dict[tuple[str, ...], list[Question]]:
    """By file, table and column; what is recomputed is a column of its own, and so is each part."""
    groups: dict[tuple[str, ...], list[Question]] = defaultdict(list)
    for question in questions:
        claim = question.claim
        apart = (claim.given.get("recomputed", ""), claim.given.get("part", ""))
        groups[(claim.file, claim.table, claim.unit, *apart)].append(question)
    return groups


def usual_ways(group: list[Question]) -> tuple[set[Way], float]:
    """The ways that explain most of a column, and the share of it that they do.

    The way that the source names, if it explains most of a column; else one that explains as much as
    any. A way that departs from what is stated has to explain most of it with its digits read as usual, or
    nearly all; and more than one figure more than a way that does not.
    """
    if len(group) < ENOUGH:
        return set(), 0.0
    counts = Counter(way for question in group for way in question.ways)
    exact = Counter(way for question in group for way in question.ways_read_as_usual)
    enough = {
        way: count for way, count in counts.items()
        if 2 * count > len(group)
        and (not way[1] or 2 * exact[way] > len(group) or count >= CLEAR * len(group))
    }  # fmt: skip
    named = {way: count for way, count in enough.items()
             if not way[1] and way[0] == group[0].claim.counts}  # fmt: skip
    nearly = max(enough.values(), default=0)
    enough = {way: count for way, count in named.items()
              if count + 1 >= nearly or count >= CLEAR * nearly} or enough  # fmt: skip
    most = max(enough.values(), default=0)
    plain = {way: count for way, count in enough.items() if not way[1] and count + 1 >= most}
    most = max(plain.values(), default=most)
    return {way for way, count in (plain or enough).items() if count == most}, most / len(group)


# ------------------------------------------------------------------------------------- one verdict


def verdict(question: Question, table: list[Question]) -> Verdict:
    claim = question.claim
    above = contradicted(question)
    if not question.plain:
        return on_nothing(claim, table, above)
    outside = bool(question.usual) and not any(
        way_of(match.candidate) in question.usual for match in question.matches
    )
    believed = bool(question.matches) and credible(question, RARE if outside else UNLIKELY)
    found = None if above or mends.stands(question) else mends.culprit(question, table)
    worth_it = 2 if believed else 1  # figures that a mend has to explain
    if found and found.sure and mends.resolved(question, table, found.mends[0]) >= worth_it:
        return mended(question, table, found.mends)
    slip = changed_places(question, table)
    if slip or above:
        return mistaken(question, table, slip, above)
    if believed:
        made = reproduced(question)
        if not misprinted(claim.value):
            return made
        reason = f"a comma for the point; with the point {made.reason}"
        return replace(made, ruling="error in the source", reason=reason)
    return mistaken(question, table, beside=found.mends if found else ())


def on_nothing(claim: Claim, table: list[Question], above: str) -> Verdict:
    """On a figure that nothing in its row gives."""
    if claim.metric in MEASURED:
        return on_measured(claim, [q.claim for q in table if q.claim.unit == claim.unit])
    if above:
        return Verdict(claim.id, "error in the source", above)
    return Verdict(claim.id, "unexplained", "its row does not say what it follows from")


def mended(question: Question, table: list[Question], found: tuple[Mend, ...]) -> Verdict:
    """On a figure that follows once another cell is mended: that one is wrong, where it has no verdict itself."""
    claim, first = question.claim, found[0]
    made = reproduced(mends.with_cell(question, first))
    others = "".join(f" (or the {mend.name} {mend.told})" for mend in found[1:])
    claimed = any(q.claim.row == claim.row and q.claim.unit == first.head for q in table)
    if claimed or (first.name in mends.BY_WIDTH and claim.metric != "width"):
        told = f"with {first.told_as} for the {first.name} beside it, which {first.told}{others}"
        return replace(made, reason=f"{told}: {made.reason}")
    told = f"the {first.name} beside it {first.told}{others}; with {first.told_as} {made.reason}"
    return replace(made, ruling="error in the source", reason=told)


def credible(question: Question, chance: float) -> bool:
    """Whether the best departs little, explains its column, or fits hardly by chance."""
    best = question.best[0]
    if best.candidate.shared:
        return way_of(best.candidate) in question.usual
    if best.candidate.cost == UNCOVERED and best.candidate.counting != question.claim.counts:
        chance = min(chance, RARE)
    if way_of(best.candidate) in question.usual or (best.cost <= 1 and not question.usual):
        return True
    return question.chance(best.cost) <= chance


def reproduced(question: Question) -> Verdict:
    claim, best = question.claim, question.best
    names = list(dict.fromkeys(match.candidate.counting for match in best))
    departs = list(dict.fromkeys("; ".join(match.told) for match in best if match.told))
    speaks = any(each.counting == claim.counts for each in question.tried)
    named = claim.counts in names if speaks else None
    column_told = ", as most of its column" if way_of(best[0].candidate) in question.usual else ""
    told = f"{listed(names)} {'give' if len(names) > 1 else 'gives'} it{column_told}"
    if named is False:
        told += f"; {claim.counts} does not"
    if departs:
        told = f"{' or '.join(departs)}: {told}"
    unlike = bool(question.usual) and way_of(best[0].candidate) not in question.usual
    if unlike:
        told += ", unlike its column"
    strained = named is False or unlike or any(way_of(match.candidate)[1] for match in best)
    ruling: Ruling = "not as stated" if strained else "reproduced"
    return counted(
        question, Verdict(claim.id, ruling, told, tuple(map(fit(claim), best)), named=named)
    )


def likeliest(question: Question) -> list[Candidate]:
    """What explains its column, else what the source names, else what departs least."""
    usual = [each for each in question.plain if each.way in question.usual]
    named = [each for each in usual or question.plain if each.counting == question.claim.counts]
    least = min(each.cost for each in question.plain)
    return named or usual or [each for each in question.plain if each.cost == least]


def certain(likely: list[Candidate]) -> bool:
    return all(each.certain for each in likely)


def settled(question: Question, likely: list[Candidate]) -> bool:
    """Whether it is clear what the figure should be, so that a slip of a digit can be told."""
    if question.usual:
        return question.beside >= CLEAR
    named = all(each.counting == question.claim.counts for each in likely)
    held = [e for e in question.plain if e.cost <= UNNAMED] if not certain(likely) else likely
    return named or len({each.value for each in held}) <= 2


def near(question: Question) -> bool:
    """Whether all that a figure may be, with little departure, lies close together."""
    values = [each.value.middle for each in question.plain if each.cost <= UNNAMED]
    return bool(values) and max(values) <= CLOSE * min(values)


def changed_places(question: Question, table: list[Question]) -> str:
    """Where the formula that the source names does not fit, and would fit another figure."""
    likely = likeliest(question)
    fits = {way_of(match.candidate) for match in question.matches}
    if not question.claim.counts or any(each.way in fits for each in likely):
        return ""
    return swapped(question, likely, table)


def mistaken(
    question: Question,
    table: list[Question],
    slip: str = "",
    above: str = "",
    beside: tuple[Mend, ...] = (),
) -> Verdict:
    """A slip that would explain it, the arithmetic that it contradicts, or nothing."""
    claim, likely = question.claim, likeliest(question)
    slip = slip or slip_of(question, likely, table)
    slip = one_of(": ".join(filter(None, [above, slip])), beside)
    closest = nearest(claim, likely)
    shown = tuple(map(fit(claim), (Match(each, each.cost, each.departures) for each in closest)))
    should = f"{closest[0].counting} gives {told_value(claim, closest[0])}"
    ruling: Ruling = "unexplained"
    usual = question.beside >= CLEAR
    if slip or all(each.certain or (each.usual and usual) for each in likely):
        ruling = "error in the source"
    gap = (
        f", {in_percent(figure_of(claim).middle / closest[0].value.middle - 1, 2, signed=True)} off"
    )
    reason = f"{slip}; {should}" if slip else f"{should}{gap}{otherwise(question)}"
    return counted(question, Verdict(claim.id, ruling, reason, nearest=shown))


def slip_of(question: Question, likely: list[Candidate], table: list[Question]) -> str:
    """The first slip that would explain it; figures in each other's place only where it is clear what they are."""
    clear, values = settled(question, likely), [each.value for each in likely]
    slip = swapped(question, likely, table) if clear else ""
    return slip or slips.explained(question.claim, values, clear, near(question))


def one_of(slip: str, beside: tuple[Mend, ...]) -> str:
    """A slip, or that of another cell that would explain the row as well."""
    if not slip or not beside:
        return slip
    number = "the two" if len(beside) == 1 else "several"
    others = " or ".join(f"the {mend.name} beside it {mend.told}" for mend in beside)
    return f"one of {number} is wrong: {slip}, or {others}"


def otherwise(question: Question) -> str:
    """What would give a figure, were it less likely to fit by chance."""
    if not question.matches:
        return ""
    best = question.matches[0]
    told = "; ".join([best.candidate.counting, *best.candidate.departures])
    return f"; {told} gives it, as it would {in_percent(question.chance(best.cost), 1)} of made-up figures"


def swapped(question: Question, likely: list[Candidate], table: list[Question]) -> str:
    """With a cell of its row, or with one of its column in another row."""
    claim = question.claim
    beside = [q for q in table if q is not question and (
        q.claim.row == claim.row or q.claim.unit == claim.unit)]  # fmt: skip
    pairs = ((q.claim, likeliest(q)) for q in beside if q.plain)
    return slips.swapped(claim, likely, pairs)


def nearest(claim: Claim, likely: list[Candidate], most: int = 3) -> list[Candidate]:
    """Those that come closest; of what is far off all alike, in the order of the catalogue."""
    figure = figure_of(claim).middle

    def gap(each: Candidate) -> float:
        off = float(abs(each.value.middle / figure - 1))
        return round(off, 1) if off > FAR_OFF else off

    return sorted(likely, key=gap)[:most]
