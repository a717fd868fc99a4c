"""``flop-harness site``: everything that lies in the results as pages that need no server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Optional

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
    readme: Annotated[
        bool, typer.Option("--readme", help="Refresh the summary in README.md of the results too.")
    ] = False,
) -> None:
    """Write every model, counter and claim as pages that open from a file; nothing is run."""
    require("report")
    from flop_harness.report.analysis.faults import Faults
    from flop_harness.report.site.build import files
    from flop_harness.report.site.code_of import code_of
    from flop_harness.report.site.contents import Site
    from flop_harness.report.site.sources import results_in
    from flop_harness.report.site.vendor import libraries as kept
    from flop_harness.store import require_writable, write_atomically

    require_writable(out)
    folders = results or []
    home = folders[0].parent if folders else Path("results")
    found = results_in(home, folders)
    for name, content in kept(libraries).items():
        write_atomically(out / "assets" / name, content)
    written = 0
    faults = Faults()
    made = Site(found, code_of(found, faults), out / "docs" if (out / "docs").is_dir() else None)
    for path, content in files(made):
        write_atomically(out / path, content)
        written += 1
    if readme:
        refresh(home, made)
    for fault in faults.found:
        say(f"ours failed: {fault.of_what}, {fault.stage}: {fault.message}")
    say(f"{written:,} files")
    print(out / "index.html")
    sys.exit(FAILED if faults.found else FINE)


def refresh(home: Path, made: Any) -> None:
    """The heat map beside the results, and the part of their README that shows it."""
    from flop_harness.report.site.picture import SVG, heat_map, with_summary
    from flop_harness.store import write_atomically

    write_atomically(home / SVG, heat_map(made.families).encode())
    file = home / "README.md"
    if file.is_file():
        write_atomically(
            file,
            with_summary(file.read_text(), made.families, made.results.index).encode(),
        )
