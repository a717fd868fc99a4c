"""In which order cases are begun: the longest first, so that none is left alone at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from flop_harness.errors import UserError
from flop_harness.run.plan import Work
from flop_harness.store import RUN_FILE, load

Seconds = Mapping[str, float]
"""What the counters took on each case, by its id"""


def longest_first(works: Sequence[Work], seconds: Seconds) -> list[Work]:
    """By what their cases took before; those that nothing is known of come first, as they stand."""
    return sorted(works, key=lambda work: -seconds.get(work.case.id, float("inf")))


def earlier_seconds(folder: Path) -> Seconds:
    """Of the run that lies in a folder of results; empty where there is none that can be read."""
    if not (folder / RUN_FILE).exists():
        return {}
    try:
        readings = load(folder).readings
    except UserError:  # of another version, or damaged: it tells no more than an order
        return {}
    took: dict[str, dict[tuple[str, str], float]] = defaultdict(dict)
    for reading in readings:  # a cell has a reading for each metric, and the same seconds in each
        took[reading.case][reading.counter, str(reading.context)] = reading.seconds or 0.0
    return {case: sum(cells.values()) for case, cells in took.items()}
