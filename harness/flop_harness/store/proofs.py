"""Proofs as JSON, one line for each; what the cases are called stands once."""

from __future__ import annotations

from pathlib import Path

from flop_harness.errors import UserError
from flop_harness.records import Proofs
from flop_harness.store.runs import decoded, laid_out, lean, restored
from flop_harness.store.schema import PROOFS_SCHEMA

PROOFS_FILE = "proofs.json"


def dump_proofs(proofs: Proofs) -> bytes:
    """The content of ``proofs.json``; equal proofs give equal files."""
    return laid_out(lean(proofs, {}))


def load_proofs(path: Path | str) -> Proofs:
    """The proofs in a results folder, or in its ``proofs.json``; UserError where there are none."""
    path = Path(path)
    file = path / PROOFS_FILE if path.is_dir() else path
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror or error}") from error
    proofs: Proofs = restored(decoded(content, str(file), PROOFS_SCHEMA), Proofs, str(file))
    return proofs
