"""``flop-harness claims``: published figures held against everything that could be behind them."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import (
    FreshOption,
    app,
    interruptible,
    models_print_to_stderr,
    safe_name,
    say,
    show,
)

HOME = Path("results") / "claims"


@app.command()
def claims(
    file: Annotated[
        Optional[str], typer.Argument(help="A claim file (name or .toml) [all that come along].")
    ] = None,
    out: Annotated[
        Optional[Path], typer.Option(help="Folder for the report [results/claims, or one below].")
    ] = None,
    jobs: Annotated[
        Optional[int], typer.Option(min=1, help="Processes at work at once [one for each core].")
    ] = None,
    fresh: FreshOption = False,
) -> None:
    """Audit published figures: which ways of counting reproduce them, and what is wrong."""
    from flop_harness.audit.claims import load, names

    files = [load(file)] if file else [load(name) for name in names()]
    folder = out or (HOME / safe_name(files[0].name) if file else HOME)
    with interruptible(), models_print_to_stderr():
        done = audited(files, out or HOME, jobs or os.cpu_count() or 1, fresh)
    tell(done, bool(file))
    save(done, folder)


def audited(files: list[Any], folder: Path, jobs: int, fresh: bool = False) -> Any:
    from flop_harness.audit import audit

    def progress(done: int, total: int) -> None:
        say(f"{done} of {total} models counted")

    return audit(files, folder, jobs, progress, fresh, say)


def tell(done: Any, everything: bool) -> None:
    """All verdicts of one file; of several, how many there are."""
    from flop_harness.report.formats.console import grid
    from flop_harness.report.tables import audit as report

    if everything:
        show(grid(report.short(report.entries(done), "Verdicts")))
    else:
        show(grid(report.by_file(done)))
    print(report.headline(done))


def save(done: Any, folder: Path) -> None:
    from flop_harness.report.tables import audit as report
    from flop_harness.store import write_atomically

    done = as_before(done, folder)
    for name, render in report.FILES.items():
        write_atomically(folder / name, render(done))
    print(f"report: {folder / 'report.html'}")


def as_before(done: Any, folder: Path) -> Any:
    """With the date of the audit that lies in the folder, if that said the same on the same."""
    from flop_harness.report.tables.audit import data

    try:
        before = json.loads((folder / "verdicts.json").read_bytes())
        same = undated(before) == undated(json.loads(data(done)))
    except (OSError, ValueError, LookupError, TypeError):  # none is there, or it is not ours
        return done
    return replace(done, environment=before["environment"]) if same else done


def undated(audit: Any) -> Any:
    environment = {**audit["environment"], "date": None, "git": None}
    return {**audit, "environment": environment}
