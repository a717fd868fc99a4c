"""How to cite the figures of one model: BibTeX and a row of a LaTeX table."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version

from flop_harness.records import Run
from flop_harness.report.formats.bibtex import ENTRY, YEAR, escape, key_of
from flop_harness.report.site.models import Model
from flop_harness.report.words.text import digits, human

CONVENTION = "one MAC for each multiplication of a convolution or matrix product"


def bibtex_of(model: Model, run: Run) -> str:
    """The figure, its convention, the input and the versions that made it, as an entry."""
    figure = human(model.macs, "MAC") if model.macs is not None else "no figure"
    torch = versions(run).get("torch", "")
    note = "; ".join(filter(None, [
        f"{model.name}: {figure} ({model.macs} MAC, {CONVENTION})" if model.macs is not None else model.name,
        f"input {model.inputs}" if model.inputs else "", f"torch {torch}" if torch else "",
        f"version {version('flop-harness')}, suite {run.suite.name} {run.suite.version}, digest {run.suite.digest}",
    ]))  # fmt: skip
    return ENTRY.format(key=f"flop-harness-{key_of(model.name)}", year=YEAR,
                        title=f"flop-harness, {escape(model.name)}", note=escape(note))  # fmt: skip


def latex_row(model: Model) -> str:
    """Model, input, millions of parameters, GMAC; a comment says what the columns are."""
    cells = [
        escape(model.name), model.inputs.replace("x", r"$\times$"),
        digits(model.params / 1e6, 4) if model.params is not None else "--",
        digits(model.macs / 1e9, 4) if model.macs is not None else "--",
    ]  # fmt: skip
    return f"% model & input & parameters (M) & GMAC: {CONVENTION}\n" + " & ".join(cells) + r" \\"


def versions(run: Run) -> dict[str, str]:
    """Packages and their versions as the run's environment has them, with torch's own."""
    torch = run.environment.get("torch")
    told = torch.get("version", "") if isinstance(torch, Mapping) else torch
    return {"torch": str(told or ""), "Python": str(run.environment.get("python", ""))}
