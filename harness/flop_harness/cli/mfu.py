"""``flop-harness mfu``: the share of a machine's peak that a rate of tokens comes to."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from flop_harness.cli.app import app, show
from flop_harness.cli.app import tell as tell_line
from flop_harness.cli.formulas import (
    DtypeOption,
    ExtendOption,
    LengthOption,
    count_of,
    dump,
    figure,
    refuse,
    shape_asked,
)
from flop_harness.cli.options import JsonOption, KwargsOption
from flop_harness.cli.targets import separated
from flop_harness.errors import UserError

SLOWEST, FASTEST = 1e-9, 1e18
"""Tokens per second of all devices together; beyond them something is mistyped"""


@app.command()
def mfu(
    model: Annotated[
        str, typer.Option(help="A shape (list shapes), a file of one, or a model reference.")
    ],
    tokens_per_second: Annotated[str, typer.Option(help="Of all devices together.")],
    peak: Annotated[
        Optional[str], typer.Option(help="Such as H100-bf16 (list peaks), or 989e12 FLOP/s.")
    ] = None,
    kwargs: KwargsOption = None,
    gpus: Annotated[int, typer.Option(min=1, max=10**7, help="Devices.")] = 1,
    per_gpu: Annotated[bool, typer.Option("--per-gpu", help="The rate is of one device.")] = False,
    length: LengthOption = None,
    tokens: Annotated[
        Optional[str], typer.Option(help="Tokens of a training run: how long it takes.")
    ] = None,
    formula: Annotated[Optional[str], typer.Option(help="Only these, by comma.")] = None,
    dtype: DtypeOption = "bf16",
    extend: ExtendOption = False,
    json: JsonOption = False,
) -> None:
    """Turn tokens per second into MFU and HFU by every formula, and say how far they part."""
    from flop_harness.ask import formulas as asked
    from flop_harness.suite import peaks

    refuse(dtype)
    if peak is None:
        raise UserError(
            "a rate of tokens is no utilisation without a device: --peak H100-bf16, or --peak 989e12"
        )
    limit = peaks.find(peak, dtype)
    rate = figure(tokens_per_second, "--tokens-per-second") * (gpus if per_gpu else 1)
    if not SLOWEST <= rate <= FASTEST:
        raise UserError(f"--tokens-per-second {tokens_per_second}: give a rate above 0, below 1e18")
    shape, at, _ = shape_asked(model, kwargs, length, extend)
    found = asked.utilisation(asked.chosen(shape, at, separated(formula)), rate, gpus, limit)
    days = count_of(tokens) / float(rate) / 86400 if tokens is not None else None
    if json:
        return dump("mfu", shape=shape, length=at, tokens_per_second=rate, gpus=gpus, peak=limit,
                    utilisation=found, days=days)  # fmt: skip
    return tell(shape, at, float(rate), gpus, limit, found, days)


def tell(shape, length, rate, gpus, peak, found, days) -> None:
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.report.tables import language
    from flop_harness.report.words.text import digits, plural

    show(grid(language.utilisations(found, shape, peak)))
    tell_line(f"{digits(rate, 4)} tokens per second over {plural(gpus, 'device')}: "
          f"{digits(rate / gpus, 4)} each, sequences of {length:,} tokens.")  # fmt: skip
    tell_line(language.apart(found))
    if days is not None:
        tell_line(
            f"The run takes {digits(days, 4)} days, {digits(days * 24 * gpus, 4)} device hours."
        )
    if any(each.share > 1 and not each.outside for each in found):
        tell_line("More than the peak: the rate, the number of devices or the peak is wrong.")
