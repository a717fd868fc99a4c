"""The words of the site and what they mean: the glossary, which search finds too, and its links."""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import Markup, escape

from flop_harness.conventions.catalogue import CONVENTIONS
from flop_harness.report.tables.glossary import CONTEXTS
from flop_harness.report.words.text import many

REFERENCE = (
    "One MAC for each multiplication of a convolution or matrix product: linear layers, both "
    "products of attention and the products inside recurrent cells among them.",
    "Nothing for bias, normalisation, activation, pooling or element-wise work.",
    "Padding counts as if it were data.",
    "Parameters are the distinct parameter elements, trainable or not.",
)
"""What the reference counts, in four lines"""

TERMS = (
    ("MAC", "One multiply-accumulate."),
    ("FLOP", "One floating-point operation; a MAC is two."),
    ("reference", "What a model is counted by here; every figure is held against it."),
    ("reading", "What one counter reported of one model in one context."),
    ("context", "What changes what runs: device, grad mode, mode of the model, dtype, versions."),
    ("convention", "Which calls are seen, and what each is charged."),
    ("bridge", "Reference + signed terms + residual = reading."),
    ("term", "One thing that a counter charges, or does not see, with its amount."),
    ("residual", "What no term explains; other than 0, the figure is not understood."),
    ("family", "Models of one architecture, or of one task."),
    ("refused", "The counter raised an error and gave no figure."),
    ("failed", "The counter ran out of time or memory."),
    ("not asked", "The counter has no way to be asked about this model."),
    ("claim", "A figure that somebody published, with its source."),
    ("roofline", "The least time that a layer's operations and bytes allow on a machine."),
    (
        "stability",
        "Whether repeated runs of one series agree: no drift, no two modes, a narrow interval.",
    ),
    ("series", "Times of one model in one setting: threads, mode, session."),
)
WORDS = (*TERMS, *CONTEXTS)
MEANINGS = {form: (name, meaning) for name, meaning in TERMS
            for form in (name.lower(), many(name).lower(), f"{name.lower()}s")}  # fmt: skip
WORD = re.compile(rf"\b({'|'.join(sorted(MEANINGS, key=len, reverse=True))})\b", re.IGNORECASE)
LINK = Markup('<a class="word" href="{}method.html#{}" title="{}">{}</a>')


def anchor_of(name: str) -> str:
    return f"word-{re.sub('[^a-z]+', '-', name.lower())}"


def linked(text: str, root: str) -> Markup:
    """Text in which each word of the glossary, where it first stands, leads to its meaning."""
    known: set[str] = set()
    made, end = Markup(), 0
    for found in WORD.finditer(text):
        name, meaning = MEANINGS[found[0].lower()]
        if name not in known:
            known.add(name)
            made += escape(text[end : found.start()]) + LINK.format(
                root, anchor_of(name), meaning, found[0]
            )
            end = found.end()
    return made + escape(text[end:])


def contexts_told(contexts: Iterable[str]) -> str:
    """What the words of contexts mean: ``cpu no_grad``."""
    words = {word for each in contexts for word in each.split()}
    told = [meaning for names, meaning in CONTEXTS if words & set(names.split(", "))]
    return " ".join(told)


def conventions() -> list[tuple[str, str]]:
    """Every convention of ours, with what it counts."""
    return [(each.id, f"{each.description} ({each.unit})") for each in CONVENTIONS.values()]
