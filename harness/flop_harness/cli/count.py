"""``flop-harness count``: one model under one convention."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import (
    DtypeOption,
    InputOption,
    ModeOption,
    app,
    model_case,
    show,
)
from flop_harness.errors import UserError, suggest


@app.command()
def count(
    model: Annotated[str, typer.Argument(help="A model reference, such as torchvision:resnet18.")],
    input: InputOption = None,
    train: ModeOption = None,
    dtype: DtypeOption = None,
    convention: Annotated[
        str,
        typer.Option(
            help="A convention, or a counter by whose rules to count: see flop-harness list."
        ),
    ] = "macs",
    by: Annotated[str, typer.Option(help="Group by module, function, operator or term.")] = "term",
    depth: Annotated[
        Optional[int], typer.Option(min=0, help="With --by module: show this many levels.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count one model under one convention, without running it."""
    from flop_harness.ask import count as counting
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.run.isolation import run_aloud

    if by not in counting.GROUPS:
        raise UserError(f"unknown --by {by!r}{suggest(by, counting.GROUPS)}; "
                        f"known: {', '.join(counting.GROUPS)}")  # fmt: skip
    if depth is not None and by != "module":
        raise UserError("--depth folds modules; it goes with --by module")
    case = model_case(model, input, train, dtype)

    def counted() -> Any:
        found = counting.count_case(case, convention, by, depth)
        return found.to_json() if json else found.to_table()

    told = run_aloud(counted, model)
    print(told) if json else show(grid(told))
