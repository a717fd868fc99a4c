"""``flop-harness compare``: every counter on a suite, a model or several."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import (
    FAILED,
    FINE,
    NOTHING_KEPT,
    app,
    fail,
    interruptible,
    say,
    step_summary,
)
from flop_harness.cli.compare_tables import exit_code, told
from flop_harness.cli.options import (
    CasesOption,
    CountersOption,
    DtypeOption,
    ExactOption,
    FreshOption,
    GithubOption,
    InputOption,
    JsonOption,
    KwargsOption,
    ModeOption,
    SweepOption,
    TargetsArgument,
    TrainingOption,
)
from flop_harness.cli.targets import (
    counters_asked,
    is_model,
    model_suite,
    refuse_for_suites,
    refuse_half_a_reference,
    safe_name,
)
from flop_harness.errors import UserError, require, suggest

DEVICES = ("auto", "cpu", "cuda", "meta")


OutOption = Annotated[
    Optional[Path],
    typer.Option(help="Folder for the results.", show_default="results/<suite>; none for a model"),
]

DeviceOption = Annotated[str, typer.Option(help="auto, cpu, cuda or meta.")]

TimingOption = Annotated[
    Optional[bool],
    typer.Option(
        "--timing/--no-timing",
        help="Time the forward passes too.",
        show_default="for a suite, not for a model",
    ),
]

JobsOption = Annotated[
    Optional[int],
    typer.Option(
        min=1, help="Processes at once.", show_default="1; for one model 2, if there are two cores"
    ),
]

ExecutorOption = Annotated[
    str,
    typer.Option(help="Where cases run: local, dask, dask://HOST:PORT or slurm.", metavar="NAME"),
]

StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit code 3 also where a counter gave no figure.")
]


@app.command()
def compare(
    targets: TargetsArgument,
    input: InputOption = None,
    kwargs: KwargsOption = None,
    train: ModeOption = None,
    dtype: DtypeOption = None,
    training: TrainingOption = False,
    sweep: SweepOption = None,
    out: OutOption = None,
    cases: CasesOption = None,
    counters: CountersOption = None,
    device: DeviceOption = "auto",
    timing: TimingOption = None,
    jobs: JobsOption = None,
    executor: ExecutorOption = "local",
    fresh: FreshOption = False,
    strict: StrictOption = False,
    exact: ExactOption = False,
    json: JsonOption = False,
    github: GithubOption = False,
) -> None:
    """Run every counter on a suite or on models, and explain every difference.

    Of training steps only the counters that count a backward pass are asked.
    """
    from flop_harness.cli import time

    refuse_mistyped(targets, device)
    models = all(map(is_model, targets))
    chosen, folder = asked_for(
        targets, (input, train, dtype, sweep, kwargs), cases, out, training, models
    )
    earlier = None if models or folder is None else published(folder)
    plan = {"counters": counters_asked(counters), "device": device, "fresh": fresh,
            "jobs": jobs or usual_jobs(models), "training": training, "executor": executor}  # fmt: skip
    if models and len(set(targets)) > 1:
        refuse_other_inputs(chosen, plan)
    run = compared(chosen, folder, plan, quiet=models)
    if models and not run.references:
        refuse_broken(run)
    kept = NOTHING_KEPT if folder is None else f"the run is kept in {folder}"
    wanted = timing if timing is not None else not (models or training)
    with interruptible(kept):
        told(run, chosen, folder, exact, json, strict)
        if github:
            step_summary(run)
        timed = wanted and device != "meta"
        times = time.beside(chosen, run, device, folder, fresh, json, kept) if timed else None
        if earlier is not None and not json:
            tell_beside(earlier, run, times)
    if models:
        refuse_broken(run)
    timing_failed = times is not None and time.failed(times)
    sys.exit(exit_code(run, strict) or (FAILED if timing_failed else FINE))


def asked_for(
    targets: list[str], given: Options, cases: str | None, out: Path | None, training: bool, models: bool,
) -> tuple[Any, Path | None]:  # fmt: skip
    """What is compared, and the folder for its results: none for models, unless one is named."""
    if not models:
        return suite_of(targets, given, cases, out, training)
    inputs, train, dtype, sweep, kwargs = given
    mode = True if training and train is None else train
    return models_of(targets, (inputs, mode, dtype, sweep, kwargs), cases), out


def tell_beside(earlier: Any, run: Any, times: Any) -> None:
    from flop_harness.cli.reproduce import tell_if_readable

    tell_if_readable(earlier, run, times)


def published(folder: Path) -> Any:
    """What was published of a suite; None, which is said, where that cannot be read."""
    from flop_harness.regression.reproduce import published_in

    try:
        return published_in(folder)
    except UserError as error:
        say(f"not set beside what was published: {error}")
        return None


def compared(suite: Any, folder: Path | None, options: dict[str, Any], quiet: bool) -> Any:
    """The run, with its files where it has a folder.

    What its processes are forked from imports torch beside us, from the first moment.
    """
    from flop_harness.run.processes import forkserver

    forkserver(large_pages=not quiet)
    from flop_harness.ask.compare import carry_out, compare_once, save
    from flop_harness.cli.progress import ProgressBar
    from flop_harness.run.planning import asking, make_plan

    suite = asking(suite, options["counters"])
    watch = ProgressBar(suite.name, quiet, folder)
    with interruptible(lambda: watch.kept), watch:
        if folder is None:
            return compare_once(suite, watch.progress, **options)
        require("report")
        run = carry_out(make_plan(suite, folder, **options), watch.progress)
        if watch.nothing_done:
            watch.progress.note(f"{folder} holds this run already, finished; --fresh runs it anew")
        return save(run, folder)


def usual_jobs(models: bool) -> int:
    """Counters of a model are asked two at a time; the cases of a suite, many, are one by one."""
    return min(os.cpu_count() or 1, 2) if models else 1


def refuse_mistyped(targets: list[str], device: str) -> None:
    for target in targets:
        refuse_half_a_reference(target)
    if device not in DEVICES:
        raise UserError(f"unknown device {device!r}{suggest(device, DEVICES)}")


Options = tuple[list[str] | None, bool | None, str | None, str | None, list[str] | None]
"""--input, --train, --dtype, --sweep, --kwargs"""


def models_of(targets: list[str], given: Options, cases: str | None) -> Any:
    """The models that are named, as a suite."""
    if cases is not None:
        raise UserError("--cases chooses among the cases of a suite; this is one model")
    return model_suite(targets, *given)


def suite_of(
    targets: list[str], given: Options, cases: str | None, out: Path | None, training: bool
) -> tuple[Any, Path]:
    """The suite that is named, with the cases that are asked for, and its folder."""
    from dataclasses import replace

    from flop_harness.run.planning import check_counters, in_training_mode, select
    from flop_harness.suite import files as suite

    refuse_for_suites(*given)
    if len(targets) > 1:
        raise UserError("compare takes one suite, or several models: name one suite")
    whole = suite.load(targets[0])
    check_counters(whole, targets[0])
    if not training:
        return select(whole, cases), out or Path("results") / safe_name(whole.name)
    whole = replace(whole, name=f"{whole.name}-training", digest=f"{whole.digest}:training")
    chosen = select(in_training_mode(whole), cases)
    return chosen, out or Path("results") / safe_name(whole.name)


OTHER_INPUTS = """
Models with different inputs are compared as a suite. Save this as mine.toml, with
the inputs of each, then: flop-harness compare mine.toml
"""


def refuse_other_inputs(suite: Any, plan: dict[str, Any]) -> None:
    """Of several models one that does not run on the inputs given, before any counter is asked."""
    from flop_harness.run.processes import forkserver

    forkserver(large_pages=False)
    from flop_harness.ask.compare import broken
    from flop_harness.suite.draft import draft

    with interruptible():
        failures = broken(suite, **plan)
    if failures:
        text = draft(suite.cases, "mine", {each.case for each in failures})
        fail(failures[0].message, f"{OTHER_INPUTS}\n{text}")


def refuse_broken(run: Any) -> None:
    """A model that does not run is the user's mistake, told in one line."""
    for failure in run.failures:
        if failure.stage == "model":
            raise UserError(failure.message)
