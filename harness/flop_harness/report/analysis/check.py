"""What moved since the golden, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from flop_harness.reconcile.changes import Comparison, Entry, Kind, Move, Term
from flop_harness.report.words.text import few, group, left_out, plural, printable, signed

KINDS: dict[Kind, str] = {
    "version": "changed with the counter's version",
    "surroundings": "changed with torch's version",
    "same version": "changed without a version change",
    "new": "new",
    "gone": "gone",
}
CHANGES = 8
"""So many changes of a model are told"""
MODULES = 3
"""So many modules of a term are named"""


def lines(comparison: Comparison) -> Iterator[str]:
    """How models changed, then a line for each cell that moved, then the sums."""
    yield from model_lines(comparison)
    yield from map(sentence, comparison.moves)
    yield from unmoved(comparison)
    yield summary(comparison)


def model_lines(comparison: Comparison) -> Iterator[str]:
    """``the model changed: layer3.0.conv1: out_channels 32 -> 64``, a line for each case."""
    for case, changes in comparison.models.items():
        shown = "; ".join(map(printable, changes[:CHANGES]))
        more = len(changes) - CHANGES
        rest = f"; and {plural(more, 'more change')}" if more > 0 else ""
        yield f"{printable(case)}: the model changed: {shown}{rest}"


def summary(comparison: Comparison) -> str:
    """``seeds: 410 cells unchanged; 5 changed with the counter's version, 1 new``."""
    kinds = Counter(move.kind for move in comparison.moves)
    counted = [f"{kinds[kind]:,} {words}" for kind, words in KINDS.items() if kinds[kind]]
    told = "; " + ", ".join(counted) if counted else ""
    cells = plural(len(comparison.unchanged), "cell")
    return f"{printable(comparison.suite)}: {cells} unchanged{told}"


def unmoved(comparison: Comparison) -> Iterator[str]:
    """Versions that changed and moved nothing, and work that no figure holds."""
    moving = {move.key.counter for move in comparison.moves}
    for counter, (before, after) in comparison.risen.items():
        if counter not in moving:
            yield f"{printable(counter)} {printable(before)} -> {printable(after)}: nothing moved"
    for case, unknown in comparison.unsupported.items():
        yield f"{printable(case)}: not counted, no formula: {left_out(unknown)}"


def sentence(move: Move) -> str:
    """Counter and versions, case, figures and terms."""
    told = f"{who(move)}: {printable(move.key.case)}, {printable(move.key.what)}: {figures(move)}"
    terms = "; ".join(map(in_words, move.terms))
    return f"{told}: {terms}" if terms else told


def who(move: Move) -> str:
    """``ptflops-pytorch 0.7.4 -> 0.7.5``."""
    versions = [entry.version for entry in (move.before, move.after) if entry and entry.version]
    return " ".join(
        [printable(move.key.counter), " -> ".join(map(printable, dict.fromkeys(versions)))]
    ).strip()


def figures(move: Move) -> str:
    if move.before is None or move.after is None:
        entry = move.after or move.before
        return f"{KINDS[move.kind]}: {shown(entry)}"
    before, after = move.before, move.after
    if before.said == after.said:
        bridge = "with a bridge now" if after.bridged else "no bridge leads to it any more"
        why = "by other terms" if before.bridged == after.bridged else bridge
        return f"{shown(after)}, {why}"
    old, new = before.said, after.said
    change = ""
    if not isinstance(old, str) and not isinstance(new, str):
        change = f" ({signed(new - old)})"
    return f"{shown(before)} -> {shown(after)}{change}"


def shown(entry: Entry | None) -> str:
    if entry is None:
        return ""
    return plural(entry.said, entry.unit) if entry.unit else group(entry.said)


def in_words(term: Term) -> str:
    """``ReLU counted twice (new): +493,184``; a term that was there before tells both amounts."""
    name = printable(term.name)
    if not term.change:
        return f"{name} moved between modules ({places(term)})"
    if not term.before:
        return f"{name} (new): {signed(term.change)}"
    if not term.after:
        return f"{name} (gone): {signed(term.change)}"
    return f"{name} {group(term.before)} -> {group(term.after)}: {signed(term.change)}"


def places(term: Term) -> str:
    return few((name or "the model" for name in term.modules), MODULES)
