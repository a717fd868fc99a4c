"""What the words of a report mean: conventions and contexts."""

from __future__ import annotations

from flop_harness.conventions.catalogue import CONVENTIONS
from flop_harness.report.tables.table import Table, columns

CONTEXTS = (
    ("cpu", "The model stands on the CPU."),
    ("cuda", "The model stands on a GPU."),
    ("meta", "Tensors have shapes and no values: nothing is computed."),
    ("grad, no_grad", "Whether torch keeps what a backward pass needs; kernels may differ."),
    ("eval, train", "The mode of the model."),
    ("keywords", "All inputs are given by name."),
    (
        "math",
        "Attention by its plain kernels: neither MultiheadAttention's fast path nor a fused one.",
    ),
    (
        "plain",
        "Attention by its plain kernels and recurrent layers by their products, as on meta.",
    ),
    ("total, trainable", "Which parameters the counter is asked for."),
)


def convention_table() -> Table:
    """Ours, with the unit of what they count."""
    rows = tuple(
        (each.id, each.unit, each.description, each.source) for each in CONVENTIONS.values()
    )
    return Table("Conventions", columns("convention unit counts source"), rows)


def context_table() -> Table:
    return Table("Contexts", columns("word meaning"), CONTEXTS)
