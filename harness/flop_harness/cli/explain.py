"""``flop-harness explain``: one bridge as a tree, from the results of a suite."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import app, say, show, terminal


@app.command()
def explain(
    case: Annotated[str, typer.Argument(help="A case of a suite that was run, such as vgg16.")],
    counter: Annotated[str, typer.Argument(help="A counter: see flop-harness list counters.")],
    suite: Annotated[
        Optional[str],
        typer.Option(
            help="The suite whose results are read.",
            show_default="the first suite that has the case",
        ),
    ] = None,
    folder: Annotated[
        Optional[Path], typer.Option("--dir", help="Folder of the results, or its run.json.xz.")
    ] = None,
    context: Annotated[
        str, typer.Option(help="Only contexts with these words, such as 'grad' or 'meta'.")
    ] = "",
    metric: Annotated[str, typer.Option(help="compute or params.")] = "compute",
    depth: Annotated[int, typer.Option(min=0, help="Levels of modules below each term.")] = 1,
    code: Annotated[
        bool,
        typer.Option("--code", help="Print Python that gives the figure, and each term alone."),
    ] = False,
) -> None:
    """Explain what a counter says of a case: term by term, with the modules behind each."""
    from flop_harness.ask.explain import find, find_folder, find_metric, find_run

    asked = find_metric(metric)
    found = find(find_run(case, suite, folder), case, counter, context, asked)
    if code:
        tell_code(found, find_folder(case, suite, folder))
    else:
        tell(found, depth)


def tell(found: Any, depth: int) -> None:
    from flop_harness.report.analysis.bridges import merged
    from flop_harness.report.formats.terminal.bridge import explain as lines
    from flop_harness.report.formats.terminal.bridge import grid

    width = terminal().width
    for bridge, contexts in merged(found.bridges):
        title = f"{bridge.counter} on {bridge.case}, {bridge.metric} ({', '.join(contexts)})"
        show(grid(title, list(lines(found.index, bridge, depth=depth)), width))
    tell_silence(found)


def tell_code(found: Any, folder: Path) -> None:
    from flop_harness.report.sources.figure_code import explained
    from flop_harness.report.sources.traced_figures import TracedFigures

    for piece in explained(TracedFigures(folder, found.index), found.bridges):
        print(piece)
    tell_silence(found)


def tell_silence(found: Any) -> None:
    from flop_harness.report.formats.terminal.case import silence

    for reading in found.silent:
        say(silence(reading))
