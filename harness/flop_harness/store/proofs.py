"""Proofs as a file, one line for each; what the cases are called stands once."""

from __future__ import annotations

from pathlib import Path

from flop_harness.records import Proofs
from flop_harness.store.documents import lean, packed, read, restored, unpacked
from flop_harness.store.schema import PROOFS_SCHEMA

PROOFS_FILE = "proofs.json.xz"


def dump_proofs(proofs: Proofs) -> bytes:
    """The content of ``proofs.json.xz``; equal proofs give equal files."""
    return packed(lean(proofs, {}))


def load_proofs(path: Path | str) -> Proofs:
    """The proofs in a results folder, or in its file of them; UserError where there are none."""
    path = Path(path)
    file = path / PROOFS_FILE if path.is_dir() else path
    document = unpacked(read(file), str(file), PROOFS_SCHEMA)
    proofs: Proofs = restored(document, Proofs, str(file))
    return proofs
