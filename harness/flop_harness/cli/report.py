"""``flop-harness report``: a run's report written again, from what is stored of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Optional

import typer

from flop_harness.cli.app import (
    FAILED,
    FINE,
    add_to_step_summary,
    app,
    interruptible,
    say,
    step_summary,
)
from flop_harness.cli.options import GithubOption
from flop_harness.cli.targets import separated
from flop_harness.errors import require


@app.command()
def report(
    results: Annotated[
        str,
        typer.Argument(
            metavar="RESULTS",
            help="A results folder, its run.json.xz, a suite, or a store of many runs.",
        ),
    ],
    formats: Annotated[
        Optional[str],
        typer.Option(
            "--format",
            help="html, md, tex, csv, svg, pdf; several with commas.",
            show_default="all",
        ),
    ] = None,
    github: GithubOption = False,
) -> None:
    """Write the report of a run again from its run.json.xz; nothing is run, and no torch is needed."""
    from flop_harness import store
    from flop_harness.ask.results import folder_named
    from flop_harness.report.documents.files import files_of, write
    from flop_harness.store.schema import COLUMNS_FILE

    require("report")
    if (Path(results) / COLUMNS_FILE).is_file():
        report_store(Path(results), separated(formats), github)
        return
    wanted = separated(formats)
    names = files_of(wanted)  # a mistake is told before anything is read
    home = folder_named(results)
    run = store.load(home)
    with interruptible("the files that were written stand"):
        written = write(run, home, names)
        for path in (*written.paths, *proofs_written(home, wanted)):
            print(path)
    for failure in written.failures:
        say(f"ours failed: {failure.of_what}, {failure.stage}: {failure.message}")
    if github:
        step_summary(run)
    sys.exit(FAILED if written.failures else FINE)


def proofs_written(home: Path, formats: list[str]) -> Iterator[Path]:
    """The proofs of a suite again, of training steps too, where they were kept."""
    from flop_harness import store
    from flop_harness.report.documents.files import write_proofs

    for folder in (home, home / "training"):
        if (folder / store.PROOFS_FILE).is_file():
            yield from write_proofs(store.load_proofs(folder), folder, formats)


def report_store(folder: Path, formats: list[str], github: bool) -> None:
    """The report of a store of many runs, beside its columns."""
    from flop_harness.report.documents.files import files_of
    from flop_harness.report.documents.store import STORE, markdown, write
    from flop_harness.store.queries import Columns

    require("columns")
    names = files_of(formats, STORE)
    store = Columns(folder)
    with interruptible("the files that were written stand"):
        for path in write(store, names):
            print(path)
    if github:
        add_to_step_summary(markdown(store).decode())
