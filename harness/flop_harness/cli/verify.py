"""``flop-harness verify``: the formulas that price a suite, proven by execution."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import (
    FAILED,
    FINE,
    NOTHING_KEPT,
    USER,
    app,
    interruptible,
    print_json,
    say,
    show,
)
from flop_harness.cli.app import tell as tell_line
from flop_harness.cli.options import (
    DtypeOption,
    FreshOption,
    InputOption,
    JsonOption,
    KwargsOption,
    ModeOption,
    TrainingOption,
)
from flop_harness.cli.targets import (
    is_model,
    model_case,
    refuse_for_suites,
    refuse_half_a_reference,
    safe_name,
)
from flop_harness.errors import UserError, require

WRONG = 1
PROOFS_KEPT = "proofs that were found are kept: the same command goes on"


@app.command()
def verify(
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="A suite (name or .toml), or a model reference.")
    ],
    input: InputOption = None,
    kwargs: KwargsOption = None,
    train: ModeOption = None,
    dtype: DtypeOption = None,
    training: TrainingOption = False,
    out: Annotated[
        Optional[Path],
        typer.Option(
            help="Folder for the proofs.",
            show_default="results/<suite>; with --training, training/ in it",
        ),
    ] = None,
    cases: Annotated[
        Optional[str],
        typer.Option(help="Only cases whose id matches this pattern; proofs are kept with --out."),
    ] = None,
    jobs: Annotated[
        Optional[int],
        typer.Option(min=1, help="Processes run in parallel.", show_default="one for each core"),
    ] = None,
    fresh: FreshOption = False,
    json: JsonOption = False,
) -> None:
    """Hold every formula behind a suite or a model against what torch computes."""
    from flop_harness.run.planning import in_training_mode, select, single
    from flop_harness.store import require_writable
    from flop_harness.suite import files as suite

    refuse_half_a_reference(target)
    if is_model(target):
        if cases is not None:
            raise UserError("--cases chooses among the cases of a suite; this is one model")
        mode = True if training and train is None else train
        chosen, folder = single(model_case(target, input, mode, dtype, kwargs)), out
    else:
        refuse_for_suites(input, train, dtype, kwargs=kwargs)
        whole = suite.load(target)
        chosen, folder = select(whole, cases), out or usual_folder(whole, training)
        chosen = in_training_mode(chosen) if training else chosen
    kept = folder if out is not None or cases is None else None
    if kept is not None:
        require("report")
        require_writable(kept)
    with interruptible(NOTHING_KEPT if kept is None else PROOFS_KEPT):
        known = None if fresh or training else folder
        with journal_of(kept, fresh) as journal:
            proofs = proven(chosen, known, jobs or os.cpu_count() or 1, training, journal)
    if json:
        tell_json(proofs)
    else:
        tell(proofs)
    if kept is not None:
        save(proofs, kept)
        (say if json else print)(f"proofs: {kept / 'proofs.md'}")
    sys.exit(exit_code(proofs))


def usual_folder(suite: Any, training: bool) -> Path:
    """Proofs of training steps lie beside those of forward passes, not in their place."""
    home = Path("results") / safe_name(suite.name)
    return home / "training" if training else home


def journal_of(folder: Path | None, fresh: bool) -> Any:
    """What was proven into this folder before; nothing where proofs are not kept."""
    from flop_harness.proof.kept import journal_in

    return nullcontext() if folder is None else journal_in(folder, fresh)


def proven(suite: Any, folder: Path | None, jobs: int, training: bool, journal: Any) -> Any:
    from flop_harness.proof.verification import known_traces, processes
    from flop_harness.proof.verification import verify as prove
    from flop_harness.report.words.text import plural

    known = known_traces(suite, folder) if folder is not None else {}
    if known:
        say(f"{len(known)} of {plural(len(suite.cases), 'trace')} are there already, in {folder}")
    if journal:
        say(f"{plural(len(journal), 'proof')} are there already")
    with processes(jobs) as mapper, bar(suite.name) as progress:
        return prove(suite, known, mapper, progress, training, journal)


def tell(proofs: Any) -> None:
    from flop_harness.report.analysis.proofs import lines
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.report.tables.proofs import disagreements, summary

    wrong = disagreements(proofs)
    show(grid(summary(proofs)), *([grid(wrong)] if wrong.rows else []))
    for line in lines(proofs):
        tell_line(line)


def tell_json(proofs: Any) -> None:
    from flop_harness.report.documents.json_documents import document
    from flop_harness.report.tables.proofs import summary

    print_json(document("verify", summary(proofs)))


def save(proofs: Any, folder: Path) -> None:
    from flop_harness.report import PAGES, write
    from flop_harness.report.documents.files import write_proofs
    from flop_harness.store import PROOFS_FILE, RUN_FILE, dump_proofs, load, write_atomically

    write_atomically(folder / PROOFS_FILE, dump_proofs(proofs))
    write_proofs(proofs, folder)
    if (folder / RUN_FILE).is_file():
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
    from rich.markup import escape

    with progress.Progress(console=Console(stderr=True), transient=True) as shown:
        tasks: dict[str, Any] = {}

        def update(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(escape(f"{title}: {what}"), total=total)
            shown.update(tasks[what], completed=done)

        yield update


def lines_now_and_then(title: str, every_s: float) -> Any:
    last = time.monotonic()

    def line(what: str, done: int, total: int) -> None:
        nonlocal last
        if done == total or time.monotonic() - last >= every_s:
            last = time.monotonic()
            say(f"{title}: {done:,} of {total:,} {what}")

    return line
