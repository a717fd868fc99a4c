"""``flop-harness convert``: a figure under one convention turned into another."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import app, print_json, show, tell, terminal
from flop_harness.cli.options import InputOption, JsonOption

WAYS = (
    "A convention or a counter, such as ptflops: see flop-harness list conventions, list counters."
)


@app.command()
def convert(
    figure: Annotated[
        str, typer.Argument(help="Such as 4.089GMac, '4.1 GFLOPs', 4.1 or 25,557,032.")
    ],
    model: Annotated[str, typer.Option(help="A model reference, or a case of a suite.")],
    source: Annotated[str, typer.Option("--from", help=WAYS)],
    target: Annotated[
        str, typer.Option("--to", help=WAYS, show_default="macs; params of parameters")
    ] = "",
    input: InputOption = None,
    results: Annotated[
        Optional[str],
        typer.Option(
            "--dir", "--out", help="The model is a case of these results: suite, folder or file."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Convert a figure of one tool or convention into another's, and show why they differ."""
    from flop_harness.ask.convert import case_of
    from flop_harness.ask.convert import convert as converted
    from flop_harness.run.isolation import run_aloud

    case, folder = case_of(model, input or [], results or "")
    found = run_aloud(lambda: converted(figure, case, source, target, folder), case.model)
    if json:
        from flop_harness.report.documents.json_documents import conversions

        print_json(conversions(found))
        return
    for each in found:
        tell_bridge(each)
    for line in found[0].remarks:
        tell(line)


def tell_bridge(conversion: Any) -> None:
    from flop_harness.report.formats.terminal.bridge import between, grid

    source, target = conversion.source, conversion.target
    title = f"{conversion.figure.text} of {conversion.model}, from {source.name} to {target.name}"
    lines = between(conversion.bridge, (source.way, source.unit), (target.way, target.unit))
    show(grid(title, list(lines), terminal().width))
