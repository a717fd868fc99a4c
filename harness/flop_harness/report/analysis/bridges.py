"""What is said of bridges: shares, contexts alike, the one to show first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from flop_harness.records import Bridge, Run
from flop_harness.report.analysis.figures import deviation
from flop_harness.report.analysis.index import Index
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


def instructive(run: Run) -> Bridge | None:
    """The bridge to show first: most different terms, none of which dwarfs the others."""

    def richness(bridge: Bridge) -> tuple[bool, int, float]:
        terms = {step.term for step in bridge.steps if step.amount}
        moved = [abs(part_of(step.amount, bridge)) for step in bridge.steps if step.amount]
        balance = sum(moved) / max(moved) if moved else 0.0
        return bridge.metric == "compute", len(terms), balance

    bridges = Index(run).bridges
    return max(bridges, key=richness, default=None)
