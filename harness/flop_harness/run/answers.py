"""What a tool answered, in plain values: counts, printed text, messages of one line."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import Any

from flop_harness.counters import Answer, overlay

ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def told(value: Any) -> tuple[int | float | None, str, str]:
    """(value, figure as returned, why it is nonsense): a count is a finite number, not negative."""
    figure = first_line(repr(value))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        item = getattr(value, "item", None)  # numpy scalars are numbers, tensors are not
        if type(value).__module__ != "numpy" or item is None:
            return None, figure, f"returned {figure} ({type(value).__name__}), which is no count"
        value = item()
    value = float(value) if isinstance(value, float) else int(value)
    if not math.isfinite(value) or value < 0:
        return None, figure, f"returned {figure}, which is no count"
    return int(value) if value == int(value) else value, figure, ""


def modules_of(answer: Answer) -> tuple[dict[str, int | float], list[str]]:
    """Figures by module, and a line for each that is no count."""
    found: dict[str, int | float] = {}
    nonsense = []
    for path, figure in answer.modules.items():
        value, _, why = told(figure)
        if value is None:
            nonsense.append(f"of module {path}: {why}")
        else:
            found[str(path)] = value
    return found, nonsense


def without_paths(text: str) -> str:
    """Without what tells of this machine and its owner rather than of the tool."""
    cache = re.escape(str(overlay.cache_folder()))
    text = re.sub(cache + r"/[^/\s]+/site-packages/[^/\s]+", "<overlay>", text)
    source = str(Path(__file__).resolve().parents[3])
    for path, name in ((sys.prefix, "<env>"), (source, "<source>"), (str(Path.home()), "~")):
        text = text.replace(path, name)
    return text


def first_line(text: str, length: int = 500) -> str:
    """One line, without addresses in memory, which no two processes share."""
    line = ADDRESS.sub("", " ".join(text.split()))
    return line if len(line) <= length else line[: length - 1] + "…"
