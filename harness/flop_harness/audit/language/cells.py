"""Cells as authors write them, as figures that are read here: ``10^25`` is ``1e25``, ``2.1 ZFLOPs`` is ``2.1Z``.

What is not known stays as it is, and is complained of later.
"""

from __future__ import annotations

import re
from functools import lru_cache

from flop_harness.audit.language.quantities import PREFIXES
from flop_harness.audit.language.units import LONG, SUPERSCRIPTS

OWN_PREFIX = {"tflops/gpu": 12, "tflops/gpu without attention": 12, "pflops": 15, "peak": 12}
"""Quantities whose figures are printed in a unit with a prefix, and its power of ten."""
DEVICES = r"(?:(?:gpu|tpu|device|chip|[abh]\d{2,3}|v100|tpu ?v\d)[- ]?)*"
THINGS = re.compile(
    r"\s*(?:tok(?:en)?s?(?:/s(?:ec)?(?:/gpu)?)?|params?|parameters?|pf(?:lop)?s?(?:/s)?[- ]?days?"
    rf"|{DEVICES}(?:hours?|hrs?)|days?|d|gpus?|tpus?|chips?|steps?|sequences?|seqs?|samples?|layers?|heads?"
    r"|seconds?|secs?|s|%|mfu|hfu)$",
    re.IGNORECASE,
)
"""What a figure counts, printed behind it; its column says so too."""
FLOP = re.compile(r"\s*([kKMGTPEZY]?)flops?(?:/s)?(?:/gpu| per gpu)?$", re.IGNORECASE)
TIMES_TEN = re.compile(r"\s*[x×·*]\s*10\s*(?:\^|\*\*)?\s*\{?([+-]?\d+)\}?")
POWER_OF_TEN = re.compile(r"^10\s*(?:\^|\*\*)\s*\{?(\d+)\}?")


@lru_cache(maxsize=100_000)
def figure(name: str, text: str) -> str:
    """A cell of this quantity as a figure that is read here: ``3.8e25``, ``15T``, ``8192``."""
    plain = text.translate(SUPERSCRIPTS).strip().lstrip("~≈∼ ")
    plain = POWER_OF_TEN.sub(r"1e\1", plain)
    plain = TIMES_TEN.sub(r"e\1", plain)
    if flop := FLOP.search(plain):
        return of_flop(name, plain[: flop.start()], flop[1])
    if not re.fullmatch(r"[\d.,]+[a-zA-Z]", plain):
        plain = THINGS.sub("", THINGS.sub("", plain).strip()).strip()
    match = re.fullmatch(r"(\S*\d)\s*([a-zA-Z]+)", plain)
    letter = LONG.get(match[2].lower(), match[2]) if match else ""
    if match is None or letter not in PREFIXES:
        return plain
    return of_length(match[1], letter) if name == "length" else f"{match[1]}{letter}"


def of_flop(name: str, digits: str, letter: str) -> str:
    """``1.1 PFLOP/s`` in a column of TFLOP/s is 1.1e3."""
    power = PREFIXES.get(letter, 0) - OWN_PREFIX.get(name, 0)
    if name not in OWN_PREFIX or "e" in digits:
        return f"{digits}{letter}"
    return f"{digits}e{power}" if power else digits


def of_length(digits: str, letter: str) -> str:
    """``8k`` tokens are 8192; ``100k`` are what they say."""
    number = int(digits) if digits.isdigit() else 0
    power_of_two = number > 0 and not number & (number - 1)
    factor = {"k": 2**10, "K": 2**10, "M": 2**20}.get(letter)
    return str(number * factor) if power_of_two and factor else f"{digits}{letter}"
