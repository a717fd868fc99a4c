"""``flop-harness effects``: what counters do to the models that they count."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import app, interruptible, models_print_to_stderr, say, show
from flop_harness.cli.targets import separated

FILE, PAGE = "effects.json", "README.md"


@app.command()
def effects(
    counters: Annotated[
        Optional[str],
        typer.Argument(
            metavar="COUNTERS", help="Counters, separated by commas.", show_default="all"
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the table.")] = Path("results") / "effects",
) -> None:
    """Tell what each counter leaves behind on the models that it counts, and on torch itself."""
    from flop_harness.counters import find, version_of
    from flop_harness.counters.overlay import installing
    from flop_harness.regression.effects import on_every_model
    from flop_harness.report.words.text import plural
    from flop_harness.store import dump_effects, load_effects

    path = out / FILE
    chosen = find(separated(counters) or ["all"])
    seen = load_effects(path) if path.exists() else {}
    write(path, dump_effects(seen))  # a folder that cannot be written is told at once
    with interruptible(f"the counters that are done are kept in {path}"), models_print_to_stderr():
        for counter in chosen:
            if note := installing(counter.id, counter.overlay):
                say(note)
            models = on_every_model(counter)
            seen[counter.id] = {"version": version_of(counter), "models": models}
            say(f"{counter.id}: {plural(sum(map(len, models.values())), 'effect')}")
            write(path, dump_effects(seen))
    tell(seen, out)


def write(path: Path, content: bytes) -> None:
    from flop_harness.store import write_atomically

    write_atomically(path, content)


def tell(seen: dict[str, Any], out: Path) -> None:
    from flop_harness.report.documents import effects as page
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.report.tables import effects as tables

    show(grid(tables.table(seen)))
    write(out / PAGE, page.markdown(seen))
    print(f"table: {out / PAGE}")
