"""``flop-harness compare``: every counter on a suite or a model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from harness.cli.app import (
    FAILED,
    FINE,
    USER,
    InputOption,
    app,
    interruptible,
    is_model,
    safe_name,
    say,
    separated,
    show,
)
from harness.errors import UserError, suggest


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
