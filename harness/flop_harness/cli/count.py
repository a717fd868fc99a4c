"""``flop-harness count``: one model under one convention."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from flop_harness.cli.app import (
    DtypeOption,
    InputOption,
    ModeOption,
    OptimizerOption,
    TrainingOption,
    app,
    model_case,
    models_print_to_stderr,
    show,
)
from flop_harness.errors import UserError, suggest


@app.command()
def count(
    model: Annotated[str, typer.Argument(help="A model reference, such as torchvision:resnet18.")],
    input: InputOption = None,
    train: ModeOption = None,
    dtype: DtypeOption = None,
    training: TrainingOption = False,
    optimizer: OptimizerOption = None,
    convention: Annotated[
        str,
        typer.Option(
            help="A convention, or a counter by whose rules to count: see flop-harness list."
        ),
    ] = "macs",
    by: Annotated[
        str, typer.Option(help="Group by module, function, operator, term or phase.")
    ] = "term",
    depth: Annotated[
        Optional[int], typer.Option(min=0, help="With --by module: show this many levels.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Count one model under one convention, without running it.

    A training step goes back from the model's own loss, else from the sum of its outputs; the model
    is in training mode unless --eval is given.
    """
    from flop_harness.ask import count as counting
    from flop_harness.report.formats.terminal.grid import grid

    if by not in counting.GROUPS:
        raise UserError(f"unknown --by {by!r}{suggest(by, counting.GROUPS)}; "
                        f"known: {', '.join(counting.GROUPS)}")  # fmt: skip
    if depth is not None and by != "module":
        raise UserError("--depth folds modules; it goes with --by module")
    variant = counting.training_variant(training, optimizer)
    case = model_case(model, input, True if variant and train is None else train, dtype)
    with models_print_to_stderr():
        counted = counting.count_case(case, convention, by, depth, variant=variant)
    print(counted.to_json()) if json else show(grid(counted.to_table()))
