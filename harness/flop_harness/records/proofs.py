"""Formulas held against what was run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flop_harness.records.run import Failure

Standing = Literal["proven", "oracle", "unprovable", "disagrees"]
"""Proven by running the operator, by the oracle at a small shape, not at all, or proven wrong."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The formula of one operator at one shape, held against what was run.

    ``macs`` and ``operations`` are what the formula says of its products and of all else.
    ``reached`` multiplications went into the output of the operator as it was called; ``whole`` did
    with ones in the place of its padding, nothing cut off and nothing masked: ``gap`` names which.
    ``calls`` tells how often it ran in the reference trace of which case, ``beside`` the cases that
    run it in another context only. ``reason`` says what differs, or why nothing could be proven.
    """

    operator: str
    shape: str
    family: str
    standing: Standing
    method: str = ""
    macs: int = 0
    operations: int = 0
    reached: int | None = None
    whole: int | None = None
    gap: str = ""
    reason: str = ""
    calls: Mapping[str, int] = field(default_factory=dict)
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proofs:
    """What became of every operator of a suite.

    ``unsupported`` counts, by operator, the calls that have no formula, and ``free`` those that only
    move data and for which nothing is charged. Of ``training`` steps backward passes are in it too.
    """

    schema: int
    suite: str
    version: int
    cases: tuple[str, ...]
    environment: Mapping[str, Any]
    proofs: tuple[Proof, ...]
    unsupported: Mapping[str, int] = field(default_factory=dict)
    free: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    training: bool = False
