"""The versions of what is stored: raw results and what is derived from them change apart."""

from __future__ import annotations

from typing import Any

from flop_harness.errors import UserError

SCHEMA = 2
"""Of the journal"""

TRACE_SCHEMA = 2
"""Of the traces"""

RUN_SCHEMA = 4
"""Of ``run.json.xz`` and of what was measured beside it"""

COLUMNS_SCHEMA = 1
"""Of a store in columns"""

COLUMNS_FILE = "columns.json"
"""Holds that version: a folder that has it is a store in columns"""

PROOFS_SCHEMA = 1
"""Of ``proofs.json.xz``"""

TIMES_SCHEMA = 2
"""Of ``times.json.xz``"""

TIMELINE_SCHEMA = 1
"""Of the timelines in ``results/drift/``"""


def require_schema(document: Any, what: str, schema: int) -> None:
    """UserError, naming ``what``, unless the decoded document says it is of that schema."""
    found = document.get("schema") if isinstance(document, dict) else None
    if found != schema:
        raise UserError(
            f"{what} has schema {found}, this version of flop-harness reads schema {schema}: "
            "run the suite again, or use the version that wrote it"
        )
