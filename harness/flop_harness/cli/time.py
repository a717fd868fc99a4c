"""``flop-harness time``: forward passes, alone on the machine, beside what counts let one expect."""

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
    interruptible,
    models_print_to_stderr,
    print_json,
    say,
    show,
)
from flop_harness.cli.app import tell as tell_line
from flop_harness.cli.options import (
    DtypeOption,
    InputOption,
    JsonOption,
    KwargsOption,
    ModeOption,
    SweepOption,
    TargetsArgument,
)
from flop_harness.cli.targets import (
    is_model,
    model_suite,
    refuse_for_suites,
    refuse_half_a_reference,
)
from flop_harness.errors import UserError, require, suggest

DEVICES = ("auto", "cpu", "cuda")


OutOption = Annotated[
    Optional[Path],
    typer.Option(help="Folder for the results.", show_default="a folder in results/<suite>"),
]

CasesOption = Annotated[
    Optional[str],
    typer.Option(help="Only cases whose id matches this pattern; results are kept with --out."),
]

DeviceOption = Annotated[str, typer.Option(help="auto, cpu or cuda.")]

SessionsOption = Annotated[
    Optional[int],
    typer.Option(min=1, help="Sessions, in fresh processes.", show_default="the suite's"),
]

WarmupOption = Annotated[
    Optional[int],
    typer.Option(min=0, help="Passes before the first that is kept.", show_default="the suite's"),
]

SamplesOption = Annotated[
    Optional[int],
    typer.Option(min=1, help="Passes that are kept, at least.", show_default="the suite's"),
]

BudgetOption = Annotated[
    Optional[float],
    typer.Option(
        min=0, help="Seconds for each case and series, at most.", show_default="the suite's"
    ),
]

DetailsOption = Annotated[
    bool,
    typer.Option(
        "--details/--no-details",
        help="Also measure layers, memory and the machine's peak rates.",
    ),
]

FlushedOption = Annotated[
    bool, typer.Option("--flushed", help="On CUDA, also time with an empty L2 cache.")
]

ContextsOption = Annotated[
    bool,
    typer.Option(
        "--contexts",
        help="Also bfloat16 or float16, channels last and torch.compile, where they run.",
    ),
]

TrainingOption = Annotated[
    bool, typer.Option("--training", help="Also a forward and a backward pass together.")
]

AnywayOption = Annotated[
    bool,
    typer.Option("--anyway", help="Time even while other processes keep the machine busy."),
]


@app.command()
def time(
    targets: TargetsArgument,
    input: InputOption = None,
    kwargs: KwargsOption = None,
    train: ModeOption = None,
    dtype: DtypeOption = None,
    sweep: SweepOption = None,
    out: OutOption = None,
    cases: CasesOption = None,
    device: DeviceOption = "auto",
    sessions: SessionsOption = None,
    warmup: WarmupOption = None,
    samples: SamplesOption = None,
    budget: BudgetOption = None,
    details: DetailsOption = True,
    flushed: FlushedOption = False,
    contexts: ContextsOption = False,
    training: TrainingOption = False,
    anyway: AnywayOption = False,
    json: JsonOption = False,
) -> None:
    """Time forward passes, each time anew, and set them beside what counts let one expect."""
    from flop_harness.run.planning import settle_device
    from flop_harness.store import require_writable
    from flop_harness.timing.machine import home, with_policy
    from flop_harness.timing.scope import Scope

    if device not in DEVICES:
        raise UserError(f"unknown device {device!r}{suggest(device, DEVICES)}")
    models = all(map(is_model, targets))
    suite = asked_for(targets, (input, train, dtype, sweep, kwargs), cases, models)
    settled = settle_device(device)
    if flushed and settled != "cuda":
        raise UserError("--flushed empties the cache of a CUDA device; a CPU's cannot be emptied")
    kept = out is not None or (cases is None and not models)
    if kept:
        require("report")
        require_writable(out or Path("results"))
    asked = with_policy(suite, sessions=sessions, warmup=warmup, samples=samples, budget_s=budget)
    scope = Scope(details, flushed, contexts, training)
    times = clocked(asked, settled, anyway, scope)
    if json:
        tell_json(times)
    else:
        tell(times, suite)
    if kept:
        folder = out or home(suite, times)
        save(times, folder)
        (say if json else print)(f"report: {folder / 'report.html'}")
    sys.exit(FAILED if failed(times) else FINE)


