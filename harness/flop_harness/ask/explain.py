"""Why a counter says what it says of a case: bridges found in the results of a suite."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from flop_harness import store
from flop_harness.ask.compare import carry_out
from flop_harness.ask.results import (
    case_in,
    folder_having,
    folder_named,
    known_cases,
    suites_having,
)
from flop_harness.counters import find_one
from flop_harness.errors import UserError, suggest
from flop_harness.records import Bridge, Metric, Reading, Run, Suite
from flop_harness.report.analysis.figures import METRICS, is_figure
from flop_harness.report.analysis.index import Index
from flop_harness.run.plan import Progress
from flop_harness.run.planning import asking, make_plan


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
        known = ", ".join(names) or "none"
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


def find_run(case: str, named: str | Path | None = None) -> tuple[Run, str, Path] | None:
    """(run, the case's id in it, its folder): of the results that are named, else of any here.

    None where no results here have the case. UserError where those that are named have not.
    """
    folder = folder_having(case) if named is None else folder_named(named)
    if folder is None:
        return None
    run = store.load(folder)
    found = case_in(run, case)
    if not found:
        known = [each.id for each in run.suite.cases]
        raise UserError(f"no case {case!r} in {folder}{suggest(case, known)}")
    return run, found, folder


def run_case(
    case: str, counter: str, suite: Suite | None, folder: Path, training: bool, progress: Progress
) -> Run:
    """The case asked of one counter, in ``folder``; of a suite that has it unless one is given."""
    chosen = suite or suite_of(case)
    find_one(counter)
    plan = make_plan(asking(chosen, (counter,)), folder, counters=(counter,), device="auto",
                     training=training)  # fmt: skip
    run = carry_out(plan, progress)
    for failure in run.failures:
        if failure.stage == "model":
            raise UserError(failure.message)
    return run


def suite_of(case: str) -> Suite:
    """The suite of ours that has a case, with this case alone. UserError where none has it."""
    for suite in suites_having(case):
        return replace(suite, cases=tuple(each for each in suite.cases if each.id == case))
    raise UserError(f"no suite has a case {case!r}{suggest(case, known_cases())}; "
                    "results of another: --dir FOLDER")  # fmt: skip
