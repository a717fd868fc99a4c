"""The version of everything stored."""

from __future__ import annotations

from typing import Any

from harness.errors import UserError

SCHEMA = 1


def require_schema(document: Any, what: str) -> None:
    """UserError, naming ``what``, unless the decoded document says it is of our schema."""
    found = document.get("schema") if isinstance(document, dict) else None
    if found != SCHEMA:
        raise UserError(
            f"{what} has schema {found}, this version of flop-harness reads schema {SCHEMA}: "
            "run the suite again, or use the version that wrote it"
        )
