"""``flop-harness drift``: released versions of a counter side by side."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import FAILED, FINE, app, interruptible, say, show
from flop_harness.cli.app import tell as tell_line
from flop_harness.cli.targets import counter_asked, safe_name, separated
from flop_harness.errors import UserError, require

HOME = Path("results") / "drift"


@app.command()
def drift(
    counter: Annotated[
        str, typer.Argument(metavar="COUNTER", help="A counter: see flop-harness list counters.")
    ],
    cases: Annotated[
        Optional[str], typer.Option(help="A suite, or a pattern for the cases of the suite drift.")
    ] = None,
    versions: Annotated[
        Optional[str],
        typer.Option(
            help="Only releases that match these patterns, such as '0.7*'; several with commas."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the timeline.")] = HOME,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Ask every release again; reuse no earlier answer.")
    ] = False,
) -> None:
    """Ask every released version of a counter, and tell when it changed what it counts."""
    from flop_harness.regression.drift import drift as asked
    from flop_harness.run.isolation import run_aloud
    from flop_harness.store import TIMELINE_SUFFIX, require_writable

    require("report")
    require_writable(out)
    counter, suite = counter_asked(counter), chosen(cases)
    path = out / f"{safe_name(counter)}{TIMELINE_SUFFIX}"
    known = None if fresh else earlier(path)
    with interruptible("the releases that were asked are kept: the same command goes on"):
        made = run_aloud(
            lambda: asked(counter, suite, separated(versions), known, keep(path), say), suite.name
        )
    tell(made)
    save(made, out)
    sys.exit(FAILED if any(release.failures for release in made.releases) else FINE)


def chosen(cases: str | None) -> Any:
    """The suite of the timelines, some of its cases, or another suite."""
    from flop_harness.run.planning import select
    from flop_harness.suite import files as suite

    if cases is None or not (cases in suite.names() or cases.endswith(".toml")):
        return select(suite.load("drift"), cases)
    return suite.load(cases)


def earlier(path: Path) -> Any:
    from flop_harness.store import load_timeline

    if not path.exists():
        return None
    try:
        return load_timeline(path)
    except UserError as error:
        say(f"asked anew: {error}")
        return None


def keep(path: Path) -> Any:
    """After each release what there is, so that a run that is stopped goes on from there."""
    from flop_harness.report.words.text import plural
    from flop_harness.store import dump_timeline, write_atomically

    def kept(timeline: Any, release: Any) -> None:
        write_atomically(path, dump_timeline(timeline))
        say(f"{release.version}: {release.error or plural(len(release.readings), 'reading')}")

    return kept


def tell(timeline: Any) -> None:
    from flop_harness.report.analysis.drift import stories, summary
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.report.tables.drift import figure_table

    show(grid(figure_table(timeline)))
    for story in stories(timeline):
        tell_line(story)
    tell_line(summary(timeline))


def save(timeline: Any, out: Path) -> None:
    """The pages of this counter, and the one that leads to all that lie there."""
    from flop_harness.report.documents.drift import index
    from flop_harness.report.documents.files import DRIFT
    from flop_harness.store import TIMELINE_SUFFIX, load_timeline, write_atomically

    for ending, render in DRIFT.items():
        write_atomically(out / f"{safe_name(timeline.tool.id)}{ending}", render(timeline))
    every = [load_timeline(path) for path in sorted(out.glob(f"*{TIMELINE_SUFFIX}"))]
    write_atomically(out / "README.md", index(every))
    print(f"timeline: {out / safe_name(timeline.tool.id)}.md")
