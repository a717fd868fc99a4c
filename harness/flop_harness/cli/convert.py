"""``flop-harness convert``: a figure under one convention turned into another."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import app, print_json, show, tell, terminal
from flop_harness.cli.options import DtypeOption, InputOption, JsonOption, KwargsOption, ModeOption
from flop_harness.cli.targets import is_model, model_case
from flop_harness.errors import UserError

WAYS = (
    "A convention or a counter, such as ptflops: see flop-harness list conventions, list counters."
)


@app.command()
def convert(
    figure: Annotated[
        str,
        typer.Argument(
            metavar="FIGURE", help="Such as 4.089GMac, '4.1 GFLOPs', 4.1 or 25,557,032."
        ),
    ],
    model: Annotated[str, typer.Option(help="A model reference, or a case of a suite.")],
    source: Annotated[
        str, typer.Option("--from", help=WAYS, show_default="all of them: which give the figure")
    ] = "",
    target: Annotated[
        str, typer.Option("--to", help=WAYS, show_default="macs; params of parameters")
    ] = "",
    input: InputOption = None,
    kwargs: KwargsOption = None,
    train: ModeOption = None,
    dtype: DtypeOption = None,
    results: Annotated[
        Optional[str],
        typer.Option(
            "--dir", "--out", help="The model is a case of these results: suite, folder or file."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Convert a figure of one tool or convention into another's, and show why they differ."""
    from flop_harness.ask.convert import convert as converted
    from flop_harness.ask.convert import given_by
    from flop_harness.run.isolation import run_aloud

    case, folder = asked_about(model, input, train, dtype, kwargs, results)
    if not source:
        if target:
            raise UserError(f"--to {target} wants --from: who counted {figure}?")
        tell_ways(figure, run_aloud(lambda: given_by(figure, case, folder), case.model), case, json)
        return
    found = run_aloud(lambda: converted(figure, case, source, target, folder), case.model)
    if json:
        from flop_harness.report.documents.json_documents import conversions

        print_json(conversions(found))
        return
    for each in found:
        tell_bridge(each)
    for line in found[0].remarks:
        tell(line)


def asked_about(
    model: str, inputs: list[str] | None, train: bool | None, dtype: str | None,
    kwargs: list[str] | None, results: str | None = None,
) -> tuple[Any, str]:  # fmt: skip
    """A model reference as a case, or a case of a suite or of results; and where its files are."""
    from flop_harness.ask.convert import case_of

    if is_model(model) and not results:
        return model_case(model, inputs, train, dtype, kwargs), ""
    if kwargs or train is not None or dtype is not None:
        raise UserError("--kwargs, --train, --eval and --dtype are for a model reference: a case of a "
                        "suite has its own")  # fmt: skip
    return case_of(model, inputs or [], results or "")


def tell_ways(figure: str, found: list[Any], case: Any, json: bool) -> None:
    """The ways of counting that give a figure, as a table or as JSON."""
    from flop_harness.report.documents.json_documents import document
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.report.tables.conversions import ways_table
    from flop_harness.report.tables.table import filled

    table = ways_table(figure, case.model, found)
    if json:
        print_json({**document("ways", table), "model": case.model, "figure": figure})
        return
    show(grid(filled(table)))
    tell(f"what another would say: --from {found[0].amount.way} --to NAME")


def tell_bridge(conversion: Any) -> None:
    from flop_harness.report.formats.terminal.bridge import between, grid

    source, target = conversion.source, conversion.target
    title = f"{conversion.figure.text} of {conversion.model}, from {source.name} to {target.name}"
    lines = between(conversion.bridge, (source.way, source.unit), (target.way, target.unit))
    show(grid(title, list(lines), terminal().width))
