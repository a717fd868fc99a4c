"""What a device has to offer to be timed on; ``flop_harness.timing.cpu`` and ``.cuda`` are two."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from flop_harness.records.times import Series
from flop_harness.timing.clock import Clock
from flop_harness.timing.scope import PLAIN, Scope


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
