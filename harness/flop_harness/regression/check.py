"""A suite run anew, or priced anew from its stored traces, and held against its golden."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flop_harness import store
from flop_harness.ask.compare import carry_out, save
from flop_harness.conventions.catalogue import VERSION
from flop_harness.counters import counters
from flop_harness.reconcile.changes import Comparison, compare, require_comparable
from flop_harness.reconcile.models import model_changes
from flop_harness.records import Run, Suite
from flop_harness.regression.repricing import keep_rules, repriced
from flop_harness.run.earlier import take_over
from flop_harness.run.identity import identity
from flop_harness.run.plan import Plan, Progress
from flop_harness.run.planning import make_plan, named


@dataclass(frozen=True)
class Checked:
    """A comparison, the run that was made for it, and how it was made (None: from traces)."""

    comparison: Comparison
    run: Run
    plan: Plan | None = None


def golden_of(suite: Suite, folder: Path) -> Run:
    """The golden in ``folder``; UserError if there is none or it is of something else."""
    golden = store.load(folder)
    require_comparable(golden, suite, VERSION, str(folder / store.RUN_FILE))
    return golden


# ------------------------------------------------------------------------------------ run anew


def check(
    suite: Suite, golden: Run, scratch: Path, progress: Progress, names: Sequence[str] = (),
    jobs: int = 1, folder: Path | None = None, whole: Suite | None = None,
) -> Checked:  # fmt: skip
    """Count in ``scratch`` what can have changed, with the counters of the golden or these.

    ``folder`` holds the golden's traces: what they tell of its models is compared too. Where it
    holds the cells of the run of ``whole`` that it is of, those that hold still are taken from there.
    """
    asked = list(names) or asked_for(suite, golden)
    suite = asking_as_before(suite, golden)
    plan = make_plan(suite, scratch, counters=asked, device=device_of(golden), jobs=jobs)
    if folder is not None and whole is not None:
        take_over(plan, folder, whole)
    run = carry_out(plan, progress)
    models = changed_models(golden, folder, run, scratch) if folder is not None else {}
    return Checked(replace(compare(golden, run), models=models), run, plan)


def changed_models(golden: Run, before: Path, run: Run, after: Path) -> dict[str, tuple[str, ...]]:
    """What changed in the model of each case; a pass that is the same has the same file name."""
    old, new = reference_traces(golden), reference_traces(run)
    kept = store.TraceStore(before), store.TraceStore(after)
    found = {}
    for case, file in new.items():
        earlier = old.get(case, file)
        if earlier != file and earlier in kept[0]:
            changes = tuple(model_changes(kept[0].load(earlier), kept[1].load(file)))
            if changes:
                found[case] = changes
    return found


def reference_traces(run: Run) -> dict[str, str]:
    return {trace.case: trace.file for trace in run.traces if not trace.counter}


def asked_for(suite: Suite, golden: Run) -> list[str]:
    """The counters that the golden has and there still are, and those that the suite names."""
    known = counters()
    earlier = [tool.id for tool in golden.tools if tool.id.partition("@")[0] in known]
    return list(dict.fromkeys([*earlier, *(counter.id for counter in named(suite))]))


def asking_as_before(suite: Suite, golden: Run) -> Suite:
    """The suite, where counters that a user named were asked of every case of the golden, with those."""
    free = {case.id for case in golden.suite.cases if not case.counters}
    tools = [tool.id for tool in golden.tools]
    cases = [replace(case, counters=tuple(dict.fromkeys((*case.counters, *tools))))
             if case.counters and case.id in free else case for case in suite.cases]  # fmt: skip
    return replace(suite, cases=tuple(cases))


def device_of(golden: Run) -> str:
    devices = {reading.context.device for reading in golden.readings}
    return "cuda" if "cuda" in devices else "meta" if devices == {"meta"} else "cpu"


def narrowed(golden: Run, left_out: Collection[str], names: Collection[str]) -> Run:
    """The golden without the cases that are left out, of these counters if any are named."""

    def kept(records: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(each for each in records if each.case not in left_out)

    return replace(
        golden,
        readings=tuple(r for r in kept(golden.readings) if not names or r.counter in names),
        references=kept(golden.references),
        figures=kept(golden.figures),
        unsupported={case: n for case, n in golden.unsupported.items() if case not in left_out},
        failures=kept(golden.failures),
        looks={case: lines for case, lines in golden.looks.items() if case not in left_out},
    )


def update(checked: Checked, golden: Run, folder: Path) -> None:
    """Make the run the golden: its files, its traces and its cells."""
    assert checked.plan is not None
    names = dict.fromkeys(file for trace in checked.run.traces for file in trace.files)
    store.TraceStore(folder).take_over(names, store.TraceStore(checked.plan.folder))
    whose = identity(checked.plan)
    with store.Journal.open(folder, whose) as journal:
        journal.add_all(store.finished(checked.plan.folder, whose))
    save(checked.run, folder)
    keep_rules(checked.run, folder)


# --------------------------------------------------------------------------- from stored traces


def check_traces(golden: Run, folder: Path, jobs: int = 1) -> Checked:
    """Price the stored traces anew, by the rules as they are now. Needs neither torch nor a tool."""
    run = repriced(golden, folder, jobs)
    known = tuple(failure for failure in golden.failures if failure in run.failures)
    comparison = compare(replace(golden, failures=known), run)
    if not comparison.moves:
        keep_rules(golden, folder)
    return Checked(comparison, run)