def asked_for(targets: list[str], given: tuple, cases: str | None, models: bool) -> Any:
    """Models as a suite, ``given`` what was said of their inputs and modes; or a suite that is named."""
    if models:
        refuse_cases(cases)
        return model_suite(targets, *given)
    refuse_for_suites(*given)
    return chosen(targets, cases)


def chosen(targets: list[str], cases: str | None) -> Any:
    """The suite that is named."""
    from flop_harness.run.planning import select
    from flop_harness.suite import files as suite

    for target in targets:
        refuse_half_a_reference(target)
    if len(targets) > 1:
        raise UserError("time takes one suite, or several models: name one suite")
    return select(suite.load(targets[0]), cases)


def refuse_cases(cases: str | None) -> None:
    if cases is not None:
        raise UserError("--cases chooses among the cases of a suite; these are models")


def clocked(
    suite: Any, device: str, anyway: bool, scope: Any = None, kept: str = NOTHING_KEPT
) -> Any:
    """What is measured of a suite; beside others it is refused, or begun with a warning."""
    from flop_harness.timing.machine import keep_time, require_quiet
    from flop_harness.timing.scope import Scope

    if warning := require_quiet(anyway):
        say(f"warning: {warning}")
    with interruptible(kept), models_print_to_stderr():
        return keep_time(suite, device, say, processes, scope or Scope())


def failed(times: Any) -> bool:
    return bool(times.failures) or any(each.status == "failed" for each in times.forwards)


def processes() -> Any:
    """Several at once for the counts, which are made before anything is timed."""
    from flop_harness.proof.verification import processes as at_work

    return at_work(os.cpu_count() or 1)


def tell(times: Any, suite: Any) -> None:
    """The table, the models beside the first where several were named, and sentences."""
    from flop_harness.report.analysis.machines import id_of, whose
    from flop_harness.report.analysis.time_sentences import sentences
    from flop_harness.report.analysis.timings import MachineTimings
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.report.tables.ratios import ratio_table
    from flop_harness.report.tables.times import table_of

    several = not suite.digest and len(suite.cases) > 1
    beside = [ratio_table(MachineTimings(times))] if several else []
    show(*map(grid, (table_of(times, suite), *beside)))
    for line in (whose(times, id_of(times.environment)), *sentences(times)):
        tell_line(line)


def tell_json(times: Any) -> None:
    from flop_harness.report.analysis.timings import MachineTimings
    from flop_harness.report.documents.json_documents import document, rows
    from flop_harness.report.tables.ratios import ratio_table
    from flop_harness.report.tables.times import case_table

    ratios = rows(ratio_table(MachineTimings(times)))
    print_json({**document("time", case_table(times)), "ratios": ratios})


def save(times: Any, folder: Path) -> None:
    """Write a machine's folder, and anew the pages of the run that it lies beside."""
    from flop_harness.report import PAGES, write
    from flop_harness.report.documents.files import TIMES
    from flop_harness.store import RUN_FILE, TIMES_FILE, dump_times, load, write_atomically

    write_atomically(folder / TIMES_FILE, dump_times(times))
    for name, render in TIMES.items():
        write_atomically(folder / name, render(times))
    if (folder.parent / RUN_FILE).is_file():
        try:
            write(load(folder.parent), folder.parent, PAGES)
        except UserError as error:
            say(f"the report in {folder.parent} does not tell of this: {error}")


def beside(
    suite: Any,
    run: Any,
    device: str,
    folder: Path | None,
    fresh: bool,
    json: bool,
    kept: str,
) -> Any:
    """The cases that ran timed, alone, if this machine has not yet; None where none ran."""
    from dataclasses import replace

    from flop_harness.run.planning import settle_device
    from flop_harness.run.processes import stop_forkserver
    from flop_harness.timing.machine import known

    ran, settled = {each.case for each in run.references}, settle_device(device)
    suite = replace(suite, cases=tuple(case for case in suite.cases if case.id in ran))
    if not suite.cases:
        return None
    times = known(suite, settled, folder, say) if folder is not None and not fresh else None
    if times is None:
        stop_forkserver()
        times = clocked(suite, settled, anyway=True, kept=kept)
        if folder is not None:
            save(times, folder / times.machine)
    else:
        when = times.environment["date"]
        say(f"times of {times.machine}, taken {when}, are kept; --fresh times anew")
    if not json:
        tell(times, suite)
        if folder is not None:
            print(f"report: {folder / times.machine / 'report.html'}")
    return times
