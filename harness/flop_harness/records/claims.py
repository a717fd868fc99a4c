"""Published figures, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flop_harness.records.suite import Case


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure somebody published, or a statement, and where it stands.

    ``value`` is the figure as printed and ``unit`` its unit in the author's words; ``counts`` names
    the convention that the author describes, or the tool that printed the figure. ``layer`` narrows
    it to a module. ``working`` is the author's own arithmetic. Figures of one ``table`` and ``row``
    stand side by side. A figure about a language model is ``given`` the other cells of its row, and
    follows from them. A statement has ``holds``, a comparison about its ``models``, in place of a
    figure; without models it is arithmetic.
    """

    id: str
    file: str
    source: str
    metric: str = ""
    value: str = ""
    unit: str = ""
    case: Case | None = None
    layer: str = ""
    counts: str = ""
    working: str = ""
    holds: str = ""
    models: Mapping[str, Case] = field(default_factory=dict)
    table: str = ""
    row: int = 0
    note: str = ""
    given: Mapping[str, str] = field(default_factory=dict)


Ruling = Literal["reproduced", "not as stated", "error in the source", "unexplained"]


@dataclass(frozen=True, slots=True)
class Fit:
    """What one way of counting gives for a claim.

    ``value`` is in the claim's own unit without its prefix, ``departures`` say in what the way
    differs from the one that is stated, and ``gap`` how far the printed figure is off, as a share.
    """

    counting: str
    value: int | float
    unit: str
    inputs: str
    departures: tuple[str, ...] = ()
    exact: bool = False
    gap: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a claim, and why.

    ``fits`` are the ways of counting with the fewest departures, ``others`` the number of those
    that depart further, ``named`` tells whether the one that the author names is among them.
    ``within`` of ``tried`` distinct values lie in the rounding interval; ``chance`` is the share of
    made-up figures of this precision and magnitude that something tried would fit. ``own`` is what
    the model itself is, in ``own_unit``; None for what is no such figure.
    """

    claim: str
    ruling: Ruling
    reason: str
    fits: tuple[Fit, ...] = ()
    nearest: tuple[Fit, ...] = ()
    named: bool | None = None
    ambiguous: bool = False
    others: int = 0
    tried: int = 0
    within: int = 0
    chance: float = 0.0
    own: int | float | None = None
    own_unit: str = ""


EVERY = "every way of counting"
"""Who says nothing of a model that could not be counted"""


@dataclass(frozen=True, slots=True)
class Audit:
    """Claims and their verdicts, one for each, in the same order; on what they were reached.

    ``silent`` tells by model which way of counting says nothing, and why.
    """

    schema: int
    environment: Mapping[str, Any]
    claims: tuple[Claim, ...]
    verdicts: tuple[Verdict, ...]
    silent: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
