"""What is drawn and said of one bridge: shares, the bars of its waterfall, contexts alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from flop_harness.records import Bridge, Run
from flop_harness.report.analysis.index import Index, deviation
from flop_harness.report.words.text import Number


def part_of(amount: Number | Fraction, bridge: Bridge) -> float:
    """A term as a share of its bridge's reference, in the unit of the figure."""
    return deviation(bridge.reference + amount, bridge.reference) if amount else 0.0


def merged(bridges: Sequence[Bridge]) -> list[tuple[Bridge, list[str]]]:
    """Bridges that say the same in several contexts once, with the contexts."""
    found: list[tuple[Bridge, list[str]]] = []
    for bridge in bridges:
        alike = next((names for each, names in found if same(each, bridge)), None)
        if alike is None:
            found.append((bridge, [str(bridge.context)]))
        else:
            alike.append(str(bridge.context))
    return found


def same(one: Bridge, other: Bridge) -> bool:
    return replace(one, context=other.context) == other


@dataclass(frozen=True, slots=True)
class Bar:
    """A step of a waterfall in per cent of its width."""

    left: float
    width: float
    tone: str


def bars(bridge: Bridge) -> tuple[Bar, ...]:
    """The waterfall of a bridge, drawn between its lowest and its highest level.

    The levels are distances from the reference: a term is often a thousandth of it, and a bar
    that starts at zero would show nothing.
    """
    moves = [*(step.amount for step in bridge.steps), bridge.residual]
    levels: list[Number] = [0]
    for move in moves:
        levels.append(levels[-1] + move)
    low, span = min(levels), max(levels) - min(levels)
    if not span:
        return ()
    drawn = [Bar(_part(-low, span), 0, "base")]
    for start, end in pairwise(levels):
        tone = "up" if end > start else "down" if end < start else "base"
        drawn.append(Bar(_part(min(start, end) - low, span), _part(abs(end - start), span), tone))
    if bridge.residual:
        drawn[-1] = Bar(drawn[-1].left, drawn[-1].width, "loud")
    end = levels[-1]
    return (*drawn, Bar(_part(min(0, end) - low, span), _part(abs(end), span), "base"))


def scale(bridge: Bridge) -> Number:
    """What the whole width of a bridge's waterfall stands for, in the unit of its reading."""
    levels: list[Number] = [0]
    for move in (*(step.amount for step in bridge.steps), bridge.residual):
        levels.append(levels[-1] + move)
    return max(levels) - min(levels)


def _part(amount: Number, span: Number) -> float:
    return round(100 * amount / span, 2)


def instructive(run: Run) -> Bridge | None:
    """The bridge to show first: most different terms, none of which dwarfs the others."""

    def richness(bridge: Bridge) -> tuple[bool, int, float]:
        terms = {step.term for step in bridge.steps if step.amount}
        moved = [abs(part_of(step.amount, bridge)) for step in bridge.steps if step.amount]
        balance = sum(moved) / max(moved) if moved else 0.0
        return bridge.metric == "compute", len(terms), balance

    bridges = Index(run).bridges
    return max(bridges, key=richness, default=None)
