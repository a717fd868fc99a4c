"""The command line: wiring and exit codes. Data on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn, Optional

import typer

from harness.errors import UserError, suggest

FINE, USER, FAILED = 0, 2, 3

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Count FLOPs, MACs and parameters with every tool, and explain every difference.",
)

InputOption = Annotated[
    Optional[list[str]],
    typer.Option("--input", help="Shape of an input, such as 1x3x224x224; one option each."),
]


def main() -> None:
    """Entry point: the user's mistakes end in one line and exit code 2."""
    try:
        app()
    except UserError as error:
        fail(str(error))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(FINE)


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


@contextmanager
def interruptible() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted; what was finished is kept")
        sys.exit(130)


def fail(message: str) -> NoReturn:
    say("flop-harness: " + " ".join(message.split()))
    sys.exit(USER)


# ------------------------------------------------------------------------------------- compare


@app.command()
def compare(
    target: Annotated[str, typer.Argument(help="A suite (name or .toml), or a model reference.")],
    input: InputOption = None,
    out: Annotated[
        Optional[Path], typer.Option(help="Folder for the results [results/<suite>].")
    ] = None,
    cases: Annotated[
        Optional[str], typer.Option(help="Only the cases whose id matches this glob.")
    ] = None,
    counters: Annotated[
        Optional[str], typer.Option(help="Only these counters, separated by commas.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    timing: Annotated[
        bool, typer.Option("--timing/--no-timing", help="Time the forward passes too.")
    ] = True,
    jobs: Annotated[int, typer.Option(min=1, help="Cases worked on at once.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what was run before.")] = False,
) -> None:
    """Run every counter on a suite or a model, and explain every difference."""
    from harness import progress, suite

    refuse_half_a_reference(target)
    if device not in ("auto", "cpu", "cuda"):
        raise UserError(f"unknown device {device!r}{suggest(device, ('auto', 'cpu', 'cuda'))}")
    options: dict[str, Any] = {
        "counters": separated(counters), "device": device, "jobs": jobs, "timing": timing,
    }  # fmt: skip
    if is_model(target):
        if cases is not None:
            raise UserError("--cases chooses among the cases of a suite; this is one model")
        case = suite.case_from_model(target, input or [])
        compare_model(case, out, fresh, options, progress.of_model())
    else:
        if input:
            raise UserError("--input gives the inputs of a model; a suite has its own")
        compare_suite(suite.load(target), target, out, cases, fresh, options, progress)


def compare_suite(
    suite: Any,
    source: str,
    out: Path | None,
    cases: str | None,
    fresh: bool,
    options: dict,
    progress: Any,
) -> None:
    from harness import report
    from harness.session import carry_out, check_counters, make_plan, save, select

    check_counters(suite, source)
    chosen = select(suite, cases)
    folder = out or Path("results") / safe_name(suite.name)
    plan = make_plan(chosen, folder, fresh=fresh, **options)
    with progress.of_suite(chosen.name) as watch, interruptible():
        run = carry_out(plan, watch.progress)
    if watch.nothing_done:
        say(f"{folder} holds this run already, finished; --fresh runs it anew")
    save(run, folder)
    for line in report.verdict_lines(run):
        print(line)
    print(f"report: {folder / 'report.html'}")
    sys.exit(exit_code(run))


def compare_model(case: Any, out: Path | None, fresh: bool, options: dict, watch: Any) -> None:
    from harness import report
    from harness.session import carry_out, compare_once, make_plan, save, single

    suite = single(case)
    with watch, interruptible():
        if out is None:
            run = compare_once(suite, watch.progress, **options)
        else:
            run = carry_out(make_plan(suite, out, fresh=fresh, **options), watch.progress)
            save(run, out)
    for failure in run.failures:
        if failure.stage == "model":
            raise UserError(failure.message)
    show(report.case_table(run, case.id))
    for line in report.verdict_lines(run):
        print(line)
    sys.exit(exit_code(run))


def exit_code(run: Any) -> int:
    """2 if a model of the user's did not run, 3 if a counter or we failed, else 0."""
    from harness import report

    if any(failure.stage == "model" for failure in run.failures):
        return USER
    broken_timing = any(timing.status != "ok" for timing in run.timings)
    if run.failures or broken_timing or not report.verdict(run).clean:
        return FAILED
    return FINE


def show(table: Any) -> None:
    """A table on stdout; as wide as it needs to be where stdout is no terminal."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=200)
    console.print(table)


def refuse_half_a_reference(target: str) -> None:
    """A file of models without the model, or a model's name without its provider."""
    if target.endswith(".py"):
        raise UserError(f"{target} is a file of models: name one, as in {target}:NAME")
    from harness.suite import names

    if is_model(target) or target in names() or Path(target).exists() or "." in target:
        return
    from harness.references import providers_of

    homes = providers_of(target)
    if homes:
        raise UserError(f"no suite {target!r}; a model of that name is {' or '.join(homes)}")


def is_model(target: str) -> bool:
    """``provider:name`` is a model; a name or a file is a suite."""
    return ":" in target and not target.endswith(".toml")


def separated(names: str | None) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()] if names else []


def safe_name(name: str) -> str:
    from harness.environment import slug

    return slug(name)[:80] or "suite"


# --------------------------------------------------------------------------------------- count


@app.command()
def count(
    model: Annotated[str, typer.Argument(help="A model reference, such as torchvision:resnet18.")],
    input: InputOption = None,
    convention: Annotated[str, typer.Option(help="See: flop-harness list conventions.")] = "macs",
    by: Annotated[str, typer.Option(help="module, function, operator or term.")] = "term",
    depth: Annotated[
        Optional[int], typer.Option(min=0, help="Fold modules below this depth.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Count one model under one convention, without running it."""
    from harness import counting, suite

    if by not in counting.GROUPS:
        raise UserError(f"unknown --by {by!r}{suggest(by, counting.GROUPS)}; "
                        f"known: {', '.join(counting.GROUPS)}")  # fmt: skip
    if depth is not None and by != "module":
        raise UserError("--depth folds modules; it goes with --by module")
    case = suite.case_from_model(model, input or [])
    with models_print_to_stderr():
        counted = counting.count_case(case, convention, by, depth)
    print(counted.to_json()) if json else show(counted.to_table())


# ---------------------------------------------------------------------------------------- list


@app.command("list")
def list_(
    what: Annotated[str, typer.Argument(help="suites, cases, counters or conventions.")],
    suite: Annotated[
        Optional[str], typer.Option(help="Whose cases; all suites' if not given.")
    ] = None,
) -> None:
    """List what there is."""
    from harness import listing

    known = listing.LISTS
    if what not in known:
        raise UserError(f"cannot list {what!r}{suggest(what, known)}; known: {', '.join(known)}")
    show(known[what](suite))
