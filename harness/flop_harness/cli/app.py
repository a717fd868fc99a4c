"""What the commands share: the app, exit codes and what goes where."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from flop_harness import __version__
from flop_harness.errors import Terminated, UserError

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


def is_model(target: str) -> bool:
    """``provider:name`` is a model; a name or a file is a suite."""
    return ":" in target and not target.endswith(".toml")


def model_case(
    reference: str,
    inputs: list[str] | None,
    train: bool | None,
    dtype: str | None,
    kwargs: list[str] | None = None,
) -> Any:
    """The case of a model on the command line. Raises UserError."""
    from flop_harness.suite.files import case_from_model
    from flop_harness.suite.keywords import keywords

    mode = None if train is None else "train" if train else "eval"
    options = {"mode": mode, "dtype": dtype, "kwargs": keywords(kwargs or ())}
    return case_from_model(reference, inputs or [],
                           **{key: each for key, each in options.items() if each})  # fmt: skip


def model_suite(
    references: list[str],
    inputs: list[str] | None,
    train: bool | None,
    dtype: str | None,
    sweep: str | None,
    kwargs: list[str] | None = None,
) -> Any:
    """Models of the command line as one suite, each at every size of a sweep. Raises UserError."""
    from flop_harness.run.planning import of_models

    made = [model_case(each, inputs, train, dtype, kwargs) for each in dict.fromkeys(references)]
    if sweep is not None:
        from flop_harness.run.isolation import run_aloud
        from flop_harness.suite.sweeps import swept

        made = [each for case in made
                for each in run_aloud(partial(swept, case, sweep), case.model)]  # fmt: skip
    return of_models(made)


def refuse_for_suites(
    inputs: list[str] | None,
    train: bool | None,
    dtype: str | None,
    sweep: str | None = None,
    kwargs: list[str] | None = None,
) -> None:
    """What the cases of a suite say themselves is not said again."""
    if inputs:
        raise UserError("--input gives the inputs of a model; a suite has its own")
    if kwargs:
        raise UserError("--kwargs says how a model is made; the cases of a suite say it")
    if train is not None or dtype is not None:
        raise UserError("--train, --eval and --dtype are for a model; the cases of a suite say it")
    if sweep is not None:
        raise UserError("--sweep changes the inputs of a model; a suite has its own")


def refuse_half_a_reference(target: str) -> None:
    """A file of models without the model, or a model's name without its provider."""
    if target.endswith(".py"):
        raise UserError(f"{target} is a file of models: name one, as in {target}:NAME")
    from flop_harness.suite.files import names

    if is_model(target) or target in names() or Path(target).exists() or "." in target:
        return
    from flop_harness.suite.references import providers_of

    homes = providers_of(target)
    if homes:
        raise UserError(f"no suite {target!r}; a model of that name is {' or '.join(homes)}")


def separated(names: str | None) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()] if names else []


def counters_asked(names: str | None) -> list[str]:
    """Ids of the counters that an option names, as people write them, or ``all``.

    UserError for an unknown one.
    """
    from flop_harness.counters import find

    written = separated(names)
    if not written or written == ["all"]:  # whoever asks all takes those that fit
        return written
    return [counter.id for counter in find(written)]


def counter_asked(name: str) -> str:
    """The id of the one counter that a name stands for; of several the usual one, which is said.

    An unknown name stays as it is: whoever looks for it says what there is.
    """
    from flop_harness.counters import counters
    from flop_harness.counters.names import ids_called

    base, at, release = name.partition("@")
    first, *others = ids_called(base, counters()) or (base,)
    if others:
        say(f"{name} is read as {first}; there is also {', '.join(others)}")
    return f"{first}{at}{release}"


def safe_name(name: str) -> str:
    from flop_harness.run.environment import slug

    return slug(name)[:80] or "suite"
