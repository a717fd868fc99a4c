"""``flop-harness layers``: a model layer by layer."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Optional

import typer

from flop_harness.cli.app import app, print_json, show, tell_trained
from flop_harness.cli.options import (
    DtypeOption,
    InputOption,
    JsonOption,
    KwargsOption,
    ModeOption,
    OptimizerOption,
    TrainingOption,
)
from flop_harness.cli.targets import model_case, separated
from flop_harness.errors import UserError

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model reference, such as torchvision:resnet18.")
]

ColumnsOption = Annotated[
    Optional[str],
    typer.Option(
        help="Columns to show, separated by commas: input, kernel, trainable and 'of all' (parameters) too.",
        show_default="all but these",
    ),
]

WeightsOption = Annotated[
    bool, typer.Option("--weights", help="A row for each parameter, below its layer.")
]


ParametersOption = Annotated[
    bool,
    typer.Option(
        "--parameters", help="Parameters alone: the model is not called, and needs no input."
    ),
]

DepthOption = Annotated[Optional[int], typer.Option(min=0, help="So many levels of modules.")]
SortOption = Annotated[
    Optional[str],
    typer.Option(
        help="macs, parameters, bytes, output bytes or calls; the largest first.",
        show_default="the order of the model",
    ),
]
TopOption = Annotated[Optional[int], typer.Option(min=1, help="Only the first so many.")]
OnlyOption = Annotated[
    Optional[str], typer.Option(help="Only layers of this class, such as Conv2d.")
]
CountersOption = Annotated[
    Optional[str],
    typer.Option(help="What these counters charge each layer too, separated by commas."),
]


@app.command()
def layers(
    model: ModelArgument,
    input: InputOption = None,
    kwargs: KwargsOption = None,
    train: ModeOption = None,
    dtype: DtypeOption = None,
    training: TrainingOption = False,
    optimizer: OptimizerOption = None,
    depth: DepthOption = None,
    sort: SortOption = None,
    top: TopOption = None,
    only: OnlyOption = None,
    counters: CountersOption = None,
    columns: ColumnsOption = None,
    weights: WeightsOption = False,
    parameters: ParametersOption = False,
    json: JsonOption = False,
) -> None:
    """Show the layers of a model: shapes, parameters, MACs, bytes; and its totals.

    Nothing is run. The charges of counters are by their rules. Of a training step there are columns
    for its phases.
    """
    from flop_harness.ask.count import training_variant
    from flop_harness.ask.layer_choice import chosen
    from flop_harness.ask.layer_tables import document, layer_table, totals_table
    from flop_harness.ask.layers import layers_at_rest, layers_of_case
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.run.isolation import run_aloud

    variant = training_variant(training, optimizer)
    if parameters and (variant or counters or input):
        raise UserError(
            "--parameters calls nothing: leave out --input, --counters, --training and --optimizer"
        )
    mode = True if variant and train is None else train
    case = model_case(model, input, mode, dtype, kwargs)
    asked = (partial(layers_at_rest, case) if parameters else
             partial(layers_of_case, case, separated(counters), variant=variant))  # fmt: skip
    found = run_aloud(asked, model)
    rows = chosen(found, depth, sort, top, only)
    if json:
        print_json(document(found, rows))
        return
    as_tree = sort is None and top is None and only is None
    table = layer_table(found, rows, as_tree, separated(columns), weights)
    show(grid(table), grid(totals_table(found)))
    if found.called:
        tell_trained({model: found.mode}, mode)
