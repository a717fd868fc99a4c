"""A stored run priced anew from its traces, by the rules as they are now.

Beside the run lies, of this checkout alone, by which rules it was priced: then only the counters
whose rules changed since are priced anew.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from flop_harness import store
from flop_harness.counters import Counter, find
from flop_harness.errors import UserError
from flop_harness.reconcile.assembly import assemble, bridges_alone, derived, rules_failed
from flop_harness.records import Context, Reading, Run
from flop_harness.run.digests import digest, pricing, rules
from flop_harness.run.plan import CANONICAL, Cell, Plan, Raw, Result

RULES_FILE = "rules.json"


def repriced(golden: Run, folder: Path, jobs: int = 1) -> Run:
    """The run with what the rules of today say. Needs neither torch nor a tool."""
    counters = rules_of(golden)
    plan = Plan(golden.suite, tuple(counters), folder, jobs=jobs)
    results = results_of(golden)
    changed = changed_rules(folder, counters)
    if changed is None:
        return assemble(plan, Raw(dict(golden.environment), results))
    wanted = {CANONICAL, *changed}
    some = {cell: result for cell, result in results.items() if cell.counter in wanted}
    parts = list(derived(plan, some, bridges_alone)) if changed else []
    return replace(
        golden,
        bridges=(*(each for each in golden.bridges if each.counter not in changed),
                 *(bridge for part in parts for bridge in part.bridges)),
        failures=(*(each for each in golden.failures if not rules_failed(each, changed)),
                  *(failure for part in parts for failure in part.failures)),
    )  # fmt: skip


def changed_rules(folder: Path, counters: Iterable[Counter]) -> set[str] | None:
    """Counters whose rules are others than those that priced the run; None where it may be all."""
    try:
        before = json.loads((folder / RULES_FILE).read_bytes())
        same = (before["run"], before["pricing"]) == (run_digest(folder), pricing())
        told = before["counters"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {each.id for each in counters if told.get(each.id) != rules(each)} if same else None


def keep_rules(run: Run, folder: Path) -> None:
    """Note by which rules the run in the folder was priced: by those of today."""
    told = {"run": run_digest(folder), "pricing": pricing(),
            "counters": {each.id: rules(each) for each in rules_of(run)}}  # fmt: skip
    with suppress(UserError):  # a folder that cannot be written: all is priced anew next time
        store.write_atomically(folder / RULES_FILE, json.dumps(told, indent=1).encode())


def run_digest(folder: Path) -> str:
    return digest([folder / store.RUN_FILE])


def rules_of(golden: Run) -> list[Counter]:
    """The counters behind the readings; UserError that names one which is no longer there."""
    return find([*dict.fromkeys(reading.counter for reading in golden.readings)])


def results_of(golden: Run) -> dict[Cell, Result]:
    """What the run measured: readings, and the traces behind them."""
    modes = {case.id: case.mode for case in golden.suite.cases}
    readings: dict[tuple[str, str, Context], list[Reading]] = defaultdict(list)
    for reading in golden.readings:
        readings[reading.case, reading.counter, reading.context].append(reading)
    results: dict[Cell, Any] = {}
    for trace in golden.traces:
        own = replace(trace.context, mode=trace.context.mode or modes[trace.case])
        said = tuple(readings.pop((trace.case, trace.counter, own), ()))
        cell = Cell(trace.case, trace.counter, trace.context)
        results[cell] = Result(said, trace.file, plain=trace.plain, hooked=trace.hooked)
    silent = {Cell(*place): Result(tuple(said)) for place, said in readings.items()}
    return results | silent
