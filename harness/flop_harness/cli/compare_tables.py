"""What ``compare`` prints: tables, how the run ended, and the command that tells more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flop_harness.cli.app import print_json, show, tell


def told(run: Any, folder: Path | None, exact: bool, json: bool, how: str) -> None:
    """A table, how it ended, and which command tells more; or all of it as JSON."""
    from flop_harness import report
    from flop_harness.report.analysis.index import Index
    from flop_harness.report.formats.terminal.suite import suite_table
    from flop_harness.report.tables.deviations import parameter_lines

    if json:
        from flop_harness.report.documents.json_documents import comparison

        print_json(comparison(run))
        return
    if len(run.suite.cases) == 1:
        show(report.case_table(run, run.suite.cases[0].id, exact))
    else:
        show(suite_table(run, exact))
        if is_of_models(run):
            show_sizes(run)
        for line in parameter_lines(Index(run)):
            tell(line)
    for line in report.verdict_lines(run):
        tell(line)
    for line in next_step(run, folder, how):
        print(line)  # on one line however narrow, to be copied
    if folder is not None:
        print(f"report: {folder / 'report.html'}")


def is_of_models(run: Any) -> bool:
    """Whether models were named on the command line, rather than the file of a suite."""
    return not run.suite.digest


def show_sizes(run: Any) -> None:
    """Each model beside the first, with bars."""
    from flop_harness.report.analysis.index import Index
    from flop_harness.report.analysis.sizes import shares, sizes
    from flop_harness.report.formats.terminal.bars import Barred
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.report.tables.sizes import size_table

    found = sizes(Index(run))
    table = size_table(found, "MAC", "Each beside the first, by the reference")
    show(Barred(grid(table), shares(each.amount for each in found)))


def next_step(run: Any, folder: Path | None, how: str) -> list[str]:
    """The command that tells all terms of a figure: of the one with most of them."""
    from shlex import quote

    from flop_harness.report.formats.terminal.case import richest

    found = [(richest(run, case.id), case) for case in run.suite.cases]
    with_terms = [(bridge, case) for bridge, case in found if bridge is not None]
    if not with_terms:
        return []
    bridge, case = max(with_terms, key=lambda pair: len(pair[0].steps))
    if folder is not None:
        which, given = case.id, f" --dir {quote(str(folder))}"
    else:
        shapes = "".join(f" --input {quote(written(each))}" for each in case.inputs)
        which, given = case.model, shapes + how
    return ["every term of a figure, and its modules:",
            f"  flop-harness explain {quote(which)} {quote(bridge.counter)}{given}"]  # fmt: skip


def written(given: Any) -> str:
    """An input as it is typed."""
    name = f"{given.name}=" if given.name else ""
    shape = "x".join(map(str, given.shape))
    return f"{name}{shape}" + (f":{given.dtype}" if given.dtype else "")


def typed_again(train: bool | None, dtype: str | None, training: bool) -> str:
    """The options of a model as they were typed."""
    mode = "" if train is None else " --train" if train else " --eval"
    return mode + (f" --dtype {dtype}" if dtype else "") + (" --training" if training else "")
