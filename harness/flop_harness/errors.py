"""The user's mistakes, and what was perhaps meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """The user's mistake in one line: what was wrong, where, and what was perhaps meant."""


def suggest(name: str, known: Iterable[str]) -> str:
    """``" (did you mean 'x'?)"`` for the name of ``known`` nearest to ``name``, or ``""``."""
    spellings = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), spellings, n=1)
    return f" (did you mean {spellings[close[0]]!r}?)" if close else ""
