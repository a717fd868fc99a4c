"""Why a counter says what it says of a case: bridges found in the results of a suite."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flop_harness import store
from flop_harness.errors import UserError, suggest
from flop_harness.records import Bridge, Metric, Reading, Run
from flop_harness.report.analysis.index import METRICS, Index, is_figure
from flop_harness.run.environment import slug
from flop_harness.suite import files as suite

RESULTS = Path("results")


@dataclass(frozen=True)
class Found:
    """Readings of one counter on one case, in the contexts asked for, and the run they are of."""

    index: Index
    readings: tuple[Reading, ...]

    @property
    def bridges(self) -> list[Bridge]:
        return [each for each in map(self.index.bridge_to, self.readings) if each is not None]

    @property
    def silent(self) -> list[Reading]:
        """Those without a figure, or without a bridge to it."""
        return [each for each in self.readings if self.index.bridge_to(each) is None]


def find(run: Run, case: str, counter: str, context: str = "", metric: Metric = "compute") -> Found:
    """The readings that are asked for. UserError where there are none, naming what there is."""
    index = Index(run)
    if case not in index.by_case:
        raise UserError(f"no case {case!r} in this run{suggest(case, index.cases)}")
    here = [each for each in index.by_case[case] if each.metric == metric]
    names = dict.fromkeys(each.counter for each in here)
    if counter not in names:
        known = ", ".join(names)
        raise UserError(f"{counter!r} was not asked about {metric} of {case}"
                        f"{suggest(counter, names)}; known: {known}")  # fmt: skip
    mine = [each for each in here if each.counter == counter]
    chosen = tuple(each for each in mine if matches(each, context))
    if not chosen:
        asked = ", ".join(str(each.context) for each in mine)
        raise UserError(f"{counter} was not asked in context {context!r}; it was in: {asked}")
    return Found(index, tuple(sorted(chosen, key=lambda each: not is_figure(each))))


def find_metric(name: str) -> Metric:
    """``compute`` or ``params``. UserError for another name."""
    for metric in METRICS:
        if name == metric:
            return metric
    raise UserError(f"unknown metric {name!r}{suggest(name, METRICS)}; known: {', '.join(METRICS)}")


def matches(reading: Reading, context: str) -> bool:
    """Whether a reading's context has every word of ``context``: ``grad``, ``meta no_grad``."""
    return set(context.split()) <= set(str(reading.context).split())


# ------------------------------------------------------------------------------------- results


def find_run(case: str, name: str | None = None, folder: Path | None = None) -> Run:
    """The run in ``folder``, of the suite ``name``, or of the first suite that has ``case``."""
    return store.load(find_folder(case, name, folder))


def find_folder(case: str, name: str | None = None, folder: Path | None = None) -> Path:
    """Where that run lies. UserError if no suite has the case, or none was run."""
    if folder is not None:
        return folder.parent if folder.name == store.RUN_FILE else folder
    if name is not None:
        return RESULTS / slug(suite.load(name).name)
    suites = list(suite.having(case))
    for each in suites:
        if (RESULTS / each.name / store.RUN_FILE).is_file():
            return RESULTS / each.name
    if suites:
        make = f"make them with flop-harness compare {suites[0].name}"
        raise UserError(f"no results of {case!r} here: {make}, or name a folder with --dir")
    known = [each.id for name in suite.names() for each in suite.load(name).cases]
    raise UserError(f"no suite has a case {case!r}{suggest(case, known)}; "
                    "results of another: --dir FOLDER")  # fmt: skip
