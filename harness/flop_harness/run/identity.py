"""What makes earlier results worth keeping."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from flop_harness import store
from flop_harness.counters import OURS, installed
from flop_harness.records import Case, Sources
from flop_harness.run.plan import Plan
from flop_harness.suite.sources import changed


def identity(plan: Plan) -> dict[str, Any]:
    """What every cell of a run depends on; what one model does is told by its ``Sources``."""
    return {
        "schema": store.SCHEMA,
        "suite": {
            "name": plan.suite.name,
            "version": plan.suite.version,
            "digest": plan.suite.digest,
        },
        "device": plan.device,
        "versions": {
            "torch": installed("torch"),
            OURS: installed(OURS),
        },
    }


# ------------------------------------------------------------------------------ of one model


def sources_key(digest: str) -> tuple[str, str]:
    """Where a journal keeps sources that results refer to."""
    return ("sources", digest)


def digest(sources: Sources) -> str:
    told = json.dumps(msgspec.to_builtins(sources), sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass
class EarlierSources:
    """What earlier results were made from, held against what lies on the disk now.

    ``find`` gives the sources of a digest, or None.
    """

    find: Callable[[str], Sources | None]
    folder: str
    told: dict[tuple[str, str], str] = field(default_factory=dict)

    def why_changed(self, case: Case, sources: str) -> str:
        """Why a result of this case with these sources is of no use; empty if it is."""
        key = (case.model, sources)
        if key not in self.told:
            found = self.find(sources)
            self.told[key] = (
                "it is not known what its model was built from"
                if found is None
                else changed(found, case.model, self.folder)
            )
        return self.told[key]
