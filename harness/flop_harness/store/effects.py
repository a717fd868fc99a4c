"""What counters do to models, as JSON: counter -> its version, and model -> effect -> words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flop_harness.errors import UserError


def dump_effects(seen: dict[str, Any]) -> bytes:
    return (json.dumps(seen, indent=1, ensure_ascii=False) + "\n").encode("utf-8", "replace")


def load_effects(path: Path | str) -> dict[str, Any]:
    """UserError for a file that holds something else."""
    try:
        seen = json.loads(Path(path).read_text("utf-8"))
        for counter in seen.values():
            _ = counter["version"], [dict(found) for found in counter["models"].values()]
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged: {type(error).__name__}: {error}") from error
    return dict(seen)
