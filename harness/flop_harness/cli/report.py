"""``flop-harness report``: a run's report written again, from what is stored of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from flop_harness.cli.app import FAILED, FINE, GithubOption, app, say, separated, step_summary
from flop_harness.errors import require


@app.command()
def report(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A results folder, such as results/seeds.")
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
    from flop_harness.report.documents.files import files_of, write

    require("report")
    wanted = separated(formats)
    names = files_of(wanted)  # a mistake is told before anything is read
    run = store.load(folder)
    home = folder if folder.is_dir() else folder.parent
    written = write(run, home, names)
    for path in written.paths:
        print(path)
    for failure in written.failures:
        say(f"ours failed: {failure.of_what}, {failure.stage}: {failure.message}")
    if github:
        step_summary(run)
    sys.exit(FAILED if written.failures else FINE)
