"""Proofs that were found before, so that a verification that was stopped goes on from there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from flop_harness.proof.operation import Attempt, Key, Operation
from flop_harness.records import Proof
from flop_harness.run.digests import proving
from flop_harness.run.environment import version
from flop_harness.store.journal import Journal

FOLDER = "proofs"
"""Beside the journal of a run, which is of other things."""


def journal_in(folder: Path, fresh: bool = False) -> Journal:
    """Of all that is proven into a results folder, by this code, torch and torchvision.

    UserError where the folder cannot be written, or another verification has it open.
    """
    libraries = {name: version(name) for name in ("torch", "torchvision")}
    identity: Mapping[str, Any] = {"code": proving(), **libraries}
    return Journal.open(folder / FOLDER, identity, fresh)


def known(operations: Mapping[Key, Operation], journal: Journal | None) -> dict[Key, Proof]:
    """Those of these operations that were proven before."""
    if journal is None:
        return {}
    found = {key: journal.done(in_text(key), Proof) for key in operations if lasts(operations[key])}
    return {key: proof for key, proof in found.items() if proof is not None}


def keeping(
    attempts: Iterable[Attempt],
    operations: Iterable[tuple[Key, Operation]],
    journal: Journal | None,
) -> Iterator[Attempt]:
    """These proofs, each on the disk before the next one is asked for; what failed is tried again."""
    for (key, operation), attempt in zip(operations, attempts, strict=True):
        if journal is not None and lasts(operation) and not attempt.error:
            journal.add(in_text(key), attempt.proof)
        yield attempt


def lasts(operation: Operation) -> bool:
    """Whether a proof hangs on our own code alone, not on a formula of the user's."""
    return operation.call.work is None


def in_text(key: Key) -> tuple[str, str, str]:
    operator, shapes, einsum = key
    return operator, shapes, "einsum" if einsum else ""
