"""Columns of published tables that count nothing of a model: accuracy, time, rates."""

from __future__ import annotations

import re

NO_COUNTS = re.compile(
    r"top-?\s?[15]\b|acc(uracy|@[15])?\b|err(or)?\b|m?ap(50)?\b|miou\b|bleu\b|ppl\b|perplexity\b|"
    r"(inference |training |cpu |gpu )?(latency|time|speed|throughput|runtime)\b|fps\b|"
    r"(images|samples|img|tokens)\s?/\s?s|(ms|s|sec|seconds)\s?/|year\b|epochs?\b",
    re.IGNORECASE,
)
"""How the heads of such columns begin"""


def is_no_count(head: str) -> bool:
    """Whether a column of this head holds what no counter says.

    >>> is_no_count("top-1 (%)"), is_no_count("params (M)")
    (True, False)
    """
    return bool(NO_COUNTS.match(head.strip()))
