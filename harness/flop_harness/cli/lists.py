"""``flop-harness list``: what there is."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from flop_harness.cli.app import app, print_json, show
from flop_harness.cli.options import JsonOption
from flop_harness.errors import UserError, suggest


@app.command("list")
def list_(
    what: Annotated[
        str,
        typer.Argument(
            help="suites, cases, counters, conventions, claims, models, formulas, shapes or peaks."
        ),
    ],
    provider: Annotated[
        Optional[str],
        typer.Argument(
            help="With models: torchvision, timm, transformers, ...",
            show_default="all that are installed",
        ),
    ] = None,
    suite: Annotated[
        Optional[str],
        typer.Option(help="With cases: those of this suite.", show_default="all suites"),
    ] = None,
    filter: Annotated[
        Optional[str],
        typer.Option(help="Only rows whose name has this in it, or matches it, such as 'vit*'."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """List suites, cases, counters, conventions, claim files or models."""
    from flop_harness.cli import listing
    from flop_harness.report.formats.terminal.grid import grid

    known = listing.LISTS
    if what not in known:
        raise UserError(f"cannot list {what!r}{suggest(what, known)}; known: {', '.join(known)}")
    if provider is not None and what != "models":
        raise UserError(f"{provider!r} names no {what}; a provider goes with list models")
    found = listing.filtered(known[what](provider or suite), filter, listing.NAMED.get(what, 0))
    if json:
        from flop_harness.report.documents.json_documents import document

        print_json(document("list", found))
    else:
        show(grid(found))
