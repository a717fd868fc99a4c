"""What was published beside what was found here, as tables and sentences."""

from __future__ import annotations

from collections.abc import Iterator

from flop_harness.report.analysis.check import sentence
from flop_harness.report.analysis.conclusions import apart_in_words
from flop_harness.report.analysis.machines import id_of, whose
from flop_harness.report.analysis.reproduction import Reproduction, Speed, TimesHeld
from flop_harness.report.analysis.time_sentences import how_measured
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.tables.table import Column, Table, columns
from flop_harness.report.words.text import digits, group, plural, printable

MANY = 20
"""So many differences are named"""

RATIOS = (
    Column("case"), Column("series"), Column("published", "number", "ms"),
    Column("here", "number", "ms"), Column("here / published", "factor"),
    Column("from", "factor", "95 %"), Column("to", "factor", "95 %"), Column("verdict"),
)  # fmt: skip


def ratio_table(held: TimesHeld) -> Table:
    """Each case that both machines timed."""
    rows = tuple(
        (each.case, str(each.series), each.published * 1e3, each.here * 1e3, each.ratio,
         *(each.interval or (None, None)), each.verdict)
        for each in held.ratios
    )  # fmt: skip
    note = f"Published: {held.published.machine}. Here: {held.here.machine}. Medians of turns."
    return Table("Times, published and here", RATIOS, rows, note)


CONCLUSIONS = columns("conclusion published here verdict")


def conclusion_table(held: TimesHeld) -> Table:
    """What the published times show, and whether it is so here."""
    rows = tuple(
        (each.about, each.published, each.here + apart_in_words(each), each.holding)
        for each in held.conclusions
    )
    return Table("Conclusions from times, published and here", CONCLUSIONS, rows)


def count_lines(found: Reproduction) -> Iterator[str]:
    """How many counts are identical, whether to those of another torch; each that is not, by name and terms."""
    if found.counts is None:
        return
    moves, same = found.counts.moves, len(found.counts.unchanged)
    yield (
        f"Counts: {group(same)} of {group(same + len(moves))} are identical to those published "
        f"({found.source})."
    )
    if found.counts.torch is not None:
        before, here = found.counts.torch
        yield f"Those are of torch {printable(before)}; here it is {printable(here)}."
    yield from map(sentence, moves[:MANY])
    if len(moves) > MANY:
        yield f"... and {plural(len(moves) - MANY, 'more difference')}."


def time_lines(held: TimesHeld) -> Iterator[str]:
    """How fast this machine is beside the published one, and how many conclusions hold."""
    yield whose(held.published, id_of(held.here.environment))
    yield from how_measured(MachineTimings(held.here))
    yield from map(speed_line, held.speeds)
    holding = [each.holding for each in held.conclusions]
    if holding:
        yield (
            f"Conclusions: {group(holding.count('holds'))} of {group(len(holding))} hold here, "
            f"{group(holding.count('does not hold'))} do not, "
            f"{group(holding.count('not shown here'))} are not shown here."
        )


def speed_line(speed: Speed) -> str:
    low, high = speed.interval or (None, None)
    known = "too few cases for an interval" if low is None or high is None else (
        f"95 %: {digits(low)} to {digits(high)}"
    )  # fmt: skip
    return (
        f"{speed.series}: a pass takes {digits(speed.middle)} times as long here ({known}), the "
        f"middle of {plural(len(speed.ratios), 'case')}."
    )
