"""What was timed of a model."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from flop_harness.records.times import Times
from flop_harness.report.tables.times import case_table
from flop_harness.report.words.text import digits, plural


@dataclass(frozen=True, slots=True)
class Timed:
    """One series of one model on one machine, as a suite was timed; milliseconds."""

    suite: str
    machine: str
    series: str
    median: str
    interval: str
    least: str
    limit: str
    verdict: str


def times_of(every: Iterable[Times]) -> dict[str, list[Timed]]:
    """Model -> what was timed of it."""
    found: dict[str, list[Timed]] = {}
    for times in every:
        models = {case.id: case.model for case in times.cases}
        table = case_table(times)
        for row in table.rows:
            told = dict(zip(table.names, row, strict=True))
            if told["median"] is not None and told["case"] in models:
                found.setdefault(models[told["case"]], []).append(timed(times, told))
    return found


def machine_in_words(times: Times) -> str:
    """``2 cores (Intel Xeon Processor)``, ``2 x NVIDIA H100 80GB HBM3``; its name where that is not told."""
    if gpus := times.environment.get("gpus"):
        return f"{len(gpus)} x {gpus[0]}" if len(gpus) > 1 else str(gpus[0])
    told = times.environment.get("machine")
    machine = told if isinstance(told, Mapping) else {}
    processor, cores = machine.get("processor"), machine.get("physical_cores")
    if not processor or not cores:
        return times.machine
    plain = re.sub(r"\((R|TM)\)", "", str(processor))
    return f"{plural(cores, 'core')} ({plain})"


def timed(times: Times, told: Mapping[str, object]) -> Timed:
    def number(name: str) -> str:
        value = told[name]
        return digits(value) if isinstance(value, int | float) else ""

    interval = f"{number('from')} to {number('to')}" if told["from"] is not None else ""
    return Timed(times.suite, machine_in_words(times), str(told["series"]), number("median"), interval,
                 number("bound"), str(told["limited by"] or ""), str(told["verdict"]))  # fmt: skip
