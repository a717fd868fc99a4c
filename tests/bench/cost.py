"""What a cell of a run takes its counter, by the model's MACs: python tests/bench/cost.py RESULTS...

Seconds of a cell are laid along a straight line: so many whatever the model, and so many for each
GMAC. Dear models are not to outweigh all others, so that a deviation counts by its share.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from flop_harness.records import Reading, Run
from flop_harness.store import load


def main(folders: list[str]) -> None:
    runs = {folder: load(Path(folder)) for folder in folders}
    for folder, run in runs.items():
        seconds = [cell.seconds or 0.0 for cell in cells(run)]
        print(f"{folder}: {len(seconds):,} cells, {np.mean(seconds):.2f} s each")
    found = np.array([each for run in runs.values() for each in by_model(run)])
    base, slope = line(found[:, 0], found[:, 1])
    print(f"{len(found)} models: {base:.2f} s and {slope:.3f} s for each GMAC")


def cells(run: Run) -> list[Reading]:
    """One reading of each cell: those of a cell have its seconds in common."""
    kept = {(each.case, each.counter, each.context): each for each in run.readings}
    return list(kept.values())


def by_model(run: Run) -> Iterator[tuple[float, float]]:
    """(GMACs, mean seconds of its cells) of each model."""
    seconds: dict[str, list[float]] = {}
    for cell in cells(run):
        seconds.setdefault(cell.case, []).append(cell.seconds or 0.0)
    for each in run.readings:
        if each.counter == "analytic" and each.metric == "compute" and each.value:
            yield each.value / 1e9, float(np.mean(seconds[each.case]))


def line(gmacs: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
    weights = 1 / (0.2 + seconds)
    columns = np.vstack([np.ones_like(gmacs), gmacs]).T * weights[:, None]
    base, slope = np.linalg.lstsq(columns, seconds * weights, rcond=None)[0]
    return float(base), float(slope)


if __name__ == "__main__":
    main(sys.argv[1:])
