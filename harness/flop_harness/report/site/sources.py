"""What lies in a folder of results, as the site tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from flop_harness import store
from flop_harness.errors import UserError
from flop_harness.records import Run, Timeline
from flop_harness.records.times import Times
from flop_harness.report.analysis.faults import Faults
from flop_harness.report.analysis.index import Index
from flop_harness.report.site.combine import Combined, combine
from flop_harness.report.sources.published import Row, verdicts_in
from flop_harness.report.sources.results import effects_in
from flop_harness.suite.providers import PROVIDERS


@dataclass(frozen=True, eq=False)
class Results:
    """Runs by folder, timelines by counter, times by ``<suite>/<machine>``; what is there."""

    runs: Mapping[Path, Run]
    timelines: Mapping[str, Timeline] = field(default_factory=dict)
    times: Mapping[str, Times] = field(default_factory=dict)
    effects: Mapping[str, list[str]] = field(default_factory=dict)
    claims: Sequence[Row] = ()

    @cached_property
    def combined(self) -> Combined:
        return combine(self.runs.values())

    @cached_property
    def index(self) -> Index:
        return Index(self.combined.run)

    @cached_property
    def suites(self) -> dict[str, Run]:
        return {run.suite.name: run for run in self.runs.values()}


def results_in(home: Path, folders: Sequence[Path] = ()) -> Results:
    """Everything in ``home``, or of its runs only those in ``folders``; the largest run first.

    UserError where no run is there, or where a file cannot be read.
    """
    chosen = folders or sorted(path.parent for path in home.glob(f"*/{store.RUN_FILE}"))
    runs = {folder: store.load(folder) for folder in chosen}
    if not runs:
        raise UserError(f"no results in {home}: make some with flop-harness compare SUITE")
    largest = sorted(
        runs.items(), key=lambda item: (not of_library(item[1]), -len(item[1].suite.cases))
    )
    timelines = [store.load_timeline(path)
                 for path in sorted(home.glob(f"drift/*{store.TIMELINE_SUFFIX}"))]  # fmt: skip
    times = {f"{path.parent.parent.name}/{path.parent.name}": store.load_times(path)
             for path in sorted(home.glob(f"*/*/{store.TIMES_FILE}"))}  # fmt: skip
    faults = Faults()
    effects = effects_in(home / "effects", faults)
    faults.refuse()
    return Results(
        dict(largest), {each.tool.id: each for each in timelines}, times, effects, verdicts_in(home / "claims"),
    )  # fmt: skip


def of_library(run: Run) -> bool:
    """Whether most of a suite's cases are models of a library."""
    named = sum(is_library(case.model) for case in run.suite.cases)
    return 2 * named > len(run.suite.cases)


def is_library(model: str) -> bool:
    """``torchvision:vgg16``, not ``networks.py:net`` or a single layer of ``torch.nn``."""
    return model.partition(":")[0] in PROVIDERS
