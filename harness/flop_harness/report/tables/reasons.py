"""Why each counter departs, in a few words below a table."""

from __future__ import annotations

from collections.abc import Iterator

from flop_harness.report.analysis.causes import Cause, by_counter
from flop_harness.report.analysis.figures import REFERENCE
from flop_harness.report.analysis.index import Index
from flop_harness.report.words.text import distance, shorten

FEW = 2
"""So many terms of a counter are named"""
LONGEST = 60
"""Letters of a word: a caption breaks none"""


def reasons(index: Index) -> Iterator[str]:
    """``thop: batch normalisation (up to 2.0 %), ReLU (up to 0.4 %), 3 more`` of each that departs."""
    for name, causes in by_counter(index).items():
        compute = sorted((each for each in causes if each.metric == "compute"), key=lightness)
        if compute and name != REFERENCE:
            told = [f"{shortened(each.term)} (up to {distance(each.largest.part)})"
                    for each in compute[:FEW]]  # fmt: skip
            more = [f"{len(compute) - FEW} more"] if len(compute) > FEW else []
            yield f"{shortened(name)}: {', '.join([*told, *more])}"


def shortened(text: str) -> str:
    """With the ends of long words left out, as of a class or an operator somebody has named."""
    return " ".join(shorten(word, LONGEST) for word in text.split())


def lightness(cause: Cause) -> float:
    return -abs(cause.largest.part)
