"""The words of the site and what they mean: the glossary, which search finds too."""

from __future__ import annotations

from flop_harness.conventions.catalogue import CONVENTIONS
from flop_harness.report.tables.glossary import CONTEXTS

REFERENCE = (
    "One MAC for each multiplication of a convolution or matrix product: linear layers, both "
    "products of attention and the products inside recurrent cells among them.",
    "Nothing for bias, normalisation, activation, pooling or element-wise work.",
    "Padding counts as if it were data.",
    "Parameters are the distinct parameter elements, trainable or not.",
)
"""What the reference counts, in four lines"""

WORDS = (
    ("MAC", "One multiply-accumulate."),
    ("FLOP", "One floating-point operation; a MAC is two."),
    ("reference", "What a model is counted by here; every figure is held against it."),
    ("reading", "What one counter reported of one model in one context."),
    ("context", "What changes what runs: device, grad mode, mode of the model, dtype, versions."),
    ("convention", "Which calls are seen, and what each is charged."),
    ("bridge", "Reference + signed terms + residual = reading."),
    ("residual", "What no term explains; other than 0, the figure is not understood."),
    ("refused", "The counter raised an error and gave no figure."),
    ("failed", "The counter ran out of time or memory."),
    ("not asked", "The counter has no way to be asked about this model."),
    ("claim", "A figure that somebody published, with its source."),
    ("roofline", "The least time that a layer's operations and bytes allow on a machine."),
    *CONTEXTS,
)


def conventions() -> list[tuple[str, str]]:
    """Every convention of ours, with what it counts."""
    return [(each.id, f"{each.description} ({each.unit})") for each in CONVENTIONS.values()]
