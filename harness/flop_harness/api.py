"""The harness in a notebook or a script: models in, tables and pandas frames out."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flop_harness import report
from flop_harness.ask.count import Count, count_case, count_trace, training_variant
from flop_harness.ask.explain import find
from flop_harness.ask.inputs_by_name import inputs_by_name
from flop_harness.ask.live import as_asked, on_cpu, options, set_aside
from flop_harness.errors import UserError
from flop_harness.records import Bridge, Case, Metric, Run
from flop_harness.records.times import Times
from flop_harness.report.formats.plain import text_of
from flop_harness.report.tables.table import Table

if TYPE_CHECKING:
    from pandas import DataFrame

    from flop_harness.store.queries import Columns
    from flop_harness.suite.build import Built


@dataclass(frozen=True, repr=False)
class Results:
    """What counters said of one model or a suite; printed, a row for each case and how it ended.

    ``readings``, ``bridges``, ``figures`` and ``timings`` are pandas frames with the columns of the
    CSV files; ``run`` holds the records that they are made of.
    """

    run: Run
    times: tuple[Times, ...] = ()

    @cached_property
    def readings(self) -> DataFrame:
        """A row for each counter, context and metric: value, unit, version, status, input."""
        from flop_harness.report.tables.readings import measured_readings

        return framed(measured_readings(self.run))

    @cached_property
    def bridges(self) -> DataFrame:
        """A row for each step from the reference to a reading; the amounts add up to it."""
        from flop_harness.report.tables.bridges import bridges

        return framed(bridges(self.run))

    @cached_property
    def timings(self) -> DataFrame:
        """A row for each case that was timed on each machine; seconds."""
        from flop_harness.report.tables.timings import timings

        return framed(timings(self.times))

    @cached_property
    def figures(self) -> DataFrame:
        """What each of our own conventions says of each case."""
        from flop_harness.report.tables.figures import figures

        return framed(figures(self.run))

    def __repr__(self) -> str:
        lines = [report.headline(self.run), *map(text_of, report.overview(self.run))]
        return "\n\n".join([*lines, "\n".join(report.verdict_lines(self.run))])

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


def framed(table: Table) -> DataFrame:
    from flop_harness.report.formats.frames import frame

    return frame(table)


@set_aside()
def count(
    model: Any,
    *inputs: Any,
    convention: str | None = None,
    mode: str | None = None,
    dtype: Any = None,
    training: bool | None = None,
    optimizer: str | None = None,
    kwargs: Mapping[str, Any] | None = None,
    **named: Any,
) -> Count:
    """Price one forward pass of ``model`` without running its kernels or changing it.

    ``model`` is a module on any device, ``meta`` included, an exported program, a function of
    tensors, or a reference as on the command line (``"torchvision:resnet18"``, ``"net.py:make"``).
    An input is a shape, ``(1, 3, 224, 224)`` or ``"1x128:int64"``, or whatever the model takes; a
    shape is drawn in the model's dtype. Mode and dtype stay those of the model if none is given;
    what is asked for is done to a copy. A model that looks at values is run. With ``training`` the
    backward pass is priced too, from the model's own loss or the sum of its outputs, and with an
    ``optimizer`` (``"adamw"``, ``"muon"``, ...) its step; as the commands do by plain kernels, where
    attention goes back with twice its products (a fused kernel takes 2.5 times them). Other
    keywords are inputs of the model, and so is all that ``kwargs`` holds: an input that has the
    name of a keyword of this function has to stand there. Raises UserError, or what the model
    raises.
    """
    from flop_harness.run.contexts import as_on_meta
    from flop_harness.run.tracing import traced
    from flop_harness.suite import given

    kwargs = inputs_by_name(model, inputs, kwargs, named, convention=convention, mode=mode,
                            dtype=dtype, training=training, optimizer=optimizer)  # fmt: skip
    convention, variant = convention or "macs", training_variant(bool(training), optimizer)
    if isinstance(model, str):
        mode = mode or ("train" if variant else "")
        case = given.referred(model, inputs, kwargs, **options(mode, dtype))
        built = given.with_values(case, inputs, kwargs)
        if built is None:
            return count_case(case, convention, variant=variant)
    else:
        built = as_asked(given.live(model, inputs, kwargs), mode, dtype)
    trace = traced(lambda: (built.module, built.args, built.kwargs), variant=as_on_meta(variant))
    return count_trace(given.name_of(built.module), trace, convention)


@set_aside()
def compare(
    model: Any,
    *inputs: Any,
    counters: str | Sequence[str] | None = None,
    mode: str | None = None,
    dtype: Any = None,
    jobs: int | None = None,
    training: bool | None = None,
    kwargs: Mapping[str, Any] | None = None,
    **named: Any,
) -> Results:
    """Every counter's figures for ``model(*inputs, **kwargs)`` and a bridge for each.

    ``model``, inputs and ``kwargs`` are as of ``count``; the name of a suite or a ``.toml`` file is taken too.
    ``counters`` are ids, in a list or separated by commas; ``jobs`` processes work at once. With
    ``training`` a whole step is compared, by the counters that count a backward pass. Each
    counter gets a fork of this process, so that neither it nor the model changes. In a notebook a
    bar shows how far it is.
    """
    from flop_harness.report.formats.notebook_progress import shown
    from flop_harness.suite import given

    kwargs = inputs_by_name(model, inputs, kwargs, named, counters=counters, mode=mode,
                            dtype=dtype, jobs=jobs, training=training)  # fmt: skip
    plan = {"counters": ids_of(counters or ()), "device": "cpu",
            "jobs": 1 if jobs is None else jobs, "training": bool(training)}  # fmt: skip
    with shown() as progress:
        if isinstance(model, str):
            if training and ":" in model:
                mode = mode or "train"
            return of_reference(model, inputs, kwargs, options(mode, dtype), plan, progress)
        built = on_cpu(as_asked(given.live(model, inputs, kwargs), mode, dtype))
        case = Case(given.name_of(built.module), "live module", dtype="", mode=built.mode)
        return of_live(case, built, plan, progress)


def of_reference(
    name: str, inputs: tuple, kwargs: dict, case_options: dict[str, str],
    plan: dict[str, Any], progress: Any,
) -> Results:  # fmt: skip
    """A model by its reference, or a suite by its name, exactly as the command compares it."""
    from flop_harness.ask.compare import compare_once
    from flop_harness.run.planning import asking, single
    from flop_harness.suite import files, given

    if ":" not in name or name.endswith(".toml"):
        if inputs or kwargs or case_options:
            raise UserError(f"{name!r} is a suite: its cases say their inputs, mode and dtype")
        suite = asking(files.load(name), plan["counters"])
    else:
        case = given.referred(name, inputs, kwargs, **case_options)
        built = given.with_values(case, inputs, kwargs)
        if built is not None:
            return of_live(case, built, plan, progress)
        suite = single(case)
    run = compare_once(suite, progress, **plan)
    return refused_if_broken(run)


def of_live(case: Case, built: Built, options: dict[str, Any], progress: Any) -> Results:
    """A live model, on the CPU."""
    from flop_harness.reconcile.assembly import assemble
    from flop_harness.run.environment import describe
    from flop_harness.run.live import compared
    from flop_harness.run.plan import Raw
    from flop_harness.run.planning import make_plan, single

    with tempfile.TemporaryDirectory(prefix="flop-harness-") as folder:
        plan = make_plan(single(case), Path(folder), **options)
        results = compared(plan, built, progress)
        environment = describe(["torch", *(c.distribution for c in plan.counters)])
        return refused_if_broken(assemble(plan, Raw(environment, results)))


def refused_if_broken(run: Run) -> Results:
    """The results of a run. UserError where its one model could not be built or run."""
    for failure in run.failures:
        if failure.stage == "model" and len(run.suite.cases) == 1:
            raise UserError(failure.message)
    return Results(run)


def load(path: Any) -> Results:
    """Results from a folder that holds a run.json.xz, or from such a file."""
    from flop_harness.report.sources.times import machines_in
    from flop_harness.store import load as load_run

    run, path = load_run(path), Path(path)
    beside = machines_in(path if path.is_dir() else path.parent, run.suite)
    return Results(run, tuple(beside.values()))


def collect(paths: Sequence[Path | str], store: Path | str) -> Columns:
    """Put stored runs into a store in columns, each in place of what is there of its suite."""
    from flop_harness.errors import require
    from flop_harness.store import load as load_run
    from flop_harness.store.columns import write_columns

    require("columns")
    for path in paths:
        write_columns(load_run(path), store)
    return open_store(store)


def open_store(path: Path | str) -> Columns:
    """A store in columns; nothing is read until something is asked of it."""
    from flop_harness.store.queries import Columns

    return Columns(path)


# ------------------------------------------------------------------------------- what was asked


def ids_of(counters: Any) -> list[str]:
    """``"thop, fvcore"`` or a list of ids, as a list. UserError for anything else."""
    if isinstance(counters, str):
        return [name.strip() for name in counters.split(",") if name.strip()]
    try:
        names = list(counters)
    except TypeError:
        names = [counters]
    if wrong := [name for name in names if not isinstance(name, str)]:
        raise UserError(f"counters are ids such as 'thop', not {wrong[0]!r}")
    return names
