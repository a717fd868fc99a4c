"""``flop-harness claims``: published figures held against everything that could be behind them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import (
    FINE,
    USER,
    app,
    interruptible,
    models_print_to_stderr,
    print_json,
    say,
    show,
)
from flop_harness.cli.app import tell as tell_line
from flop_harness.cli.options import FreshOption, JsonOption
from flop_harness.cli.targets import safe_name
from flop_harness.errors import UserError, install_command, require
from flop_harness.records import EVERY

HOME = Path("results") / "claims"


@app.command()
def claims(
    file: Annotated[
        Optional[str],
        typer.Argument(
            metavar="FILE", help="A claim file: name or .toml.", show_default="all that come along"
        ),
    ] = None,
    out: Annotated[
        Optional[Path],
        typer.Option(help="Folder for the report.", show_default="results/claims, or one below"),
    ] = None,
    jobs: Annotated[
        Optional[int],
        typer.Option(min=1, help="Processes run in parallel.", show_default="one for each core"),
    ] = None,
    fresh: FreshOption = False,
    json: JsonOption = False,
) -> None:
    """Audit published figures: which ways of counting reproduce them, and what is wrong."""
    from flop_harness.audit.claims import load, names

    require("report")
    files = [load(file)] if file else [*usable(load(name) for name in names())]
    folder = out or (HOME / safe_name(files[0].name) if file else HOME)
    for each in files:
        if each.skipped:
            say(f"{each.name}: columns that are no counts are skipped: {', '.join(each.skipped)}")
    with (
        interruptible("the models that are counted are kept: the same command goes on"),
        models_print_to_stderr(),
    ):
        done = audited(files, out or HOME, jobs or os.cpu_count() or 1, fresh)
    if json:
        from flop_harness.report.documents.json_documents import document
        from flop_harness.report.tables.audit import table

        print_json(document("claims", table(done)))
    else:
        tell(done, bool(file))
    save(done, folder)
    (say if json else print)(f"report: {folder / 'report.html'}")
    broken = uncounted(done)
    for line in broken:
        say(line)
    sys.exit(USER if broken else FINE)


def usable(files: Iterable[Any]) -> Iterator[Any]:
    """The files whose libraries of models are installed; of the others that they are left out."""
    for file in files:
        if file.missing:
            commands = " and ".join(map(install_command, sorted(file.missing)))
            say(f"{file.name}: left out, its models are not installed ({commands})")
        else:
            yield file


def uncounted(done: Any) -> list[str]:
    """A line for each model that could not be counted."""
    return [
        f"{model}: {reasons[EVERY]}" for model, reasons in done.silent.items() if EVERY in reasons
    ]


def audited(files: list[Any], folder: Path, jobs: int, fresh: bool = False) -> Any:
    from flop_harness.audit import audit
    from flop_harness.report.words.text import plural

    def progress(done: int, total: int) -> None:
        say(f"{done:,} of {plural(total, 'model')} counted")

    return audit(files, folder, jobs, progress, fresh, say)


def tell(done: Any, everything: bool) -> None:
    """All verdicts of one file; of several, how many there are."""
    from flop_harness.report.analysis.audit import entries, headline
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.report.tables.audit import by_file, short

    if everything:
        show(grid(short(entries(done), "Verdicts")))
    else:
        show(grid(by_file(done)))
    tell_line(headline(done))


def save(done: Any, folder: Path) -> None:
    from flop_harness.report.documents.files import AUDIT
    from flop_harness.store import AUDIT_FILE, dump_audit, write_atomically

    done = as_before(done, folder)
    write_atomically(folder / AUDIT_FILE, dump_audit(done))
    for name, render in AUDIT.items():
        write_atomically(folder / name, render(done))


def as_before(done: Any, folder: Path) -> Any:
    """With the date of the audit that lies in the folder, if that said the same on the same."""
    from flop_harness.store import AUDIT_FILE, load_audit

    if not (folder / AUDIT_FILE).is_file():
        return done
    try:
        before = load_audit(folder)
    except UserError as error:
        say(f"written anew: {error}")
        return done
    return before if undated(before) == undated(done) else done


def undated(audit: Any) -> Any:
    return replace(audit, environment={**audit.environment, "date": None, "git": None})
