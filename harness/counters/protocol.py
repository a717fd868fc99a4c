"""What a counter is to the harness: how it is called, and the convention it follows.

A counter file defines one ``COUNTER = Counter(...)``. It imports neither torch nor the tool at
module level, so that pricing a stored trace needs neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.account import Account
from harness.records import Context, Metric, Trace, Unit


class Unavailable(Exception):
    """The tool cannot be asked this question; the text says why."""


@dataclass(frozen=True)
class Answer:
    """The figures exactly as the tool returned them; None where it has none."""

    compute: Any = None
    params: Any = None
    modules: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True)
class Quantity:
    """One figure of a tool: what the tool calls it, what it really counts, how it is predicted."""

    label: str
    unit: Unit
    price: Callable[[Trace], Account]


@dataclass(frozen=True)
class Counter:
    """A counting tool.

    ``read(model, args, kwargs, context)`` calls the tool as its documentation tells users to; the
    model is fresh and stands on ``context.device``, and grad mode is set as ``context.grad`` says.
    ``distribution`` is the installed package whose version a reading carries.
    """

    id: str
    distribution: str
    description: str
    source: str
    quantities: Mapping[Metric, Quantity]
    read: Callable[[Any, tuple[Any, ...], dict[str, Any], Context], Answer]
    contexts: tuple[Context, ...] = (Context(),)
