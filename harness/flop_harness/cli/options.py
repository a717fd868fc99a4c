"""Arguments and options that several commands take."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

TargetsArgument = Annotated[
    list[str],
    typer.Argument(metavar="TARGET", help="A suite (name or .toml), or model references."),
]

ModelsArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="MODEL", help="Model references, such as torchvision:resnet18 or net.py:Net."
    ),
]

InputOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--input",
        help="An input: 1x3x224x224, ids:1x128:int64, mask=1x128:bool; one option each.",
    ),
]

KwargsOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--kwargs",
        metavar="KEY=VALUE",
        help="What the model is made with: length=2048, config.n_layer=2; one option each.",
    ),
]

ModeOption = Annotated[
    Optional[bool],
    typer.Option("--train/--eval", help="The model's mode.", show_default="as it comes"),
]

TrainingOption = Annotated[
    bool, typer.Option("--training", help="A training step: forward and backward.")
]

OptimizerOption = Annotated[
    Optional[str],
    typer.Option(help="With the step of an optimizer: sgd, momentum, adam, adamw or muon."),
]

DtypeOption = Annotated[
    Optional[str],
    typer.Option("--dtype", help="Cast the model, such as bfloat16.", show_default="as it comes"),
]


SweepOption = Annotated[
    Optional[str],
    typer.Option(help="Several sizes of input: batch=1,8,32, length=128..512..64, resolution=..."),
]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print JSON: see the page about it in the documentation.")
]

ExactOption = Annotated[
    bool, typer.Option("--exact", help="Exact figures alone, without the short ones beside them.")
]

FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Forget what was found before: do everything anew.")
]

GithubOption = Annotated[
    bool,
    typer.Option("--github", help="Add a summary to $GITHUB_STEP_SUMMARY; elsewhere print it."),
]

CasesOption = Annotated[
    Optional[str],
    typer.Option(help="Only cases whose id matches this pattern, such as 'conv*'."),
]

CountersOption = Annotated[
    Optional[str], typer.Option(help="Only these counters, separated by commas.")
]
