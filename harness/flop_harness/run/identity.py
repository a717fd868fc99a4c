"""What makes earlier results worth keeping."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from flop_harness import store
from flop_harness.records import Suite
from flop_harness.run.plan import Plan


def identity(plan: Plan) -> dict[str, Any]:
    """What makes earlier results worth keeping: the same suite, tools and device."""
    return {
        "schema": store.SCHEMA,
        "suite": {
            "name": plan.suite.name,
            "version": plan.suite.version,
            "digest": plan.suite.digest,
        },
        "models": model_files(plan.suite),
        "device": plan.device,
        "versions": {
            "torch": installed("torch"),
            "flop-harness": installed("flop-harness"),
        },
    }


def model_files(suite: Suite) -> dict[str, str]:
    """Digests of the Python files that cases refer to: an edited model is another model."""
    digests = {}
    for case in suite.cases:
        name = case.model.rpartition(":")[0]
        for folder in (suite.folder, ""):
            path = Path(folder, name)
            if name.endswith(".py") and path.is_file():
                digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
                break
    return digests


def installed(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
