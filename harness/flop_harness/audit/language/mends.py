"""Another cell of a row that is wrong: with it mended, all figures of the row follow.

A figure that does not follow from the cells beside it may be right, and one of these wrong. What mends
most figures of the row is taken; where two cells do so alike, the rest of their columns decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from statistics import median

from flop_harness.audit.language.given import Given
from flop_harness.audit.language.measured import APART
from flop_harness.audit.language.quantities import (
    QUANTITIES,
    WHOLE,
    column,
    is_zero,
    printed,
    stands_for,
    worth,
)
from flop_harness.audit.language.question import READ_OTHERWISE, Question, way_of
from flop_harness.audit.language.slips import POWERS
from flop_harness.errors import UserError
from flop_harness.records.units import FIGURE, shown

RESULTS = ("compute", "pf-days", "days", "gpu hours", "tokens/s", "tokens/s/gpu", "samples/s", "tflops/gpu",
           "pflops", "peak share", "mfu", "hfu")  # fmt: skip
"""What a source works out or measures; the rest it chooses."""
OF_ONE, OF_ALL = ("tokens/s/gpu", "tflops/gpu"), ("tokens/s", "samples/s", "pflops")
ALIKE = ("mfu", "hfu", "peak share", "tflops/gpu")
"""What is much the same in all rows of a column."""
MOST = 6
"""So many decimals are written without a power of ten."""
OF_WIDTH = ("params", "non-embedding params")
"""Mended, these say nothing of the width that they follow from."""
BY_WIDTH = {"head size": "heads", "heads": "head size"}


@dataclass(frozen=True, slots=True)
class Mend:
    """A cell of a row, what should stand there, and what is wrong with it."""

    head: str
    cell: str
    told: str

    @property
    def name(self) -> str:
        return column(self.head)[0]

    @property
    def told_as(self) -> str:
        """What should stand there, in words for readers: ``200`` for ``20e1``."""
        whole = "e" in self.cell and shown(printed(self.cell)[0].value) + letter_of(self.cell)
        return whole or self.cell


@dataclass(frozen=True, slots=True)
class Found:
    """Cells beside a figure that mend its row; ``sure`` where it is one of them, and not the figure."""

    mends: tuple[Mend, ...]
    sure: bool = False


# -------------------------------------------------------------------------------- what may be mended


def of_cell(head: str, cell: str, gpus: Fraction | None) -> Iterator[Mend]:
    """A power of ten off; of all devices for of one, or the other way round."""
    for power, told in POWERS.items():
        yield from whole(Mend(head, shifted(cell, -power), f"is {told} too large"))
        yield from whole(Mend(head, shifted(cell, power), f"is {told} too small"))
    if gpus is None or gpus == 1:
        return
    name = column(head)[0]
    if name in OF_ONE:
        yield Mend(head, scaled(cell, 1 / gpus), f"is {gpus} times too large: of all devices")
    if name in OF_ALL:
        yield Mend(head, scaled(cell, gpus), f"is {gpus} times too small: of one device")


def whole(mend: Mend) -> Iterator[Mend]:
    """A mend, unless it leaves half a layer."""
    if mend.name not in WHOLE or stands_for(mend.name, mend.cell).low.denominator == 1:
        yield mend


def of_question(question: Question) -> Iterator[Mend]:
    """What the figure should be, with as many digits, by the ways of its column or at least cost."""
    least = min((each.cost for each in question.plain), default=0)
    likely = [each for each in question.plain if each.way in question.usual] or [
        each for each in question.plain if each.cost == least
    ]
    name, prefix = column(question.claim.unit)
    figure, letter = printed(question.claim.value)
    for each in likely:
        value = each.value.middle / worth(name, prefix, letter)
        cell = rounded(value, figure.digits) + letter_of(question.claim.value)
        yield Mend(question.claim.unit, cell, f"is not what {each.counting} gives")


def of_heads(given: Given) -> Iterator[Mend]:
    """Heads or their size, as the width says."""
    width = given.get("width")
    for name, other in BY_WIDTH.items():
        by = given.get(other)
        if width is None or by is None or name not in given.cells:
            continue
        size = width.low / by.low
        if size.denominator == 1 and size != stands_for(name, given.cells[name][0]).low:
            yield Mend(name, str(size), f"should be {size}, as width and {other} say")


def shifted(cell: str, places: int) -> str:
    """A cell times a power of ten, with the same digits.

    >>> shifted("1.4T", 1), shifted("8.4e24", -1), shifted("4,500", 1), shifted("44%", -1)
    ('14T', '8.4e23', '4,500e1', '4.4')
    """
    text = printed(cell)[0].text
    match = FIGURE.fullmatch(text)
    assert match is not None  # a printed number
    power = int((match["power"] or "e0")[1:]) + places
    decimals = len(match["digits"].partition(".")[2]) - places
    if not match["power"] and 0 <= decimals <= MOST:
        plain = Decimal(match["digits"].replace(",", "")).scaleb(places)
        return f"{plain:f}{letter_of(cell)}"
    digits = match["digits"] + (f"e{power}" if power else "")
    return digits + letter_of(cell)


def scaled(cell: str, factor: Fraction) -> str:
    figure = printed(cell)[0]
    return rounded(figure.value * factor, figure.digits) + letter_of(cell)


def rounded(value: Fraction, digits: int) -> str:
    """With so many digits from the first that is no zero: an integer, or a power of ten behind them."""
    text = f"{float(value):.{max(digits, 1) - 1}e}"
    plain = f"{float(text):f}".rstrip("0").rstrip(".")
    return plain if float(plain) == float(text) and float(text) < 10**digits else text


def letter_of(cell: str) -> str:
    return cell[len(cell.rstrip("kKMGBTPEZY")) :] if cell[-1:].isalpha() else ""


# --------------------------------------------------------------------------------- what mends a row


def culprit(question: Question, table: Sequence[Question]) -> Found | None:
    """Which cell beside a figure that does not follow is wrong instead; None for none."""
    row = [each for each in table if each.claim.row == question.claim.row]
    failing = sum(not stands(each) for each in row)
    left = {mend: count for mend in beside(question, row)
            if stands(with_cell(question, mend)) and (count := remaining(row, mend)) < failing}  # fmt: skip
    own = [mend for mend in own_mends(question) if stands(with_cell(question, mend))]
    least_own = min((remaining(row, mend) for mend in own), default=failing - 1)
    least = min(left.values(), default=failing)
    best = {mend.head: mend for mend in reversed(list(left)) if left[mend] == least}
    if not best or least > least_own:
        return None
    mends = tuple(best.values())
    if least < least_own:
        return Found(mends, sure=len(mends) == 1 or all(each.name in BY_WIDTH for each in mends))
    return decided(question, mends, own, table)


def resolved(question: Question, table: Sequence[Question], mend: Mend) -> int:
    """How many figures of the row follow only with a mend."""
    row = [each for each in table if each.claim.row == question.claim.row]
    return sum(not stands(each) for each in row) - remaining(row, mend)


def decided(
    question: Question, mends: tuple[Mend, ...], own: list[Mend], table: Sequence[Question]
) -> Found | None:
    """By the rest of their columns, of two cells that would mend a row alike."""
    claim = question.claim
    if any(is_odd(claim.unit, claim.value, mend, table, question) for mend in own):
        return None
    if own and all(is_spoilt(claim.unit, claim.value, mend, table, question) for mend in own):
        return Found(mends, sure=True)
    odd = [m for m in mends if is_odd(m.head, claim.given[m.head], m, table, question)]
    if len(odd) == 1:
        return Found((odd[0],), sure=True)
    doubtful = [m for m in mends if not is_spoilt(m.head, claim.given[m.head], m, table, question)]
    return Found(tuple(doubtful)) if doubtful else None


def is_odd(head: str, cell: str, mend: Mend, table: Sequence[Question], question: Question) -> bool:
    """Whether a cell is unlike its column as it stands, and like it where it is mended."""
    usual = middle(head, table, question)
    return usual is not None and not near(head, cell, usual) and near(head, mend.cell, usual)


def is_spoilt(
    head: str, cell: str, mend: Mend, table: Sequence[Question], question: Question
) -> bool:
    """The other way round: like its column as it stands, and unlike it where it is mended."""
    usual = middle(head, table, question)
    return usual is not None and near(head, cell, usual) and not near(head, mend.cell, usual)


def near(head: str, cell: str, usual: float) -> bool:
    return 1 / APART <= float(stands_for(column(head)[0], cell).middle) / usual <= APART


def middle(head: str, table: Sequence[Question], question: Question) -> float | None:
    """The median of the other rows of a column that is much the same in all of them; None of fewer than two."""
    name = column(head)[0]
    rows = {}
    for each in table if name in ALIKE else ():
        claim = each.claim
        cell = claim.value if claim.unit == head else claim.given.get(head, "")
        if claim.row != question.claim.row and cell and not is_zero(cell):
            rows[claim.row] = float(stands_for(name, cell).middle)
    return median(rows.values()) if len(rows) > 1 else None


def beside(question: Question, row: Sequence[Question]) -> Iterator[Mend]:
    """Mends of the other cells of its row that a source works out, or that do not follow themselves."""
    given = Given(question.claim)
    wrong = {each.claim.unit: each for each in row if each is not question and not stands(each)}
    for head, cell in question.claim.given.items():
        if head.partition(" (")[0] not in QUANTITIES or column(head)[0] not in given.cells:
            continue
        if head in wrong or column(head)[0] in RESULTS:
            yield from of_cell(head, cell, given.stated("gpus"))
        if head in wrong:
            yield from of_question(wrong[head])
    yield from of_heads(given if question.claim.metric != "width" else with_own(question))


def own_mends(question: Question) -> Iterator[Mend]:
    claim = question.claim
    yield from of_cell(claim.unit, claim.value, Given(claim).stated("gpus"))
    yield from of_question(question)


def with_own(question: Question) -> Given:
    """What its row gives, its own cell too."""
    claim = question.claim
    return Given(replace(claim, given={**claim.given, claim.unit: claim.value}))


def remaining(row: Sequence[Question], mend: Mend) -> int:
    """How many figures of a row do not follow with a mend."""
    return sum(not stands(with_cell(each, mend)) for each in row)


def with_cell(question: Question, mend: Mend) -> Question:
    claim = question.claim
    if claim.unit == mend.head:
        claim = replace(claim, value=mend.cell)
    elif mend.head in claim.given and not (claim.metric == "width" and mend.name in OF_WIDTH):
        claim = replace(claim, given={**claim.given, mend.head: mend.cell})
    else:
        return question
    return Question(claim, question.usual, question.agreed, question.beside)


def stands(question: Question) -> bool:
    """Whether a figure follows as its column does, as its source says, or in a plain way; or from nothing."""
    try:
        if not question.plain:
            return True
    except UserError:  # sizes that a mend makes no shape
        return False
    if question.usual:
        return any(way_of(match.candidate) in question.usual for match in question.matches)
    counts = question.claim.counts
    named = any(each.counting == counts for each in question.plain)
    return any(
        match.cost <= READ_OTHERWISE
        and not match.candidate.departures
        and (not named or match.candidate.counting == counts)
        for match in question.matches
    )
