"""``flop-harness compare``: every counter on a suite or a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import (
    FAILED,
    FINE,
    USER,
    GithubOption,
    InputOption,
    app,
    interruptible,
    is_model,
    refuse_half_a_reference,
    safe_name,
    say,
    separated,
    show,
    step_summary,
    terminal,
)
from flop_harness.errors import UserError, require, suggest


@app.command()
def compare(
    target: Annotated[str, typer.Argument(help="A suite (name or .toml), or a model reference.")],
    input: InputOption = None,
    out: Annotated[
        Optional[Path],
        typer.Option(help="Folder for the results.", show_default="results/<suite>"),
    ] = None,
    cases: Annotated[
        Optional[str],
        typer.Option(help="Only cases whose id matches this pattern, such as 'conv*'."),
    ] = None,
    counters: Annotated[
        Optional[str], typer.Option(help="Only these counters, separated by commas.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    timing: Annotated[
        bool, typer.Option("--timing/--no-timing", help="Time the forward passes too.")
    ] = True,
    jobs: Annotated[int, typer.Option(min=1, help="Cases run in parallel.")] = 1,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Run everything again; reuse no earlier result.")
    ] = False,
    github: GithubOption = False,
) -> None:
    """Run every counter on a suite or a model, and explain every difference."""
    from flop_harness.cli import time
    from flop_harness.cli.reproduce import tell_if_readable

    refuse_half_a_reference(target)
    if device not in ("auto", "cpu", "cuda"):
        raise UserError(f"unknown device {device!r}{suggest(device, ('auto', 'cpu', 'cuda'))}")
    options: dict[str, Any] = {
        "counters": separated(counters), "device": device, "jobs": jobs, "fresh": fresh,
    }  # fmt: skip
    carry = carry_out_model if is_model(target) else carry_out_suite
    chosen, folder, run, earlier = carry(target, input or [], out, cases, github, options)
    times = time_beside(chosen, run, device, folder, fresh) if timing else None
    tell_if_readable(earlier, run, times)
    sys.exit(exit_code(run) or (FAILED if times is not None and time.failed(times) else FINE))


Carried = tuple[Any, Path | None, Any, Any]
"""The suite that ran, its folder, the run, and what was published there before"""


def carry_out_model(
    target: str, inputs: list[str], out: Path | None, cases: str | None, github: bool,
    options: dict[str, Any],
) -> Carried:  # fmt: skip
    from flop_harness.cli import progress
    from flop_harness.run.planning import single
    from flop_harness.suite import files as suite

    if cases is not None:
        raise UserError("--cases chooses among the cases of a suite; this is one model")
    chosen = single(suite.case_from_model(target, inputs))
    return chosen, out, compare_model(chosen, out, github, options, progress.of_model()), None


def carry_out_suite(
    target: str, inputs: list[str], out: Path | None, cases: str | None, github: bool,
    options: dict[str, Any],
) -> Carried:  # fmt: skip
    from flop_harness.cli import progress
    from flop_harness.regression.reproduce import published_in
    from flop_harness.run.planning import check_counters, select
    from flop_harness.suite import files as suite

    if inputs:
        raise UserError("--input gives the inputs of a model; a suite has its own")
    whole = suite.load(target)
    check_counters(whole, target)
    chosen, folder = select(whole, cases), out or Path("results") / safe_name(whole.name)
    earlier = published_in(folder)
    run = compare_suite(chosen, folder, github, options, progress.of_suite(chosen.name))
    return chosen, folder, run, earlier


def compare_suite(
    suite: Any, folder: Path, github: bool, options: dict[str, Any], watch: Any
) -> Any:
    from flop_harness.ask.compare import carry_out, save
    from flop_harness.run.planning import make_plan

    require("report")
    plan = make_plan(suite, folder, **options)
    with watch, interruptible():
        run = carry_out(plan, watch.progress)
    if watch.nothing_done:
        say(f"{folder} holds this run already, finished; --fresh runs it anew")
    save(run, folder)
    tell(run, github)
    print(f"report: {folder / 'report.html'}")
    return run


def compare_model(
    suite: Any, out: Path | None, github: bool, options: dict[str, Any], watch: Any
) -> Any:
    from flop_harness import report
    from flop_harness.ask.compare import carry_out, compare_once, save
    from flop_harness.run.planning import make_plan

    if out is not None:
        require("report")
    with watch, interruptible():
        if out is None:
            run = compare_once(suite, watch.progress, **options)
        else:
            run = carry_out(make_plan(suite, out, **options), watch.progress)
            save(run, out)
    for failure in run.failures:
        if failure.stage == "model":
            raise UserError(failure.message)
    show(report.case_table(run, suite.name))
    for line in report.verdict_lines(run):
        print(line)
    if github:
        step_summary(run)
    return run


def tell(run: Any, github: bool) -> None:
    """A row for each case, who departs in parameters, and how it ended."""
    from flop_harness import report
    from flop_harness.report.analysis.index import Index
    from flop_harness.report.formats.terminal.suite import suite_tables
    from flop_harness.report.tables.deviations import parameter_lines

    for table in suite_tables(run, terminal().width):
        show(table)
    for line in (*parameter_lines(Index(run)), *report.verdict_lines(run)):
        print(line)
    if github:
        step_summary(run)


def time_beside(suite: Any, run: Any, device: str, folder: Path | None, fresh: bool) -> Any:
    """The cases that ran timed, alone, if this machine has not yet; None where none ran."""
    from dataclasses import replace

    from flop_harness.cli import time
    from flop_harness.run.planning import settle_device
    from flop_harness.timing.machine import known

    ran, settled = {each.case for each in run.references}, settle_device(device)
    suite = replace(suite, cases=tuple(case for case in suite.cases if case.id in ran))
    if not suite.cases:
        return None
    times = known(suite, settled, folder) if folder is not None and not fresh else None
    if times is None:
        times = time.clocked(suite, settled, anyway=True)
        if folder is not None:
            time.save(times, folder / times.machine)
    else:
        when = times.environment["date"]
        say(f"times of {times.machine}, taken {when}, are kept; --fresh times anew")
    time.tell(times, suite)
    if folder is not None:
        print(f"report: {folder / times.machine / 'report.html'}")
    return times


def exit_code(run: Any) -> int:
    """2 if a model of the user's did not run, 3 if a counter or we failed, else 0."""
    from flop_harness import report

    if any(failure.stage == "model" for failure in run.failures):
        return USER
    if run.failures or not report.verdict(run).clean:
        return FAILED
    return FINE
