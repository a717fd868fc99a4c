"""``flop-harness explain``: one bridge as a tree, from results, or from a run made for it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import app, interruptible, print_json, say, show, terminal
from flop_harness.cli.convert import asked_about
from flop_harness.cli.options import (
    DtypeOption,
    InputOption,
    JsonOption,
    KwargsOption,
    ModeOption,
    TrainingOption,
)
from flop_harness.cli.targets import counter_asked, is_model, model_suite
from flop_harness.errors import UserError, suggest

CaseArgument = Annotated[
    str,
    typer.Argument(metavar="CASE", help="A case of a suite, such as vgg16, or a model reference."),
]

CounterArgument = Annotated[
    str, typer.Argument(metavar="COUNTER", help="A counter: see flop-harness list counters.")
]

OtherArgument = Annotated[
    Optional[str],
    typer.Argument(
        metavar="OTHER",
        help="A second one: why it says something else than the first, by their rules.",
    ),
]

FormatOption = Annotated[
    str, typer.Option("--format", help="tree, md or tex: Markdown and LaTeX to paste.")
]
FORMATS = ("tree", "md", "tex")

SuiteOption = Annotated[
    Optional[str],
    typer.Option(
        help="The suite whose results are read.",
        show_default="the first suite that has the case",
    ),
]

FolderOption = Annotated[
    Optional[Path],
    typer.Option("--dir", "--out", help="Folder of the results, or its run.json.xz."),
]

ContextOption = Annotated[
    str, typer.Option(help="Only contexts with these words, such as 'grad' or 'meta'.")
]

MetricOption = Annotated[str, typer.Option(help="compute or params.")]

DepthOption = Annotated[int, typer.Option(min=0, help="Levels of modules below each term.")]

CodeOption = Annotated[
    bool,
    typer.Option("--code", help="Print Python that gives the figure, and each term alone."),
]


@app.command()
def explain(
    case: CaseArgument,
    counter: CounterArgument,
    other: OtherArgument = None,
    suite: SuiteOption = None,
    folder: FolderOption = None,
    input: InputOption = None,
    kwargs: KwargsOption = None,
    train: ModeOption = None,
    dtype: DtypeOption = None,
    training: TrainingOption = False,
    context: ContextOption = "",
    metric: MetricOption = "compute",
    depth: DepthOption = 1,
    code: CodeOption = False,
    format: FormatOption = "tree",
    json: JsonOption = False,
) -> None:
    """Explain what a counter says of a case: term by term, with the modules behind each.

    Where no results have the case, the counter is run on it. With a second counter: from the one to
    the other.
    """
    from flop_harness.ask.explain import find, find_metric

    asked = find_metric(metric)
    if format not in FORMATS:
        raise UserError(f"unknown --format {format!r}{suggest(format, FORMATS)}; "
                        f"known: {', '.join(FORMATS)}")  # fmt: skip
    counter = counter_asked(counter)
    if other is not None:
        refuse_for_two(code or json or training or context or suite or folder)
        named = asked_about(case, input, train, dtype, kwargs)
        return tell_difference(named, (counter, counter_asked(other)), asked, depth, format)
    train = True if training and train is None else train
    given = bool(input or kwargs) or train is not None or dtype is not None
    refuse_beside_results(given, case, suite or folder)
    made = model_suite([case], input, train, dtype, None, kwargs) if is_model(case) else None
    opened = known_or_run(case, counter, folder or suite, made, given, training)
    with opened as (run, name, home):
        found = find(run, name, counter, context, asked)
        if code:
            tell_code(found, home)
        elif json:
            from flop_harness.report.documents.json_documents import explanation

            print_json(explanation(found.index, found.bridges, found.silent, name))
        elif format == "tree":
            tell_found(found, depth)
        else:
            tell_to_paste(((bridge, "") for bridge in found.bridges), format)
            tell_silence(found)
    return None


def refuse_for_two(asked: Any) -> None:
    """UserError where options are given that a bridge between two counters does not take."""
    if asked:
        raise UserError("two counters are told apart by their rules, forward: leave out "
                        "--code, --json, --training, --context, --suite and --dir")  # fmt: skip


def refuse_beside_results(given: bool, case: str, results: Any) -> None:
    """UserError where a model's inputs or mode are given for what has its own."""
    if given and not is_model(case):
        raise UserError(
            "--input, --kwargs, --train, --eval, --dtype and --training are for a model reference"
        )
    if given and results:
        raise UserError("results have their own inputs and mode: leave out --dir, --suite")


