"""``flop-harness compare``: every counter on a suite, a model or several."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import (
    FAILED,
    FINE,
    USER,
    DtypeOption,
    ExactOption,
    FreshOption,
    GithubOption,
    InputOption,
    JsonOption,
    ModeOption,
    SweepOption,
    app,
    interruptible,
    is_model,
    model_suite,
    print_json,
    refuse_for_suites,
    refuse_half_a_reference,
    safe_name,
    say,
    separated,
    show,
    step_summary,
    tell,
)
from flop_harness.errors import UserError, require, suggest

DEVICES = ("auto", "cpu", "cuda", "meta")


TargetsArgument = Annotated[
    list[str],
    typer.Argument(metavar="TARGET...", help="A suite (name or .toml), or model references."),
]

OutOption = Annotated[
    Optional[Path],
    typer.Option(help="Folder for the results.", show_default="results/<suite>; none for a model"),
]

CasesOption = Annotated[
    Optional[str],
    typer.Option(help="Only cases whose id matches this pattern, such as 'conv*'."),
]

CountersOption = Annotated[
    Optional[str], typer.Option(help="Only these counters, separated by commas.")
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

JobsOption = Annotated[int, typer.Option(min=1, help="Cases run in parallel.")]

StrictOption = Annotated[
    bool, typer.Option("--strict", help="Exit code 3 also where a counter gave no figure.")
]


@app.command()
def compare(
    targets: TargetsArgument,
    input: InputOption = None,
    train: ModeOption = None,
    dtype: DtypeOption = None,
    sweep: SweepOption = None,
    out: OutOption = None,
    cases: CasesOption = None,
    counters: CountersOption = None,
    device: DeviceOption = "auto",
    timing: TimingOption = None,
    jobs: JobsOption = 1,
    fresh: FreshOption = False,
    strict: StrictOption = False,
    exact: ExactOption = False,
    json: JsonOption = False,
    github: GithubOption = False,
) -> None:
    """Run every counter on a suite or on models, and explain every difference."""
    from flop_harness.cli import time
    from flop_harness.cli.reproduce import tell_if_readable

    refuse_mistyped(targets, device)
    models = all(map(is_model, targets))
    if models:
        if cases is not None:
            raise UserError("--cases chooses among the cases of a suite; this is one model")
        chosen, folder = model_suite(targets, input, train, dtype, sweep), out
    else:
        refuse_for_suites(input, train, dtype, sweep)
        chosen, folder = suite_of(targets, cases, out)
    earlier = None if models or folder is None else found_before(folder)
    asked = {"counters": separated(counters), "device": device, "jobs": jobs, "fresh": fresh}
    run = compared(chosen, folder, asked, quiet=models)
    if models:
        refuse_broken(run)
    told(run, folder, exact, json, how=typed_again(train, dtype) if models else "")
    if not strict and not json and exit_code(run) == FINE != exit_code(run, strict=True):
        print("counters that gave no figure leave the exit code at 0; --strict makes it 3")
    if github:
        step_summary(run)
    wanted = (timing if timing is not None else not models) and device != "meta"
    times = time_beside(chosen, run, device, folder, fresh, json) if wanted else None
    if earlier is not None and not json:
        tell_if_readable(earlier, run, times)
    failed = times is not None and time.failed(times)
    sys.exit(exit_code(run, strict) or (FAILED if failed else FINE))


def found_before(folder: Path) -> Any:
    """What was published in a folder; None where that cannot be read: it is written anew."""
    from flop_harness.regression.reproduce import published_in

    try:
        return published_in(folder)
    except UserError as error:
        say(f"not held against what lies there: {error}")
        return None


def compared(suite: Any, folder: Path | None, options: dict[str, Any], quiet: bool) -> Any:
    """The run, with its files where it has a folder."""
    from flop_harness.ask.compare import carry_out, compare_once, save
    from flop_harness.cli.progress import ProgressBar
    from flop_harness.run.planning import make_plan

    watch = ProgressBar(suite.name, quiet, folder)
    with interruptible(lambda: watch.kept), watch:
        if folder is None:
            return compare_once(suite, watch.progress, **options)
        require("report")
        run = carry_out(make_plan(suite, folder, **options), watch.progress)
        if watch.nothing_done:
            watch.progress.note(f"{folder} holds this run already, finished; --fresh runs it anew")
        return save(run, folder)


def refuse_mistyped(targets: list[str], device: str) -> None:
    for target in targets:
        refuse_half_a_reference(target)
    if device not in DEVICES:
        raise UserError(f"unknown device {device!r}{suggest(device, DEVICES)}")


def suite_of(targets: list[str], cases: str | None, out: Path | None) -> tuple[Any, Path]:
    """The suite that is named, with the cases that are asked for, and its folder."""
    from flop_harness.run.planning import check_counters, select
    from flop_harness.suite import files as suite

    if len(targets) > 1:
        raise UserError("compare takes one suite, or several models: name one suite")
    whole = suite.load(targets[0])
    check_counters(whole, targets[0])
    return select(whole, cases), out or Path("results") / safe_name(whole.name)


def refuse_broken(run: Any) -> None:
    """A model that does not run is the user's mistake, told in one line."""
    for failure in run.failures:
        if failure.stage == "model":
            raise UserError(failure.message)


