"""How much is timed of a suite."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """What is timed beside the plain forward passes.

    ``details`` are layers, memory and the machine's peak rates. ``flushed``: with emptied caches too.
    ``contexts``: other dtypes, layouts and forms. ``training``: forward and backward passes.
    """

    details: bool = True
    flushed: bool = False
    contexts: bool = False
    training: bool = False


WHOLE, PLAIN = Scope(), Scope(details=False)
