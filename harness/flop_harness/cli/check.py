"""``flop-harness check``: a suite held against its golden, term by term."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from flop_harness.cli.app import (
    FINE,
    add_to_step_summary,
    app,
    interruptible,
    print_json,
    say,
    tell,
)
from flop_harness.cli.options import CasesOption, CountersOption, FreshOption, JsonOption
from flop_harness.cli.targets import counters_asked, is_model, safe_name
from flop_harness.errors import UserError

DRIFTED = 1


TargetArgument = Annotated[
    str, typer.Argument(metavar="SUITE", help="A suite: name or .toml, or its results folder.")
]

GoldenOption = Annotated[
    Optional[Path],
    typer.Option(
        "--golden",
        "--out",
        help="The stored results: folder or run.json.xz.",
        show_default="results/<suite>",
    ),
]

TracesOption = Annotated[
    bool,
    typer.Option("--traces", help="Compute figures again from the stored traces; run nothing."),
]

UpdateOption = Annotated[
    bool, typer.Option("--update", help="Store the new results after showing what changed.")
]

JunitOption = Annotated[
    Optional[Path],
    typer.Option(help="Write the outcome of each figure to this file, as JUnit XML."),
]

JobsOption = Annotated[int, typer.Option(min=1, help="Cases run in parallel.")]


@app.command()
def check(
    target: TargetArgument,
    golden: GoldenOption = None,
    cases: CasesOption = None,
    counters: CountersOption = None,
    traces: TracesOption = False,
    update: UpdateOption = False,
    junit: JunitOption = None,
    jobs: JobsOption = 1,
    fresh: FreshOption = False,
    json: JsonOption = False,
) -> None:
    """Count again what can have changed of a suite since its results were stored; tell what did."""
    if update and (traces or cases or counters):
        raise UserError(
            "--update rewrites the whole golden: leave out --traces, --cases, --counters"
        )
    if traces and (cases or counters):
        raise UserError("--traces prices everything that is stored: leave out --cases, --counters")
    whole, folder = found_golden(target, golden)
    with (
        interruptible("the golden stands as it was"),
        checked(
            target, whole, folder, cases, counters_asked(counters), traces, jobs, fresh
        ) as found,
    ):
        done, kept = found
        tell_comparison(done.comparison, junit, json)
        if update:
            from flop_harness.regression.check import update as rewrite

            rewrite(done, kept, folder)
            (say if json else print)(f"golden: {folder}")
            sys.exit(FINE)
    sys.exit(DRIFTED if done.comparison.moves else FINE)


@contextmanager
def checked(
    source: str,
    suite: Any,
    folder: Path,
    cases: str | None,
    counters: list[str],
    traces: bool,
    jobs: int,
    fresh: bool,
) -> Iterator[Any]:
    """(what was found, the golden); what was run for it is gone afterwards."""
    from flop_harness.regression.check import check as run_anew
    from flop_harness.regression.check import check_traces, golden_of, narrowed

    golden = golden_of(suite, folder)
    if traces:
        yield check_traces(golden, folder, jobs), golden
        return
    from flop_harness.cli import progress
    from flop_harness.run.planning import check_counters, select

    check_counters(suite, source)
    chosen = select(suite, cases)
    left_out = {case.id for case in suite.cases} - {case.id for case in chosen.cases}
    golden = narrowed(golden, left_out, counters)
    with tempfile.TemporaryDirectory(prefix="flop-harness-") as scratch:
        with progress.ProgressBar(chosen.name) as watch:
            done = run_anew(chosen, golden, Path(scratch), watch.progress, counters, jobs, folder,
                            None if fresh else suite)  # fmt: skip
        yield done, golden


def found_golden(target: str, golden: Path | None) -> tuple[Any, Path]:
    """The suite as it is now, and where its golden lies; of a results folder, the suite it is of."""
    from flop_harness import store
    from flop_harness.ask.results import folder_named
    from flop_harness.suite import files as suite

    if is_model(target):
        raise UserError(f"check holds a suite against its results: name a suite that has {target}; "
                        "a snapshot holds a model still in a test")  # fmt: skip
    named = folder_named(target) if (Path(target) / store.RUN_FILE).is_file() else None
    if named is not None and golden is None:
        return suite.load(store.load(named).suite.name), named
    whole = suite.load(target)
    if golden is None:
        golden = Path("results") / safe_name(whole.name)
    folder = golden.parent if golden.name == store.RUN_FILE else golden
    if not (folder / store.RUN_FILE).is_file():
        raise UserError(f"{folder} holds no results: flop-harness compare {target} writes some")
    return whole, folder


def tell_comparison(comparison: Any, junit: Path | None, json: bool) -> None:
    """On stdout, in the summary of a GitHub step if this is one, and in a file if asked for."""
    from flop_harness.report.analysis.check import lines
    from flop_harness.report.documents.check import markdown
    from flop_harness.report.documents.json_documents import check_document
    from flop_harness.report.formats.junit import junit as as_junit
    from flop_harness.store import write_atomically

    if json:
        print_json(check_document(comparison))
    else:
        for line in lines(comparison):
            tell(line)
    if junit is not None:
        write_atomically(junit, as_junit(comparison))
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            add_to_step_summary(markdown(comparison))
        except UserError as error:
            say(str(error))
