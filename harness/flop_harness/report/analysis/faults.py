"""What goes wrong while a report is made, as records: the rest of the report is written all the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from flop_harness.errors import UserError
from flop_harness.records import Failure

T = TypeVar("T")


@dataclass
class Faults:
    """Failures of ours in the order in which they came, each once."""

    found: list[Failure] = field(default_factory=list)

    def attempt(self, case: str, stage: str, make: Callable[[], T], otherwise: T) -> T:
        """What ``make`` gives, or ``otherwise`` and a failure of this case and stage."""
        try:
            return make()
        except OSError:  # of the disk: nothing is written then, and who called says so
            raise
        except Exception as error:  # noqa: BLE001 - a page must not take the figures with it
            failure = Failure.of(case, stage, error)
            if failure not in self.found:
                self.found.append(failure)
            return otherwise

    def refuse(self) -> None:
        """UserError for the first, where nothing is to be shown without what lacks."""
        for failure in self.found:
            raise UserError(f"{failure.stage}: {failure.message}")
