"""``flop-harness site``: everything that lies in the results as pages that need no server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from flop_harness.cli.app import FAILED, FINE, app, say
from flop_harness.errors import require


@app.command()
def site(
    results: Annotated[
        Optional[list[Path]],
        typer.Argument(metavar="RESULTS", help="Folders of runs.", show_default="all in results/"),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where to write it.")] = Path("site"),
    libraries: Annotated[
        Path, typer.Option(help="Where the libraries of the pages are kept once fetched.")
    ] = Path("build/libraries"),
) -> None:
    """Write every model, counter and claim as pages that open from a file; nothing is run."""
    from flop_harness.report.analysis.faults import Faults
    from flop_harness.report.site.build import files
    from flop_harness.report.site.code_of import code_of
    from flop_harness.report.site.contents import Site
    from flop_harness.report.site.sources import results_in
    from flop_harness.report.site.vendor import libraries as kept
    from flop_harness.store import write_atomically

    require("report")
    folders = results or []
    home = folders[0].parent if folders else Path("results")
    found = results_in(home, folders)
    for name, content in kept(libraries).items():
        write_atomically(out / "assets" / name, content)
    written = 0
    faults = Faults()
    docs = out / "docs" if (out / "docs").is_dir() else None
    for path, content in files(Site(found, code_of(found, faults), docs)):
        write_atomically(out / path, content)
        written += 1
    for fault in faults.found:
        say(f"ours failed: {fault.of_what}, {fault.stage}: {fault.message}")
    say(f"{written:,} files")
    print(out / "index.html")
    sys.exit(FAILED if faults.found else FINE)