def tell_to_paste(bridges: Iterable[tuple[Any, str]], format: str) -> None:
    """Bridges, each with what it begins at, in Markdown or LaTeX."""
    from flop_harness.report.formats.markdown import grid
    from flop_harness.report.formats.tabular import tabular
    from flop_harness.report.tables.bridges import bridge_table

    render = grid if format == "md" else tabular
    print("\n\n".join(render(bridge_table(bridge, source)) for bridge, source in bridges))


def tell_difference(
    named: tuple[Any, str], names: tuple[str, str], metric: Any, depth: int, format: str
) -> None:
    """Why two counters differ: the terms from the one to the other."""
    from flop_harness.ask.convert import difference
    from flop_harness.report.formats.terminal.bridge import between, grid
    from flop_harness.run.isolation import run_aloud

    case, folder = named
    found = run_aloud(lambda: difference(case, names, metric, folder), case.model)
    source, target = found.source, found.target
    if format != "tree":
        return tell_to_paste([(found.bridge, source.way)], format)
    title = f"{case.id}, {metric}: from {source.name} to {target.name}"
    lines = between(found.bridge, (source.way, source.unit), (target.way, target.unit), depth)
    return show(grid(title, list(lines), terminal().width))


@contextmanager
def known_or_run(
    case: str, counter: str, named: str | Path | None, suite: Any, anew: bool, training: bool
) -> Iterator[tuple[Any, str, Path]]:
    """(run, the case's id, folder) of stored results, else of a run that is gone afterwards.

    Where results that are not named lack the counter, it is run on the case that they have.
    """
    from flop_harness.ask.explain import find_run, run_case
    from flop_harness.run.plan import Progress
    from flop_harness.run.processes import forkserver

    known = None if anew else find_run(case, named)
    if known is not None and (named or was_asked(*known[:2], counter)):
        yield known
        return
    if known is not None and suite is None:
        suite = only_case(*known[:2])
    forkserver()  # imports torch beside us, from the first moment
    with tempfile.TemporaryDirectory(prefix="flop-harness-") as folder:
        with interruptible():
            run = run_case(case, counter, suite, Path(folder), training, Progress(note=say))
        say(f"no results of {case} here: {counter} was run on it")
        yield run, run.suite.cases[0].id, Path(folder)


def only_case(run: Any, case: str) -> Any:
    """The suite of a run with one of its cases."""
    from dataclasses import replace

    return replace(run.suite, cases=tuple(each for each in run.suite.cases if each.id == case))


def was_asked(run: Any, case: str, counter: str) -> bool:
    return any((each.case, each.counter) == (case, counter) for each in run.readings)


def tell_found(found: Any, depth: int) -> None:
    from flop_harness.report.analysis.bridges import merged
    from flop_harness.report.analysis.waterfalls import Scale, levels
    from flop_harness.report.formats.terminal.bridge import explain as lines
    from flop_harness.report.formats.terminal.bridge import grid

    width, trees = terminal().width, []
    scale = Scale.of(levels(found.index, bridge) for bridge in found.bridges)
    for bridge, contexts in merged(found.bridges):
        title = f"{bridge.counter} on {bridge.case}, {bridge.metric} ({', '.join(contexts)})"
        trees.append(grid(title, list(lines(found.index, bridge, depth, scale=scale)), width))
    show(*trees)
    tell_silence(found)


def tell_code(found: Any, folder: Path) -> None:
    from flop_harness.report.sources.figure_code import explained
    from flop_harness.report.sources.traced_figures import TracedFigures

    for piece in explained(TracedFigures(folder, found.index), found.bridges):
        print(piece)
    tell_silence(found)


def tell_silence(found: Any) -> None:
    from flop_harness.report.formats.terminal.case import silence

    for reading in found.silent:
        say(silence(reading, found.index.run.failures))
