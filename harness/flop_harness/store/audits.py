"""An audit of published figures as a file."""

from __future__ import annotations

from pathlib import Path

from flop_harness.records import Audit
from flop_harness.store.documents import lean, packed, read, restored, unpacked
from flop_harness.store.schema import SCHEMA

AUDIT_FILE = "verdicts.json.xz"


def dump_audit(audit: Audit) -> bytes:
    """The content of ``verdicts.json.xz``; equal audits give equal files."""
    return packed(lean(audit, {}))


def load_audit(path: Path | str) -> Audit:
    """The audit in a results folder, or in its file; UserError where there is none."""
    path = Path(path)
    file = path / AUDIT_FILE if path.is_dir() else path
    audit: Audit = restored(unpacked(read(file), str(file), SCHEMA), Audit, str(file))
    return audit
