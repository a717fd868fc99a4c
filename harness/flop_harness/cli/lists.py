"""``flop-harness list``: what there is."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from flop_harness.cli.app import app, show
from flop_harness.errors import UserError, suggest


@app.command("list")
def list_(
    what: Annotated[
        str, typer.Argument(help="suites, cases, counters, conventions, formulas, shapes or peaks.")
    ],
    suite: Annotated[
        Optional[str],
        typer.Option(help="With cases: those of this suite.", show_default="all suites"),
    ] = None,
) -> None:
    """List suites, cases, counters or conventions."""
    from flop_harness.cli import listing
    from flop_harness.report.formats.terminal.grid import grid

    known = listing.LISTS
    if what not in known:
        raise UserError(f"cannot list {what!r}{suggest(what, known)}; known: {', '.join(known)}")
    show(grid(known[what](suite)))
