"""Numbers and names as a reader sees them; the same wording in every format."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from flop_harness.errors import uncoloured
from flop_harness.records import SEED
from flop_harness.records.units import in_percent

Number = int | float


def printable(value: Any) -> str:
    """One line without colours and control characters, so that a name cannot move a cursor or break a page."""
    line = " ".join(uncoloured(str(value)).split())
    if line.isprintable():
        return line
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line)


def shorten(value: Any, width: int) -> str:
    """At most ``width`` characters, the end replaced by an ellipsis."""
    line = printable(value)
    return line if len(line) <= width else line[: max(width - 1, 0)].rstrip() + "…"


def is_number(value: Any) -> bool:
    """A finite number; a counter's ``nan`` is not a figure."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, int) or math.isfinite(value)


def whole(value: Number) -> Number:
    """4.0e9 as 4000000000: many tools return floats that count things."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def group(value: Any) -> str:
    """4133742592 -> ``4,133,742,592``, exact; floats keep their digits."""
    return minus(f"{whole(value):,}") if is_number(value) else printable(value)


def minus(number: str) -> str:
    """A number with the sign that is as wide as a digit."""
    return number.replace("-", "\N{MINUS SIGN}")


def signed(value: Any) -> str:
    """As ``group``, with the sign that a term of a sum needs."""
    return f"+{group(value)}" if is_number(value) and value > 0 else group(value)


def digits(value: float, count: int = 3) -> str:
    """``count`` significant digits, grouped, never an exponent."""
    if not value or not math.isfinite(value):
        return minus(f"{value:g}")
    decimals = count - 1 - math.floor(math.log10(abs(value)))
    return minus(f"{round(value, decimals):,.{max(decimals, 0)}f}")


def compact(value: Number, unit: str = "") -> str:
    """4133742592 -> ``4.13 G``, 4133742592 MAC -> ``4.13 GMAC``, 13.5003 -> ``13.5``; exact figures stand in tables."""
    for power, letter in ((15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if abs(value) >= 10**power:
            return f"{digits(value / 10**power)} {letter}{unit}"
    return f"{group(value) if value == int(value) else digits(value)} {unit}".rstrip()


def human(value: Number, unit: str = "") -> str:
    """15470264320 MAC -> ``15.47 GMAC``, 138357544 parameters -> ``138.4 M``: to read, not to reckon with.

    Parameters are told without a word for them.
    """
    unit = "" if unit == "parameter" else "B" if unit == "byte" else unit
    for power, letter in ((15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if abs(value) >= 10**power:
            return f"{digits(value / 10**power, 4)} {letter}{unit}"
    return f"{group(value)} {unit}".rstrip()


def left_out(operators: Mapping[str, int]) -> str:
    """``mine::op × 2``: operators without a formula, with how often each ran; empty for none."""
    return few([f"{printable(name)} × {count:,}" for name, count in operators.items()], 8)


def hanging(lines: Sequence[str]) -> str:
    """``hangs on values at net.py:12, drawn with seed 0``; empty where no line looks at one."""
    where = few([printable(line) for line in lines], 8)
    return f"hangs on values at {where}, drawn with seed {SEED}" if lines else ""


def percent(share: float | None) -> str:
    """A deviation in per cent; ``=`` is an exact zero, and only that."""
    if share is None:
        return ""
    if math.isinf(share):
        return "∞"
    return "=" if share == 0 else f"{'+' if share > 0 else ''}{digits(share * 100)} %"


def spread(factor: float) -> str:
    """How far the highest is from the lowest: ``12 %`` up to a half as much again, ``2.4 times``, ``137 times``."""
    if factor < 1.5:
        return f"{digits((factor - 1) * 100, 2)} %"
    return f"{digits(factor, 2 if factor < 100 else 3)} times"


def distance(share: float | None) -> str:
    """A deviation without its direction."""
    return percent(None if share is None else abs(share)).removeprefix("+")


def part(share: float) -> str:
    """A part of a whole: ``100 %`` and ``0 %`` are exact, and only they; more than all is told.

    >>> part(0.00004), part(0.99996), part(1.5)
    ('< 0.1 %', '> 99.9 %', '150.0 %')
    """
    if share in (0, 1):
        return in_percent(share)
    if 0 < share < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if 0.999 < share < 1 else in_percent(share, 1)


def ratio(share: float | None) -> str:
    """1 + a deviation, with two digits of the deviation: ``1.000026``; a bare ``1`` is exact."""
    if share is None:
        return "?"
    if math.isinf(share):
        return "∞"
    if share in (0, -1):
        return "1" if share == 0 else "0"
    if abs(share) >= 0.1:
        return digits(1 + share)
    return f"{1 + share:.{1 - math.floor(math.log10(abs(share)))}f}"


def about(share: float | None) -> str:
    """1 + a deviation in a few signs: ``≈1`` is not quite 1, however little it departs."""
    if share is None:
        return "?"
    return "\N{ALMOST EQUAL TO}1" if 0 < abs(share) < NEARLY else brief_ratio(1 + share)


NEARLY = 0.0005
"""Deviations below it are told as nearly none"""


def brief_ratio(value: float) -> str:
    """``1``, ``≈1``, ``1.004``, ``0.64``, ``1/137``, ``1/160k``: a ratio in a few signs; bare 1 and 0 are exact."""
    if value in (0, 1):
        return f"{value:.0f}"
    if abs(value - 1) < NEARLY:
        return "\N{ALMOST EQUAL TO}1"
    if abs(value - 1) < 0.01:
        return f"{value:.3f}"
    if value < 0.1:
        return f"1/{in_thousands(1 / value)}"
    return f"{value:.2f}" if value < 10 else in_thousands(value)


def in_thousands(value: float) -> str:
    """Four signs at most: 9,999 -> ``9999``, 160,293 -> ``160k``, 1,602,930 -> ``1.6M``."""
    if value < 9999.5:
        return f"{value:.0f}"
    for letter in "kMGTP":
        value /= 1000
        if value < 999.5:
            return f"{value:.1f}{letter}" if value < 9.95 else f"{value:.0f}{letter}"
    return "∞"


def factor_words(factor: float) -> str:
    """A factor between figures: enough digits to see that it is not 1."""
    return ratio(factor - 1) if factor < 1.1 else digits(factor)


def slug(text: str) -> str:
    """Safe as an HTML id and in a URL; a name that had to change carries a hash of itself."""
    clean = re.sub(r"[^A-Za-z0-9_.-]+", "-", text)
    if clean == text and clean:
        return clean
    return f"{clean}-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:8]}"


def anchor(kind: str, *names: Any) -> str:
    """The id of a place in the page, the same in every run: ``why--compute--vgg16--thop``."""
    return "--".join([kind, *(slug(str(name).replace(" ", "_")) for name in names)])


INVARIANT = ("MAC", "FLOP", "byte", "series")
"""What is written alike for one and for many: units of work as symbols, and series"""


def many(noun: str) -> str:
    """``readings``, ``losses``, ``families``; the plural of ``byte`` as a unit is itself."""
    if noun in INVARIANT or noun.endswith(" series"):
        return noun
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


def plural(count: Any, noun: str) -> str:
    """``1 reading``, ``2 readings``, ``1,234 MAC``, ``285 parameters``."""
    return f"{group(count)} {noun if count == 1 else many(noun)}"


def verb(count: int, one: str, several: str) -> str:
    """The form of a verb that goes with a count: ``1 is``, ``2 are``."""
    return one if count == 1 else several


def flatten(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """A nested mapping as dotted names and plain words."""
    rows: list[tuple[str, str]] = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            rows += flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list | tuple):
            rows.append((f"{prefix}{key}", ", ".join(map(printable, value))))
        else:
            rows.append((f"{prefix}{key}", "" if value is None else printable(value)))
    return rows


def listed(names: Iterable[str], word: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *others, last = names
    return f"{', '.join(others)} {word} {last}" if others else last


def few(names: Iterable[str], count: int) -> str:
    """The first few names, and how many more there are."""
    every = list(names)
    more = [f"and {len(every) - count:,} more"] if len(every) > count else []
    return ", ".join([*(shorten(name, 60) for name in every[:count]), *more])


def repeats_counted(shapes: str, least: int = 3) -> str:
    """``1x1 + 1x4x64 + 1x4x64 + 1x4x64`` -> ``1x1 + 3 of 1x4x64``, as the inputs of a cache are."""
    runs = [(shape, len(list(same))) for shape, same in groupby(shapes.split(" + "))]
    return " + ".join(
        f"{count} of {shape}" if count >= least else " + ".join([shape] * count)
        for shape, count in runs
    )
