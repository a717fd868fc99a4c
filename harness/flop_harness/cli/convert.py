"""``flop-harness convert``: a figure under one convention turned into another."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flop_harness.cli.app import InputOption, app, models_print_to_stderr, show, terminal

WAYS = "A convention's or a counter's id: see flop-harness list conventions, list counters."


@app.command()
def convert(
    figure: Annotated[str, typer.Argument(help="Such as 4.089GMac, '4.1 GFLOPs' or 25,557,032.")],
    model: Annotated[str, typer.Option(help="A model reference, or a case of a suite.")],
    source: Annotated[str, typer.Option("--from", help=WAYS)],
    target: Annotated[str, typer.Option("--to", help=WAYS)],
    input: InputOption = None,
) -> None:
    """Convert a figure of one tool or convention into another's, and show why they differ."""
    from flop_harness.ask.convert import case_of
    from flop_harness.ask.convert import convert as converted

    case, folder = case_of(model, input or [])
    with models_print_to_stderr():
        found = converted(figure, case, source, target, folder)
    for each in found:
        tell(each)


def tell(conversion: Any) -> None:
    from flop_harness.report.formats.terminal.bridge import between, grid

    source, target = conversion.source, conversion.target
    title = f"{conversion.figure.text} of {conversion.model}, from {source.name} to {target.name}"
    lines = between(conversion.bridge, (source.way, source.unit), (target.way, target.unit))
    show(grid(title, list(lines), terminal().width))
