"""How to cite figures: the harness with its version, and the suite with its own."""

from __future__ import annotations

from flop_harness.records import Suite
from flop_harness.version import __version__

# Styles older than biblatex know neither @software nor a version: what must be printed is a note.
ENTRY = """@misc{{{key},
  title = {{{title}}},
  author = {{{{The flop-harness developers}}}},
  year = {{{year}}},
  note = {{{note}}},
}}"""
YEAR = 2026
"""Of the release of this version, as in CITATION.cff"""
WHOLE = "FLOP, MAC and parameter counters side by side, every difference explained"


def bibtex(suite: Suite | None = None) -> str:
    """A BibTeX entry of this version, and of a suite's if one is named.

    >>> bibtex().splitlines()[0]
    '@misc{flop-harness,'
    """
    key = "flop-harness" if suite is None else f"flop-harness-{key_of(suite.name)}"
    title, note = "flop-harness", f"Version {__version__}"
    if suite is None:
        return ENTRY.format(key=key, title=title, year=YEAR, note=escape(f"{note}. {WHOLE}"))
    note += f"; version {suite.version} of the suite"
    note += f", digest {suite.digest}" if suite.digest else ""
    title += f", suite {escape(suite.name)}"
    return ENTRY.format(key=key, title=title, year=YEAR, note=escape(note))


def key_of(name: str) -> str:
    return "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name)


def escape(text: str) -> str:
    """Text without meaning to TeX; braces are dropped, for BibTeX counts them."""
    kept = "".join(sign for sign in text if sign.isprintable() and sign not in "{}\\")
    return "".join(f"\\{sign}" if sign in "&%$#_" else sign for sign in kept)
