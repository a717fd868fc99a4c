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
        Optional[str],
        typer.Argument(
            metavar="WHAT",
            help="suites, cases, counters, conventions, claims, models, formulas, shapes or peaks.",
            show_default="what can be listed",
        ),
    ] = None,
    provider: Annotated[
        Optional[str],
        typer.Argument(
            metavar="PROVIDER",
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

    if what is None:
        found = listing.list_lists()
    elif what not in listing.LISTS:
        known = ", ".join(listing.LISTS)
        raise UserError(f"cannot list {what!r}{suggest(what, listing.LISTS)}; known: {known}")
    elif provider is not None and what != "models":
        raise UserError(f"{provider!r} names no {what}; a provider goes with list models")
    else:
        found = listing.LISTS[what](provider or suite)
    found = listing.filtered(found, filter, listing.NAMED.get(what or "", 0))
    if json:
        from flop_harness.report.documents.json_documents import document

        print_json(document("list", found))
    else:
        show(grid(found))
