"""An example for each finding of a run, from the traces that lie beside it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from flop_harness.code.smallest import Example, example
from flop_harness.records import Metric, Run
from flop_harness.report.analysis.causes import Cause, Share
from flop_harness.report.analysis.faults import Faults
from flop_harness.report.analysis.findings import profiles
from flop_harness.report.analysis.index import Index
from flop_harness.report.sources.figure_code import CODE
from flop_harness.report.sources.traced_figures import TracedFigures

Key = tuple[str, Metric, str]
"""(counter, metric, term) of a finding"""
TRIES = 5
"""So many cases are looked at"""
FEW = 10
"""A module of so few calls is as small as any"""


def examples_in(folder: Path, run: Run, faults: Faults) -> dict[Key, Example]:
    """The smallest code for each finding; nothing for those without traces in ``folder``."""
    index = Index(run)
    traced_figures = TracedFigures(folder, index)
    found: dict[Key, Example] = {}
    for profile in profiles(index):
        for finding in profile.findings:
            made = of_cause(traced_figures, finding.cause, faults)
            if made is not None:
                found[finding.counter, finding.cause.metric, finding.cause.term] = made
    return found


def of_cause(traced_figures: TracedFigures, cause: Cause, faults: Faults) -> Example | None:
    """The smallest among the smallest few cases that show it."""
    found: list[Example] = []
    for share in sorted(cause.shares, key=size)[:TRIES]:
        made = faults.attempt(
            share.bridge.case, CODE, partial(of_share, traced_figures, cause, share), None
        )
        if made:
            found.append(made)
            if made.calls <= FEW:
                break
    return min(found, key=lambda each: each.calls, default=None)


def of_share(traced_figures: TracedFigures, cause: Cause, share: Share) -> Example | None:
    traced = traced_figures.of(share.bridge)
    if traced is None:
        return None
    return example(traced, cause.term, [step.term for step in share.steps])


def size(share: Share) -> tuple[int, int]:
    """The smallest first, as ``Cause.smallest`` has it."""
    return share.bridge.reference, len(share.bridge.steps)
