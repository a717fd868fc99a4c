"""What a device has to offer to be timed on; ``flop_harness.timing.cpu`` and ``.cuda`` are two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from flop_harness.records.times import Series
from flop_harness.timing.clock import Clock


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


PLAIN = Scope(details=False)


class Device(Protocol):
    """A module or an object with these functions."""

    def series(self, dtype: str, scope: Scope = PLAIN) -> tuple[Series, ...]:
        """The series in which a case of this dtype is timed; figures of two are never mixed."""
        ...

    def clock(self) -> Clock:
        """A clock that shows when the device, not the host, is done."""
        ...

    def settings(self, series: Series) -> AbstractContextManager[None]:
        """Within, threads, precision and grad mode are those of the series."""
        ...

    def ready(
        self, module: Any, args: Sequence[Any], kwargs: Mapping[str, Any], series: Series
    ) -> Callable[[], Any]:
        """What runs the forward pass of the series; called once, within its settings."""
        ...

    def flush(self, series: Series) -> Callable[[], Any] | None:
        """What empties the caches before each sample, unmeasured; None where they stay warm."""
        ...

    def state(self) -> Mapping[str, Any]:
        """Clocks, power and temperature at this moment, or why they are not known."""
        ...


def device(name: str) -> Device:
    """The device called ``cpu`` or ``cuda``."""
    from flop_harness.timing import cpu, cuda

    return cuda if name == "cuda" else cpu
