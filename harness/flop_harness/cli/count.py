"""``flop-harness count``: a model, or several, under one convention."""

from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import app, print_json, show, tell_trained
from flop_harness.cli.options import (
    DtypeOption,
    InputOption,
    JsonOption,
    KwargsOption,
    ModelsArgument,
    ModeOption,
    OptimizerOption,
    SweepOption,
    TrainingOption,
)
from flop_harness.cli.targets import model_suite
from flop_harness.errors import UserError, suggest

ConventionOption = Annotated[
    str,
    typer.Option(
        help="A convention, or a counter by whose rules to count: see list conventions, list counters."
    ),
]

ByOption = Annotated[
    Optional[str],
    typer.Option(
        help="Group by term, module, class (of modules), function, operator, module,operator or phase.",
        show_default="term; module with --depth",
    ),
]

DepthOption = Annotated[
    Optional[int], typer.Option(min=0, help="Show this many levels of modules.")
]


@app.command()
def count(
    models: ModelsArgument,
    input: InputOption = None,
    kwargs: KwargsOption = None,
    train: ModeOption = None,
    dtype: DtypeOption = None,
    sweep: SweepOption = None,
    training: TrainingOption = False,
    optimizer: OptimizerOption = None,
    convention: ConventionOption = "macs",
    by: ByOption = None,
    depth: DepthOption = None,
    json: JsonOption = False,
) -> None:
    """Count models under one convention, without running them; several stand beside the first.

    A training step goes back from the model's own loss, else from the sum of its outputs; the model
    is in training mode unless --eval is given.
    """
    from flop_harness.ask.count import GROUPS, count_case, training_variant
    from flop_harness.ask.count_tables import document, tables
    from flop_harness.report.formats.terminal.bars import Barred
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.run.isolation import run_aloud

    by = by or ("term" if depth is None else "module")
    if by not in GROUPS:
        raise UserError(f"unknown --by {by!r}{suggest(by, GROUPS)}; "
                        f"known: {', '.join(GROUPS)}")  # fmt: skip
    if depth is not None and by != "module":
        raise UserError("--depth folds modules; it goes with --by module")
    variant = training_variant(training, optimizer)
    mode = True if variant and train is None else train
    cases = model_suite(models, input, mode, dtype, sweep, kwargs).cases

    def counted() -> Any:
        found = [count_case(case, convention, by, depth, variant=variant) for case in cases]
        modes = {case.model: each.trace.context.mode
                 for case, each in zip(cases, found, strict=True)}  # fmt: skip
        return document(found) if json else tables(found, by), modes

    told, modes = run_aloud(counted, ", ".join(models))
    if json:
        print_json(told)
        return
    show(*(Barred(grid(table), shares) if shares else grid(table) for table, shares in told))
    tell_trained(modes, mode)
