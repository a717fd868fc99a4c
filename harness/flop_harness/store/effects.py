"""What counters do to models, as JSON: counter -> its version, and model -> effect -> words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from flop_harness.store.documents import compact, damaged, digest, read


def dump_effects(seen: dict[str, Any]) -> bytes:
    """With a digest by which a file that was damaged is known."""
    seen = json.loads(compact(seen).encode("utf-8", "replace"))
    document = {"digest": digest_of(seen), "counters": seen}
    return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def load_effects(path: Path | str) -> dict[str, Any]:
    """UserError for a file that holds something else."""
    try:
        document = json.loads(read(Path(path)))
        seen: dict[str, Any] = document["counters"]
        if document["digest"] != digest_of(seen):
            raise ValueError("its digest is that of another content")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise damaged(str(path), error) from error
    return seen


def digest_of(seen: dict[str, Any]) -> str:
    return digest(compact(seen).encode())
