"""What ``compare`` prints: tables, how the run ended, and the command that tells more."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flop_harness.cli.app import FAILED, FINE, USER, print_json, show, tell


def told(run: Any, asked: Any, folder: Path | None, exact: bool, json: bool, strict: bool) -> None:
    """A table, how it ended, and which command tells more; or all of it as JSON."""
    from flop_harness import report
    from flop_harness.report.analysis.index import Index
    from flop_harness.report.charts.sizes import compares_models
    from flop_harness.report.formats.terminal.suite import suite_table
    from flop_harness.report.tables.deviations import parameter_lines
    from flop_harness.report.tables.reasons import reasons

    if json:
        from flop_harness.report.documents.json_documents import comparison

        print_json(comparison(run))
        return
    if len(run.suite.cases) == 1:
        show(report.case_table(run, run.suite.cases[0].id, exact))
        for line in made_on(run, asked):
            tell(line)
    else:
        show(suite_table(run, exact), *sizes_beside(run))
        if compares_models(run):
            for line in (*trained_line(run, asked), *reasons(Index(run))):
                tell(line)
        for line in parameter_lines(Index(run)):
            tell(line)
    for line in (*report.verdict_lines(run), *further(run)):
        tell(line)
    if step := next_step(run, asked, folder):
        words, command = step
        tell(words)
        print(f"  {command}")  # on one line however narrow, to be copied
    if folder is not None:
        print(f"tables for a paper or a README: {folder / 'table.tex'}, {folder / 'table.md'}")
        print(f"report: {folder / 'report.html'}")
    if exit_code(run, strict) != exit_code(run, strict=True):
        tell("counters that gave no figure leave the exit code at 0; --strict makes it 3")


def further(run: Any) -> list[str]:
    """How many counters ``--counters all`` would ask beside those of the environment."""
    from flop_harness.counters import find
    from flop_harness.report.analysis.verdict import trained
    from flop_harness.report.words.text import plural

    here, every = ({each.id for each in find(names) if each.training or not trained(run)}
                   for names in ((), ("all",)))  # fmt: skip
    more = len(every - here) if here == {tool.id for tool in run.tools} else 0
    return [plural(more, "more counter") + " with --counters all"] if more else []


def made_on(run: Any, asked: Any) -> list[str]:
    """On which input and in which mode one model was counted."""
    from flop_harness.report.analysis.cells import inputs_of
    from flop_harness.report.analysis.index import Index

    index, [case] = Index(run), asked.cases
    inputs, mode = inputs_of(index, case.id), index.modes.get(case.id, "")
    if not inputs or not mode:
        return []
    words = {"train": "training", "eval": "eval"}[mode]
    told = [f"on {inputs}, every sample of it, in {words} mode"]
    if mode == "train" and not case.mode and not run.suite.name.endswith("training"):
        told.append("the model came in training mode; --eval counts it as for inference")
    return told


def trained_line(run: Any, asked: Any) -> list[str]:
    """Which of several models came in training mode, as nobody asked them to."""
    from flop_harness.report.analysis.index import Index
    from flop_harness.report.words.text import few

    modes = Index(run).modes
    names = [case.id for case in asked.cases if modes.get(case.id) == "train" and not case.mode]
    if not names or run.suite.name.endswith("training"):
        return []
    return [f"in training mode, as they came: {few(names, 3)}; --eval counts as for inference"]


def exit_code(run: Any, strict: bool = False) -> int:
    """2 if a model of the user's did not run, 3 if we failed or a figure is unexplained, else 0.

    With ``strict`` also 3 where a counter that was asked gave no figure.
    """
    from flop_harness import report

    ended = report.verdict(run)
    if any(failure.stage == "model" for failure in run.failures):
        return USER
    if run.failures or not ended.clean or (strict and ended.failed):
        return FAILED
    return FINE


def sizes_beside(run: Any) -> list[Any]:
    """Each model beside the first, with bars; nothing of a suite."""
    from flop_harness.report.analysis.index import Index
    from flop_harness.report.analysis.sizes import shares, sizes
    from flop_harness.report.charts.sizes import SIZES, compares_models
    from flop_harness.report.formats.terminal.bars import Barred
    from flop_harness.report.formats.terminal.grid import grid
    from flop_harness.report.tables.sizes import size_table

    if not compares_models(run):
        return []
    found = sizes(Index(run))
    table = size_table(found, "MAC", SIZES)
    return [Barred(grid(table), shares(each.amount for each in found))]


def next_step(run: Any, asked: Any, folder: Path | None) -> tuple[str, str] | None:
    """What tells all terms of a figure, and the command: of the figure with most of them."""
    from shlex import quote

    from flop_harness.report.analysis.verdict import trained
    from flop_harness.report.formats.terminal.case import richest
    from flop_harness.report.words.commands import of_case

    found = [(richest(run, case.id), case) for case in asked.cases]
    with_terms = [(bridge, case) for bridge, case in found if bridge is not None]
    if not with_terms:
        return None
    bridge, case = max(with_terms, key=lambda pair: len(pair[0].steps))
    if folder is not None:
        which, given = case.id, ["--dir", quote(str(folder))]
    else:
        which, given = case.model, [*of_case(case), *(["--training"] if trained(run) else [])]
    words = ["flop-harness", "explain", quote(which), quote(bridge.counter), *given]
    kept = (
        ""
        if folder is not None or len(asked.cases) == 1
        else " (--out FOLDER keeps this run for it)"
    )
    return f"every term of a figure, and its modules{kept}:", " ".join(words)
