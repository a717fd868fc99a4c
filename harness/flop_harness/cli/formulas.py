"""``flop-harness formulas``: what a language model costs by every published formula."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import app, models_print_to_stderr, print_json, show
from flop_harness.cli.options import JsonOption, KwargsOption
from flop_harness.cli.targets import is_model, separated
from flop_harness.errors import UserError, suggest

PREFIXES = {"K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
ModelArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A shape (list shapes), a .toml file, or a model reference."
    ),
]
LengthOption = Annotated[
    Optional[int],
    typer.Option("--length", help="Tokens of a sequence.", show_default="the model's context"),
]
ExtendOption = Annotated[
    bool, typer.Option("--extend", help="Allow a length beyond the model's positions.")
]
DtypeOption = Annotated[str, typer.Option("--dtype", help="Type of weights and cache.")]


@app.command()
def formulas(
    model: ModelArgument,
    kwargs: KwargsOption = None,
    length: LengthOption = None,
    batch: Annotated[int, typer.Option(min=1, max=10**7, help="Sequences at once.")] = 1,
    tokens: Annotated[
        Optional[str], typer.Option(help="Tokens of a training run, such as 15.6T or 15.6e12.")
    ] = None,
    formula: Annotated[
        Optional[str], typer.Option(help="Only these, by comma; one alone term by term.")
    ] = None,
    peak: Annotated[Optional[str], typer.Option(help="A device's peak: see list peaks.")] = None,
    dtype: DtypeOption = "bf16",
    optimizer: Annotated[str, typer.Option(help="adam, momentum or sgd.")] = "adam",
    drift: Annotated[bool, typer.Option("--drift", help="Versions of each project's.")] = False,
    extend: ExtendOption = False,
    json: JsonOption = False,
) -> None:
    """Show what every formula says of a language model, and the switches in which they differ.

    Of a model reference, such as net.py:make, the shape is read off a traced training step, and
    each formula is led back to the products that run in it.
    """
    from flop_harness.ask import formulas as asked
    from flop_harness.suite import peaks

    refuse(dtype, optimizer)
    shape, at, trace = shape_asked(model, kwargs, length, extend)
    named = separated(formula)
    found = asked.chosen(shape, at, named, trace)
    run = count_of(tokens) if tokens is not None else None
    limit = peaks.find(peak, dtype) if peak else None
    if drift:
        return tell_drift(asked.versions(shape, at), shape, json)
    phases = asked.phases(shape, at, batch, dtype, limit, optimizer)
    held = asked.memory_of(shape, at, batch, dtype, optimizer)
    if json:
        return dump("formulas", shape=shape, length=at, batch=batch, tokens=run, formulas=found,
                    phases=phases, memory=held)  # fmt: skip
    tell(shape, at, batch, run, found, phases, held, limit, named)
    return None


def shape_asked(
    model: str, kwargs: list[str] | None, length: int | None, extend: bool
) -> tuple[Any, int, Any]:
    """(shape, length, trace): of a model reference read off a traced training step, else None."""
    from flop_harness.ask import formulas as asked
    from flop_harness.suite.keywords import keywords

    if is_model(model) and ".toml:" not in model and "://" not in model:
        with models_print_to_stderr():
            return asked.traced(model, length, extend, keywords(kwargs or ()))
    if kwargs:
        raise UserError(f"--kwargs says how a model is made; {model} is a shape")
    return (*asked.shape_of(model, length, extend), None)


def tell(
    shape: Any, length: int, batch: int, tokens: int | None, found: list[Any], phases: list[Any],
    held: list[Any], peak: Any, named: list[str],
) -> None:  # fmt: skip
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.report.tables import language

    if len(named) == 1:
        return show(grid(language.bridge(found[0], shape)))
    parts = [] if named else [language.phases(phases, peak), language.memory(held, shape)]
    return show(*map(grid, (language.formulas(found, shape, length, batch, tokens), *parts)))


def tell_drift(versions: list[Any], shape: Any, as_json: bool) -> None:
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.report.tables import language

    if as_json:
        return dump("formulas --drift", shape=shape, versions=[
            {"project": project, "date": date, "commit": commit, **language.plain(found)}
            for project, date, commit, found in versions
        ])  # fmt: skip
    return show(grid(language.drift(versions, shape)))


def dump(command: str, **parts: Any) -> None:
    """A JSON object on stdout, with the version of its schema."""
    from flop_harness.report.tables.language import plain

    print_json({"schema": f"{command}/1", **plain(parts)})


def count_of(text: str) -> int:
    """A count such as ``15.6e12``, ``15.6T`` or ``300,000,000,000``. UserError for anything else."""
    value = figure(text, "--tokens")
    if value < 1 or value.denominator != 1 or value > 10**18:
        raise UserError(f"--tokens {text} is no count of tokens, such as 15.6e12")
    return int(value)


def figure(text: str, option: str) -> Fraction:
    """A figure with K, M, B or T behind it, or without. UserError, naming the option, for anything else."""
    from flop_harness.records.units import parse_figure

    digits, prefix = text.strip()[:-1], PREFIXES.get(text.strip()[-1:].upper())
    try:
        return parse_figure(digits).value * prefix if prefix else parse_figure(text).value
    except UserError:
        raise UserError(f"{option} {text!r} is no number, such as 2900, 15.6e12 or 15.6T") from None


def refuse(dtype: str, optimizer: str = "adam") -> None:
    """UserError for a type or an optimizer that is not known."""
    from flop_harness.conventions.transformers.memory import BYTES, OPTIMIZERS

    for what, name, known in (("dtype", dtype, BYTES), ("optimizer", optimizer, OPTIMIZERS)):
        if name not in known:
            near = suggest(name, known)
            raise UserError(f"unknown {what} {name!r}{near}; known: {', '.join(known)}")
