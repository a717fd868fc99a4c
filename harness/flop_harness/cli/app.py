"""What the commands share: the app, exit codes and what goes where."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer

from flop_harness.errors import Terminated, UserError
from flop_harness.version import __version__

LONGEST_LINE = 900
FINE, USER, FAILED, INTERRUPTED, TERMINATED = 0, 2, 3, 130, 143


class Interrupted(SystemExit):
    """The end of a command that was interrupted and has said so."""


app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def tell_version(asked: bool) -> None:
    if asked:
        print(f"flop-harness {__version__}")
        raise typer.Exit(FINE)


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=tell_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Count FLOPs, MACs and parameters with every tool, and explain every difference."""


def printable(text: str) -> str:
    """Without signs that steer a terminal or turn the direction of what follows."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def models_print_to_stderr() -> Iterator[None]:
    """Data alone goes to stdout, whatever a model prints."""
    sys.stdout.flush()
    ours = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(ours, 1)
        os.close(ours)


NOTHING_KEPT = "nothing was kept"


@contextmanager
def interruptible(kept: str | Callable[[], str] = NOTHING_KEPT) -> Iterator[None]:
    """Ctrl-C or SIGTERM ends the command in one line that tells what was kept."""

    def told() -> str:
        return kept if isinstance(kept, str) else kept()

    try:
        yield
    except KeyboardInterrupt:
        say(f"interrupted; {told()}")
        raise Interrupted(INTERRUPTED) from None
    except Terminated:
        say(f"terminated; {told()}")
        raise Interrupted(TERMINATED) from None


@contextmanager
def terminable() -> Iterator[None]:
    """Within, SIGTERM raises Terminated, once: what is cleaned up then is not disturbed again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: Any) -> NoReturn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated(TERMINATED)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def fail(message: str, below: str = "") -> NoReturn:
    """Tell the user's mistake in one line, with the middle of a long one left out; then a text."""
    line = " ".join(message.split())
    if len(line) > LONGEST_LINE:
        line = f"{line[: LONGEST_LINE // 2]} … {line[-LONGEST_LINE // 2 :]}"
    say(f"flop-harness: {printable(line)}")
    if below:
        say(below)
    sys.exit(USER)


def terminal() -> Any:
    """Where tables are shown: as wide as the terminal or $COLUMNS, elsewhere 200 columns."""
    from rich.console import Console

    console = Console()
    known = console.is_terminal or "COLUMNS" in os.environ
    return console if known else Console(width=200)


def show(*tables: Any) -> None:
    """Tables on stdout, an empty line between two; no line is cut off or ends in blanks."""
    console = terminal()
    for place, table in enumerate(tables, 1):
        with console.capture() as printed:
            console.print(table, crop=False)
        lines = [line.rstrip() for line in printed.get().splitlines()]
        if place < len(tables) and lines[-1:] != [""]:
            lines.append("")
        print("\n".join(lines))


def tell(text: str) -> None:
    """A line on stdout, in as many rows as it needs, no word or figure cut in two."""
    from flop_harness.report.formats.terminal.fitting import wrapped

    indent = " " * (len(text) - len(text.lstrip()))
    rows = wrapped(text.strip(), max(terminal().width - len(indent) - 2, 20)).splitlines()
    print("\n".join([indent + row if not place else f"{indent}  {row}"
                     for place, row in enumerate(rows)]))  # fmt: skip


def tell_trained(modes: Mapping[str, str], asked: bool | None) -> None:
    """That models came in training mode, where nobody asked for one: it changes what they compute."""
    from flop_harness.report.words.text import few

    names = [name for name, mode in modes.items() if mode == "train"]
    if names and asked is None:
        one = len(names) == 1
        tell(f"{few(names, 3)} {'is' if one else 'are'} in training mode; "
             f"--eval counts {'it' if one else 'them'} as for inference")  # fmt: skip


def print_json(document: Any) -> None:
    import json

    print(json.dumps(document, indent=2, ensure_ascii=False))


def step_summary(run: Any) -> None:
    """Add a run to what GitHub shows below this step; elsewhere print it, to be copied."""
    from flop_harness.report.formats.step_summary import step_summary as summary

    add_to_step_summary(summary(run))


def add_to_step_summary(text: str) -> None:
    place = os.environ.get("GITHUB_STEP_SUMMARY")
    if not place:
        print(text, end="")
        return
    try:
        with open(place, "a", encoding="utf-8", errors="replace") as page:
            page.write(text)
    except OSError as error:
        raise UserError(f"no step summary: cannot write {place}: {error.strerror}") from error
