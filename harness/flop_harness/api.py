"""The harness in a notebook or a script: live modules in, pandas frames out."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flop_harness import report
from flop_harness.ask.count import Count, count_trace
from flop_harness.ask.explain import find
from flop_harness.errors import UserError
from flop_harness.records import Bridge, Case, Metric, Run
from flop_harness.records.times import Times

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Results:
    """A run and what was timed of its suite, as pandas frames with the columns of the CSV files."""

    run: Run
    times: tuple[Times, ...] = ()

    @cached_property
    def readings(self) -> DataFrame:
        from flop_harness.report.formats.frames import frame
        from flop_harness.report.tables.readings import measured_readings

        return frame(measured_readings(self.run))

    @cached_property
    def bridges(self) -> DataFrame:
        from flop_harness.report.formats.frames import frame
        from flop_harness.report.tables.bridges import bridges

        return frame(bridges(self.run))

    @cached_property
    def timings(self) -> DataFrame:
        from flop_harness.report.formats.frames import frame
        from flop_harness.report.tables.timings import timings

        return frame(timings(self.times))

    @cached_property
    def figures(self) -> DataFrame:
        from flop_harness.report.formats.frames import frame
        from flop_harness.report.tables.figures import figures

        return frame(figures(self.run))

    def __repr__(self) -> str:
        return "\n".join([report.headline(self.run), *report.verdict_lines(self.run)])

    def _repr_html_(self) -> str:
        from flop_harness.report.formats import notebook

        return notebook.of_run(self.run)

    def bridge(
        self, case: str, counter: str, context: str = "", metric: Metric = "compute"
    ) -> Bridge:
        """The bridge to a figure, in the first context with these words. UserError without one."""
        found = find(self.run, case, counter, context, metric)
        if not found.bridges:
            raise UserError(f"{counter} gave no figure that a bridge leads to on {case}")
        return found.bridges[0]


def count(module: Any, *inputs: Any, convention: str = "macs", **kwargs: Any) -> Count:
    """Price one forward pass of ``module`` without running its kernels or changing it.

    The module may stand on any device, ``meta`` included. A model that looks at values is run.
    """
    from flop_harness.run.tracing import traced
    from flop_harness.suite.compiled import as_module, original

    module = as_module(module)
    name = type(original(module)).__name__
    trace = traced(lambda: (module, inputs, kwargs))
    return count_trace(name, trace, convention)


def compare(module: Any, *inputs: Any, counters: tuple[str, ...] = (), **kwargs: Any) -> Results:
    """Every counter's figures for ``module(*inputs, **kwargs)`` and a bridge for each.

    Each counter gets a fork of this process, so that neither it nor the module changes; on one
    thread, for a fork of a process that has computed on several cannot.
    """
    from flop_harness.reconcile.assembly import assemble
    from flop_harness.run.cells import CaseRunner, Limits
    from flop_harness.run.environment import describe
    from flop_harness.run.plan import Raw, Result
    from flop_harness.run.planning import make_plan, single
    from flop_harness.run.workers import carry_out
    from flop_harness.store import TraceStore
    from flop_harness.suite.build import Built
    from flop_harness.suite.compiled import as_module, original

    module = as_module(module)
    name = type(original(module)).__name__
    case = Case(name, "live module", dtype="", mode="train" if module.training else "eval")
    suite = single(case)
    with tempfile.TemporaryDirectory(prefix="flop-harness-") as folder:
        plan = make_plan(suite, Path(folder), counters=counters, device="cpu")
        limits = Limits(suite.timeout_s, int(suite.memory_gib * 2**30), threads=1)
        runner = CaseRunner(case, "", "cpu", limits, live=Built(module, inputs, kwargs))
        by_id = {counter.id: counter for counter in plan.counters}
        traces = TraceStore(plan.folder)
        results: dict[Any, Result] = {}
        for cell in plan.cells(case):
            results[cell] = carry_out(runner, cell, by_id.get(cell.counter), (), traces)
        environment = describe(["torch", *(c.distribution for c in plan.counters)])
        return Results(assemble(plan, Raw(environment, results)))


def load(path: Any) -> Results:
    """Results from a folder that holds a run.json.xz, or from such a file."""
    from flop_harness.report.sources.times import machines_in
    from flop_harness.store import load as load_run

    run, path = load_run(path), Path(path)
    beside = machines_in(path if path.is_dir() else path.parent, run.suite)
    return Results(run, tuple(beside.values()))
