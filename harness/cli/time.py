"""``flop-harness time``: forward passes, alone on the machine, beside what counts let one expect."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from harness.cli.app import (
    FAILED,
    FINE,
    InputOption,
    app,
    interruptible,
    is_model,
    models_print_to_stderr,
    say,
    show,
)
from harness.cli.compare import refuse_half_a_reference
from harness.errors import UserError, suggest

DEVICES = ("auto", "cpu", "cuda")


@app.command()
def time(
    target: Annotated[str, typer.Argument(help="A suite (name or .toml), or a model reference.")],
    input: InputOption = None,
    out: Annotated[
        Optional[Path], typer.Option(help="Folder for the results [results/<suite>/<machine>].")
    ] = None,
    cases: Annotated[
        Optional[str],
        typer.Option(help="Only the cases whose id matches this glob; written if --out is given."),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    sessions: Annotated[
        Optional[int], typer.Option(min=1, help="Times over, in fresh processes [the suite's].")
    ] = None,
    budget: Annotated[
        Optional[float], typer.Option(min=0, help="Seconds for each case and series [the suite's].")
    ] = None,
    details: Annotated[
        bool,
        typer.Option("--details/--no-details", help="Ceilings, layers, memory and counts too."),
    ] = True,
    flushed: Annotated[
        bool, typer.Option("--flushed", help="On CUDA, also with the L2 cache emptied each time.")
    ] = False,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Even while others keep the machine busy.")
    ] = False,
) -> None:
    """Time forward passes, alone on the machine, with intervals, beside theory."""
    from harness.session import settle_device
    from harness.timekeeping import home, keep_time, require_quiet, with_policy

    if device not in DEVICES:
        raise UserError(f"unknown device {device!r}{suggest(device, DEVICES)}")
    suite = chosen(target, input or [], cases)
    settled = settle_device(device)
    if flushed and settled != "cuda":
        raise UserError("--flushed empties the cache of a CUDA device; a CPU's cannot be emptied")
    if warning := require_quiet(anyway):
        say(f"warning: {warning}")
    with interruptible(), models_print_to_stderr(), processes() as mapper:
        times = keep_time(
            with_policy(suite, sessions, budget), settled, say, mapper, details, flushed
        )
    tell(times)
    if out is not None or (cases is None and not is_model(target)):
        save(times, out or home(suite, times))
    broken = times.failures or any(each.status == "failed" for each in times.forwards)
    sys.exit(FAILED if broken else FINE)


def chosen(target: str, inputs: list[str], cases: str | None) -> Any:
    """The suite that is named, or one of the model that is."""
    from harness import suite
    from harness.session import select, single

    refuse_half_a_reference(target)
    if not is_model(target):
        if inputs:
            raise UserError("--input gives the inputs of a model; a suite has its own")
        return select(suite.load(target), cases)
    if cases is not None:
        raise UserError("--cases chooses among the cases of a suite; this is one model")
    return single(suite.case_from_model(target, inputs))


def processes() -> Any:
    """Several at once for the counts, which are made before anything is timed."""
    from harness.verify import processes as at_work

    return at_work(os.cpu_count() or 1)


def tell(times: Any) -> None:
    from harness.report import times as report
    from harness.report.console import grid

    show(grid(report.short_table(times)))
    for line in report.sentences(times):
        print(line)


def save(times: Any, folder: Path) -> None:
    from harness.report import times as report
    from harness.store import TIMES_FILE, dump_times, write_atomically

    write_atomically(folder / TIMES_FILE, dump_times(times))
    for name, render in report.FILES.items():
        write_atomically(folder / name, render(times))
    print(f"report: {folder / 'report.html'}")
