"""What each counter does to the model that it counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flop_harness.report.words.text import shorten

Seen = Mapping[str, Mapping[str, Any]]
"""Counter -> ``version``, and ``models``: model -> effect -> in which words"""


def merged(models: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, str]]:
    """(effect, models, words): of the models on which an effect was seen, the first one's words."""
    effects = dict.fromkeys(effect for found in models.values() for effect in found)
    for effect in effects:
        on = [model for model, found in models.items() if effect in found]
        everywhere = len(on) == len(models) > 1
        words = shorten(models[on[0]][effect], 160)
        yield effect, "every model" if everywhere else ", ".join(on), words
