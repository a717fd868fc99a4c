"""``flop-harness count``: a model, or several, under one convention."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import (
    DtypeOption,
    InputOption,
    JsonOption,
    ModelsArgument,
    ModeOption,
    OptimizerOption,
    SweepOption,
    TrainingOption,
    app,
    model_suite,
    models_print_to_stderr,
    print_json,
    show,
)
from flop_harness.errors import UserError, suggest

ConventionOption = Annotated[
    str,
    typer.Option(help="A convention, or a counter by whose rules to count: see flop-harness list."),
]

ByOption = Annotated[
    str, typer.Option(help="Group by term, module, function, operator, module,operator or phase.")
]

DepthOption = Annotated[
    Optional[int], typer.Option(min=0, help="With --by module: show this many levels.")
]


@app.command()
def count(
    models: ModelsArgument,
    input: InputOption = None,
    train: ModeOption = None,
    dtype: DtypeOption = None,
    sweep: SweepOption = None,
    training: TrainingOption = False,
    optimizer: OptimizerOption = None,
    convention: ConventionOption = "macs",
    by: ByOption = "term",
    depth: DepthOption = None,
    json: JsonOption = False,
) -> None:
    """Count models under one convention, without running them; several stand beside the first.

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
    mode = True if variant and train is None else train
    cases = model_suite(models, input, mode, dtype, sweep).cases
    with models_print_to_stderr():
        counted = [
            counting.count_case(case, convention, by, depth, variant=variant) for case in cases
        ]
    if json:
        print_json(counted[0].to_dict() if len(counted) == 1 else counting.several(counted))
    elif len(counted) == 1:
        show(grid(counted[0].to_table()))
    else:
        tell_several(counted, by)


def tell_several(counted: Sequence[Any], by: str) -> None:
    """Totals beside the first model's, with bars; then what they are made of, side by side."""
    from flop_harness.ask import count as counting
    from flop_harness.report.analysis.sizes import shares
    from flop_harness.report.formats.terminal.bars import Barred
    from flop_harness.report.formats.terminal.grid import grid

    found = counting.sizes_of(counted)
    table = counting.totals_table(counted)
    show(Barred(grid(table), shares(each.amount for each in found)))
    show(grid(counting.parts_table(counted, by)))
