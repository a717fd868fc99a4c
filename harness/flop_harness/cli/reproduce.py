"""``flop-harness reproduce``: published results beside what this machine finds."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import FINE, app, interruptible, say, show
from flop_harness.cli.app import tell as tell_line
from flop_harness.errors import UserError

DIFFERENT = 1


@app.command()
def reproduce(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A results folder, such as results/seeds.")
    ],
    suite: Annotated[
        Optional[str],
        typer.Option(help="The suite: a name or a .toml.", show_default="the one of that name"),
    ] = None,
    cases: Annotated[
        Optional[str],
        typer.Option(help="Only cases whose id matches this pattern, such as 'conv*'."),
    ] = None,
    timing: Annotated[
        bool, typer.Option("--timing/--no-timing", help="Time the forward passes too.")
    ] = True,
    jobs: Annotated[int, typer.Option(min=1, help="Cases run in parallel.")] = 1,
) -> None:
    """Run a published suite here; show its counts, times and conclusions beside those found.

    Nothing is written. The exit code is 1 where a count differs.
    """
    from flop_harness.regression.reproduce import published_in, reproduction
    from flop_harness.run.planning import select

    published = published_in(folder)
    if not published.anything:
        raise UserError(f"{folder} holds no results")
    chosen = select(suite_of(published, suite), cases)
    run = counted(chosen, published.run, jobs) if published.run is not None else None
    times = timed(chosen, published) if timing and published.machines else None
    found = reproduction(published, run, times)
    tell(found)
    sys.exit(DIFFERENT if found.differs else FINE)


def suite_of(published: Any, named: str | None) -> Any:
    """The suite that was published, as it is now; UserError where its file has to be named."""
    from flop_harness.suite import files

    one = published.run.suite if published.run else None
    name = one.name if one else next(iter(published.machines.values())).suite
    if named is None and name not in files.names():
        raise UserError(f"{name!r} is no suite of flop-harness: name its file with --suite")
    return files.load(named or name)


def counted(suite: Any, golden: Any, jobs: int) -> Any:
    """The suite run anew with the counters of the golden, in a folder that is gone afterwards."""
    from flop_harness.cli import progress
    from flop_harness.regression.check import check, narrowed

    left_out = {case.id for case in golden.suite.cases} - {case.id for case in suite.cases}
    with tempfile.TemporaryDirectory(prefix="flop-harness-") as scratch, interruptible():
        with progress.ProgressBar(suite.name) as watch:
            asked = narrowed(golden, left_out, ())
            return check(suite, asked, Path(scratch), watch.progress, (), jobs).run


def timed(suite: Any, published: Any) -> Any:
    """Timed on the device that the published times are of."""
    from flop_harness.cli import time
    from flop_harness.run.planning import settle_device

    devices = {each.series.device for times in published.machines.values()
               for each in times.forwards}  # fmt: skip
    return time.clocked(suite, settle_device("cpu" if "cpu" in devices else "cuda"), anyway=True)


def tell(found: Any) -> None:
    """Tables and sentences, on stdout."""
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.report.tables import reproduction as tables

    for held in found.times:
        both = tables.ratio_table(held), tables.conclusion_table(held)
        show(*(grid(table) for table in both if table.rows))
        for line in tables.time_lines(held):
            tell_line(line)
    for line in tables.count_lines(found):
        tell_line(line)


def tell_if_readable(published: Any, run: Any, times: Any) -> None:
    """What ``compare`` ends with; nothing where nothing was published."""
    from flop_harness.regression.reproduce import reproduction

    if published is None or not published.anything:
        return
    try:
        found = reproduction(published, run, times)
    except UserError as error:
        say(str(error))
        return
    tell(found)
