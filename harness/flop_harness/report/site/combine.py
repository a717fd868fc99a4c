"""Runs of several suites as one run, in which a model that two suites have stands once."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from flop_harness.records import Case, Run, Suite, Tool


@dataclass(frozen=True)
class Combined:
    """One run, and where its cases come from: case -> (suite, the case's id there)."""

    run: Run
    origin: Mapping[str, tuple[str, str]]
    also: Mapping[str, tuple[str, ...]]
    """case -> other suites that have the same model with the same inputs"""


def identity(case: Case) -> Hashable:
    """What makes two cases the same question: the model, what it is given, how it is asked."""
    made = repr(sorted(case.kwargs.items()))
    return case.model, made, case.inputs, case.dtype or "float32", case.mode or "eval"


def combine(runs: Iterable[Run]) -> Combined:
    """All cases of all runs; the first run that has a model tells of it.

    A case keeps its id; where another model has that id already, its suite's name goes before it.
    """
    known: dict[Hashable, str] = {}
    origin: dict[str, tuple[str, str]] = {}
    also: dict[str, tuple[str, ...]] = {}
    parts = []
    for run in runs:
        names: dict[str, str] = {}
        for case in run.suite.cases:
            first = known.get(identity(case))
            if first is not None:
                also[first] = (*also.get(first, ()), run.suite.name)
                continue
            name = case.id if case.id not in origin else f"{run.suite.name}-{case.id}"
            known[identity(case)] = names[case.id] = name
            origin[name] = (run.suite.name, case.id)
        parts.append(renamed(run, names))
    return Combined(together(parts), origin, also)


def renamed(run: Run, names: Mapping[str, str]) -> Run:
    """The run with its cases under other names; those without one are left out."""

    def kept(records: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(replace(each, case=names[each.case]) for each in records if each.case in names)

    cases = tuple(replace(each, id=names[each.id]) for each in run.suite.cases if each.id in names)
    return replace(
        run, suite=replace(run.suite, cases=cases), readings=kept(run.readings),
        bridges=kept(run.bridges), figures=kept(run.figures), failures=kept(run.failures),
        traces=kept(run.traces), references=kept(run.references),
        unsupported={names[case]: told for case, told in run.unsupported.items() if case in names},
    )  # fmt: skip


def together(runs: list[Run]) -> Run:
    """Runs without a case in common as one; suites, machines and dates stand in their own runs."""

    def every(name: str) -> tuple[Any, ...]:
        return tuple(record for run in runs for record in getattr(run, name))

    tools: dict[str, Tool] = {}
    for run in runs:
        tools.update({tool.id: tool for tool in run.tools if tool.id not in tools})
    cases = tuple(case for run in runs for case in run.suite.cases)
    return Run(
        max((run.schema for run in runs), default=0), Suite("all", 1, "", cases), {},
        every("readings"), every("bridges"), every("figures"),
        {case: told for run in runs for case, told in run.unsupported.items()},
        every("failures"), every("traces"), every("references"), tuple(tools.values()),
        max((run.conventions for run in runs), default=1),
    )  # fmt: skip