def told(run: Any, folder: Path | None, exact: bool, json: bool, how: str) -> None:
    """A table, how it ended, and which command tells more; or all of it as JSON."""
    from flop_harness import report
    from flop_harness.report.analysis.index import Index
    from flop_harness.report.formats.terminal.suite import suite_table
    from flop_harness.report.tables.deviations import parameter_lines

    if json:
        from flop_harness.report.documents.json_documents import comparison

        print_json(comparison(run))
        return
    if len(run.suite.cases) == 1:
        show(report.case_table(run, run.suite.cases[0].id, exact))
    else:
        show(suite_table(run, exact))
        for line in parameter_lines(Index(run)):
            tell(line)
    for line in report.verdict_lines(run):
        tell(line)
    for line in next_step(run, folder, how):
        print(line)  # on one line however narrow, to be copied
    if folder is not None:
        print(f"report: {folder / 'report.html'}")


def next_step(run: Any, folder: Path | None, how: str) -> list[str]:
    """The command that tells all terms of a figure: of the one with most of them."""
    from shlex import quote

    from flop_harness.report.formats.terminal.case import richest

    found = [(richest(run, case.id), case) for case in run.suite.cases]
    with_terms = [(bridge, case) for bridge, case in found if bridge is not None]
    if not with_terms:
        return []
    bridge, case = max(with_terms, key=lambda pair: len(pair[0].steps))
    if folder is not None:
        which, given = case.id, f" --dir {quote(str(folder))}"
    else:
        shapes = "".join(f" --input {quote(written(each))}" for each in case.inputs)
        which, given = case.model, shapes + how
    return ["every term of a figure, and its modules:",
            f"  flop-harness explain {quote(which)} {quote(bridge.counter)}{given}"]  # fmt: skip


def written(given: Any) -> str:
    """An input as it is typed."""
    name = f"{given.name}=" if given.name else ""
    shape = "x".join(map(str, given.shape))
    return f"{name}{shape}" + (f":{given.dtype}" if given.dtype else "")


def typed_again(train: bool | None, dtype: str | None) -> str:
    """The options of a model as they were typed."""
    mode = "" if train is None else " --train" if train else " --eval"
    return mode + (f" --dtype {dtype}" if dtype else "")


def time_beside(
    suite: Any, run: Any, device: str, folder: Path | None, fresh: bool, json: bool = False
) -> Any:
    """The cases that ran timed, alone, if this machine has not yet; None where none ran."""
    from dataclasses import replace

    from flop_harness.cli import time
    from flop_harness.run.planning import settle_device
    from flop_harness.timing.machine import known

    ran, settled = {each.case for each in run.references}, settle_device(device)
    suite = replace(suite, cases=tuple(case for case in suite.cases if case.id in ran))
    if not suite.cases:
        return None
    times = known(suite, settled, folder, say) if folder is not None and not fresh else None
    if times is None:
        times = time.clocked(suite, settled, anyway=True)
        if folder is not None:
            time.save(times, folder / times.machine)
    else:
        when = times.environment["date"]
        say(f"times of {times.machine}, taken {when}, are kept; --fresh times anew")
    if not json:
        time.tell(times, suite)
        if folder is not None:
            print(f"report: {folder / times.machine / 'report.html'}")
    return times


def exit_code(run: Any, strict: bool = False) -> int:
    """2 if a model of the user's did not run, 3 if we failed or a figure is unexplained, else 0.

    With ``strict`` also 3 where a counter that was asked gave no figure.
    """
    from flop_harness import report

    ended = report.verdict(run)
    if any(failure.stage == "model" for failure in run.failures):
        return USER
    if run.failures or not ended.clean or (strict and ended.failed):
        return FAILED
    return FINE
