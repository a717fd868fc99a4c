"""``flop-harness verify``: the formulas that price a suite, proven by execution."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import (
    FAILED,
    FINE,
    USER,
    DtypeOption,
    FreshOption,
    InputOption,
    ModeOption,
    app,
    interruptible,
    is_model,
    model_case,
    refuse_for_suites,
    refuse_half_a_reference,
    safe_name,
    say,
    show,
)
from flop_harness.errors import UserError

WRONG = 1


@app.command()
def verify(
    target: Annotated[str, typer.Argument(help="A suite (name or .toml), or a model reference.")],
    input: InputOption = None,
    train: ModeOption = None,
    dtype: DtypeOption = None,
    out: Annotated[
        Optional[Path], typer.Option(help="Folder for the proofs [results/<suite>].")
    ] = None,
    cases: Annotated[
        Optional[str],
        typer.Option(help="Only the cases whose id matches this glob; written if --out is given."),
    ] = None,
    jobs: Annotated[
        Optional[int], typer.Option(min=1, help="Processes at work at once [one for each core].")
    ] = None,
    fresh: FreshOption = False,
) -> None:
    """Prove by execution every formula that prices a suite or a model."""
    from flop_harness.run.planning import select, single
    from flop_harness.suite import files as suite

    refuse_half_a_reference(target)
    if is_model(target):
        if cases is not None:
            raise UserError("--cases chooses among the cases of a suite; this is one model")
        chosen, folder = single(model_case(target, input, train, dtype)), out
    else:
        refuse_for_suites(input, train, dtype)
        whole = suite.load(target)
        chosen, folder = select(whole, cases), out or Path("results") / safe_name(whole.name)
    with interruptible():
        proofs = proven(chosen, None if fresh else folder, jobs or os.cpu_count() or 1)
    tell(proofs)
    if folder is not None and (out is not None or cases is None):
        save(proofs, folder)
    sys.exit(exit_code(proofs))


def proven(suite: Any, folder: Path | None, jobs: int) -> Any:
    from flop_harness.proof.verification import known_traces, processes
    from flop_harness.proof.verification import verify as prove

    known = known_traces(suite, folder) if folder is not None else {}
    if known:
        say(f"{len(known)} of {len(suite.cases)} traces are there already, in {folder}")
    with processes(jobs) as mapper, bar(suite.name) as progress:
        return prove(suite, known, mapper, progress)


def tell(proofs: Any) -> None:
    from flop_harness.report.formats.console import grid
    from flop_harness.report.tables import proofs as report

    show(grid(report.summary(proofs)))
    wrong = report.disagreements(proofs)
    if wrong.rows:
        show(grid(wrong))
    for line in report.lines(proofs):
        print(line)


def save(proofs: Any, folder: Path) -> None:
    from flop_harness.report import PAGES, write
    from flop_harness.report.tables import proofs as report
    from flop_harness.store import dump_proofs, load, write_atomically

    write_atomically(folder / "proofs.json", dump_proofs(proofs))
    for name, render in report.FILES.items():
        write_atomically(folder / name, render(proofs))
    print(f"proofs: {folder / 'proofs.md'}")
    if (folder / "run.json").is_file():
        try:
            write(load(folder), folder, PAGES)
        except UserError as error:  # of another schema: what was proven counts
            say(f"the report there stays as it is: {error}")


def exit_code(proofs: Any) -> int:
    """1 if a formula disagrees, 2 if a model of the user's does not run, 3 if we failed, else 0."""
    if any(proof.standing == "disagrees" for proof in proofs.proofs):
        return WRONG
    if any(failure.stage == "model" for failure in proofs.failures):
        return USER
    return FAILED if proofs.failures else FINE


@contextmanager
def bar(title: str, every_s: float = 10.0) -> Iterator[Any]:
    """A bar on a terminal, elsewhere a line now and then; on stderr."""
    if not sys.stderr.isatty():
        yield lines_now_and_then(title, every_s)
        return
    from rich import progress
    from rich.console import Console

    with progress.Progress(console=Console(stderr=True), transient=True) as shown:
        tasks: dict[str, Any] = {}

        def update(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(f"{title}: {what}", total=total)
            shown.update(tasks[what], completed=done)

        yield update


def lines_now_and_then(title: str, every_s: float) -> Any:
    last = time.monotonic()

    def line(what: str, done: int, total: int) -> None:
        nonlocal last
        if done == total or time.monotonic() - last >= every_s:
            last = time.monotonic()
            say(f"{title}: {done} of {total} {what}")

    return line
