"""Prefixes as authors write them: ``billions``, ``×10^9``, ``1e9``, ``ZFLOPs``."""

from __future__ import annotations

import re

from flop_harness.audit.language.quantities import PREFIXES

LONG = {"thousand": "k", "thousands": "k", "million": "M", "millions": "M", "mm": "M", "mn": "M", "bn": "B",
        "billion": "B", "billions": "B", "trillion": "T", "trillions": "T"}  # fmt: skip
SUPERSCRIPTS = str.maketrans(
    {**dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+", strict=True)), "\u00a0": " ", "\u2009": " "}
)
LETTERS = {3: "k", 6: "M", 9: "B", 12: "T", 15: "P", 18: "E", 21: "Z", 24: "Y"}
POWER = re.compile(r"[x×*]?\s*(?:10(?:\^|\*\*)?|1e\+?)(\d+)(?: ?flops?)?", re.IGNORECASE)
OF_FLOP = re.compile(r"([kKMGBTPEZY]?)(?:FLOPs?|FLOPS|flops?)")
PLAIN = ("%", "#", "count", "s", "sec", "seconds")


def worth(unit: str) -> str | None:
    """The prefix that a unit is worth, as in ``B`` or ``1e20``; empty for one of one, None for no unit."""
    unit = unit.translate(SUPERSCRIPTS).strip()
    if unit in PLAIN:
        return ""
    if unit.lower() in LONG or unit in PREFIXES:
        return LONG.get(unit.lower(), unit)
    if match := POWER.fullmatch(unit):
        return LETTERS.get(int(match[1]), f"1e{int(match[1])}")
    match = OF_FLOP.fullmatch(unit)
    return match[1] if match else None
