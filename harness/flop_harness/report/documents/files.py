"""Which files are written of a run, an audit, a timeline, proofs and times, and what renders each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from flop_harness.errors import UserError, suggest
from flop_harness.records import Audit, Failure, Proofs, Run, Timeline
from flop_harness.records.times import Times
from flop_harness.report.analysis.faults import Faults
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.charts import drawing
from flop_harness.report.charts.drift import chart as drift_chart
from flop_harness.report.charts.heatmap import heatmap, legible
from flop_harness.report.charts.sizes import compares_models, size_chart
from flop_harness.report.charts.spread import spread_chart
from flop_harness.report.charts.times import DRAWN
from flop_harness.report.charts.waterfall import waterfall
from flop_harness.report.documents import audit, drift, proofs, run_markdown, run_page, times
from flop_harness.report.formats import csv, latex
from flop_harness.report.formats.bibtex import bibtex
from flop_harness.report.sources.results import Related, related_results
from flop_harness.report.tables import audit as audit_tables
from flop_harness.report.tables import bridges, findings, layers, readings
from flop_harness.report.tables import proofs as proof_tables
from flop_harness.report.tables.times import case_table

RUN: Mapping[str, Callable[[Run], bytes]] = {
    "readings.csv": lambda run: csv.render(readings.readings(run)),
    "bridges.csv": lambda run: csv.render(bridges.bridges(run)),
    "findings.csv": lambda run: csv.render(findings.table(run)),
    "report.md": run_markdown.render,
    "report.html": run_page.render,
    "table.md": run_markdown.table,
    "table.tex": latex.render,
    "appendix.tex": latex.appendix,
    "citation.bib": lambda run: f"{bibtex(run.suite)}\n".encode(),
    **drawing.files(
        {"heatmap": heatmap, "spread": spread_chart, "waterfall": waterfall, "sizes": size_chart}
    ),
}
PAGES = ("report.html", "report.md")
"""What also tells what lies beside the run"""

AUDIT: Mapping[str, Callable[[Audit], bytes]] = {
    "report.html": audit.html,
    "report.md": audit.markdown,
    "verdicts.csv": lambda done: csv.render(audit_tables.table(done)),
}
DRIFT: Mapping[str, Callable[[Timeline], bytes]] = {
    ".md": drift.markdown,
    ".svg": lambda timeline: drift_chart(timeline).encode(),
}
"""By how the names end: they begin with the counter's"""

PROOFS: Mapping[str, Callable[[Proofs], bytes]] = {
    "proofs.csv": lambda done: csv.render(proof_tables.table(done)),
    "proofs.md": proofs.markdown,
}


def _drawn(chart: Callable[[MachineTimings], str]) -> Callable[[Times], str]:
    """A chart of what one machine timed; a chart of nothing says so."""
    return lambda times: chart(MachineTimings(times))


TIMES: Mapping[str, Callable[[Times], bytes]] = {
    "report.html": times.html,
    "report.md": times.markdown,
    "cases.csv": lambda done: csv.render(case_table(done)),
    "layers.csv": lambda done: csv.render(layers.layer_table(MachineTimings(done))),
    **drawing.files({name: _drawn(chart) for name, chart in DRAWN.items()}),
}


class Written(NamedTuple):
    """The files of a report that were written, and what of it could not be made."""

    paths: list[Path]
    failures: tuple[Failure, ...]


def write(run: Run, folder: Path, names: Iterable[str] = RUN) -> Written:
    """Write files of a run's report into ``folder``, by default every one.

    The pages tell what was proven, timed and published of the suite, as far as that is there. What
    cannot be made is a failure of its own; the files without it are written, these too.
    """
    from flop_harness.store import write_atomically

    faults = Faults()
    beside = partial(related_results, folder, run, faults)
    around = faults.attempt("", "what lies beside the run", beside, Related())
    run = with_failures(run, faults.found)
    pages = {
        "report.html": partial(run_page.render, around=around),
        "report.md": partial(run_markdown.render, machines=around.machines),
    }
    paths = []
    for path in (folder / name for name in names if has_something(run, name)):
        made = pages.get(path.name, RUN[path.name])
        content = faults.attempt("", path.name, partial(made, run), b"")
        if content:
            write_atomically(path, content)
            paths.append(path)
    return Written(paths, tuple(faults.found))


def write_proofs(proofs: Proofs, folder: Path, formats: Iterable[str] = ()) -> list[Path]:
    """Write the files of a suite's proofs in these formats; of none, all. Gives their paths."""
    from flop_harness.store import write_atomically

    wanted = {LONG.get(name.lower(), name.lower()) for name in formats} - {ALL}
    paths = [folder / name for name in PROOFS if not wanted or name.rpartition(".")[2] in wanted]
    for path in paths:
        write_atomically(path, PROOFS[path.name](proofs))
    return paths


def has_something(run: Run, name: str) -> bool:
    """Whether a chart shows anything of this run; other files always do."""
    shown = {"heatmap": legible, "sizes": compares_models}.get(name.partition(".")[0])
    return shown is None or shown(run)


def with_failures(run: Run, failures: Iterable[Failure]) -> Run:
    """The run with further failures of ours, each once."""
    return replace(run, failures=tuple(dict.fromkeys((*run.failures, *failures))))


# ------------------------------------------------------------------------- some formats alone

ALL = "all"
LONG = {"markdown": "md", "latex": "tex"}
"""What people call a format -> how its files end"""


def endings(files: Iterable[str] = RUN) -> list[str]:
    """The formats of a report, of a run's if nothing else is named, by how its files end."""
    return list(dict.fromkeys(name.rpartition(".")[2] for name in files))


def files_of(formats: Iterable[str], files: Iterable[str] = RUN) -> list[str]:
    """Names of the files of these formats; of none, all. UserError for an unknown format."""
    wanted = [LONG.get(name.lower(), name.lower()) for name in formats]
    known = endings(files)
    for name in wanted:
        if name not in (*known, ALL):
            raise UserError(
                f"unknown format {name!r}{suggest(name, known)}; known: {', '.join(known)}"
            )
    if not wanted or ALL in wanted:
        return list(files)
    return [name for name in files if name.rpartition(".")[2] in wanted]
