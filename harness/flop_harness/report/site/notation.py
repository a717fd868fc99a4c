"""All figures of a row in one unit and one notation: those of its published figure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from flop_harness.errors import UserError
from flop_harness.records.units import Base, Printed, parse_figure, parse_unit
from flop_harness.report.words.text import digits, group, minus

Row = Mapping[str, str]
TIMES = {("MAC", "FLOP"): 2.0, ("FLOP", "MAC"): 0.5}
"""How many of the second one of the first is"""
DIGITS = 4
"""So many digits at least are told of what a model has"""
LONG = re.compile(r"([1-9]\d{3,})(\.\d+)?")
POWER = re.compile(r"(?<=\d)e(?=\d)")
SHORT = re.compile(r"\b\d(?:\.\d+)?e\+(?:0?\d|1[0-4])\b")
"""An amount in powers of ten that grouped digits tell as well"""
PRECISELY = re.compile(r"(?<= )(gives?) it to the printed precision(?!, from)")
NUMBER = r"\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?(?:e[+-]?\d+)?"
TOLD = re.compile(
    rf"(?P<what>the source also gives|from what the model has|the model has) (?P<number>{NUMBER})"
    r"(?: (?P<unit>[^;() ][^;()]*?))?(?: +\((?P<way>[^()]+)\))?(?=;|$)"
)
"""A figure in the reason of a verdict, and the way of counting that gives it"""


def readable(value: str) -> str:
    """``15470314496`` -> ``15,470,314,496``, ``6.3e23`` -> ``6.3e+23``; what is no number stays as it is printed."""
    found = LONG.fullmatch(value)
    return f"{int(found[1]):,}{found[2] or ''}" if found else POWER.sub("e+", value)


def own_in(row: Row) -> str:
    """What the model has, in the unit of the figure; empty where the one is none of the other."""
    try:
        printed, unit = parse_figure(row["value"]), parse_unit(row["unit"], row["metric"])
        own = float(row["own"])
    except (UserError, ValueError):
        return ""
    factor = factor_to(row["own_unit"], unit.base)
    if factor is None:
        return ""
    return written(own * factor / unit.scale, unit.scale, printed)


def as_macs(row: Row) -> str:
    """What the model has in MACs, where a figure that is called FLOPs is nearer to that."""
    try:
        printed, unit = parse_figure(row["value"]), parse_unit(row["unit"], row["metric"])
        macs = float(row["own"]) * (factor_to(row["own_unit"], "MAC") or 0) / unit.scale
    except (UserError, ValueError):
        return ""
    if unit.base != "FLOP" or not 0 < float(printed.value) < 2**0.5 * macs:
        return ""
    return written(macs, unit.scale, printed)


def written(value: float, scale: int, printed: Printed) -> str:
    """With as many digits as a figure is printed with, at least."""
    if scale == 1 and value.is_integer():
        return group(int(value))
    return minus(digits(value, max(DIGITS, printed.digits)))


def given_in(row: Row) -> str:
    """What the simplest way that explains a figure gives, where the model itself has another one."""
    try:
        printed, unit = parse_figure(row["value"]), parse_unit(row["unit"], row["metric"])
        told = written(float(row["gives"]), unit.scale, printed)
    except (UserError, ValueError):
        return ""
    return "" if told == own_in(row) else told


def factor_to(own: str, base: Base) -> float | None:
    """How many of a figure's units one of the model's is; a figure without a unit is in the model's."""
    return 1.0 if base in ("", own) else TIMES.get((own, base))


def reason_in(row: Row, unit: str) -> str:
    """Why a verdict is so, with its figures in the unit of the row, which is written as ``unit``.

    ``the model has 1.5651e+10 FLOPs (calflops)`` of a figure in G -> ``calflops gives 15.651 G FLOPs``.
    """

    def told(found: re.Match[str]) -> str:
        figure = converted(found["number"], found["unit"] or "", row)
        if figure is None:
            return found[0]
        written = f"{figure} {unit}".rstrip()
        if not found["way"]:
            return f"{found['what']} {written}"
        clause = found["what"].startswith("from what")
        return (
            f"from the {written} that {found['way']} gives"
            if clause
            else f"{found['way']} gives {written}"
        )

    reason = typeset(TOLD.sub(told, row["reason"]))
    given, printed = given_in(row), readable(row["value"])
    if given in ("", printed):
        return reason
    return PRECISELY.sub(rf"\1 {f'{given} {unit}'.rstrip()}, printed as {printed}", reason)


def converted(number: str, unit: str, row: Row) -> str | None:
    """A figure in the unit of the row; ``≈`` where its own digits end above one. None where it is none of it."""
    try:
        printed = parse_figure(number)
        given, wanted = (parse_unit(each, row["metric"]) for each in (unit, row["unit"]))
    except UserError:
        return None
    factor = factor_to(given.base, wanted.base) if given.base else 1.0
    if factor is None:
        return None
    if given == wanted and "e" not in number:
        return readable(number)
    scale = factor * given.scale / wanted.scale
    value = float(printed.value) * scale
    if wanted.scale == 1:
        near = "\N{ALMOST EQUAL TO}" if float(printed.step) * scale > 1 else ""
        return f"{near}{group(round(value))}"
    kept = len(re.sub(r"e.*|\D", "", number).strip("0"))
    return digits(value, max(kept, 1))


def typeset(text: str) -> str:
    """``-4.50% off`` -> ``−4.50 % off``, ``4.08918e+09`` -> ``≈4,089,180,000``."""
    text = SHORT.sub(lambda found: f"\N{ALMOST EQUAL TO}{float(found[0]):,.0f}", text)
    return re.sub(r"(?<=\d)%", " %", re.sub(r"(?<![\w.)])-(?=\d)", "\N{MINUS SIGN}", text))
