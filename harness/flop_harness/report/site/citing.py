"""How to cite the figures of one model: BibTeX and a row of a LaTeX table."""

from __future__ import annotations

from collections.abc import Mapping

from flop_harness.records import Run
from flop_harness.report.formats.bibtex import ENTRY, YEAR, escape, key_of
from flop_harness.report.site.models import Model
from flop_harness.report.words.text import Number, digits, group, human
from flop_harness.version import __version__

CONVENTION = "one MAC for each multiplication of a convolution or matrix product"


def bibtex_of(model: Model, run: Run) -> str:
    """The figure, its convention, the input and the versions that made it, as an entry."""
    figure = human(model.macs, "MAC") if model.macs is not None else "no figure"
    torch = versions(run).get("torch", "")
    note = "; ".join(filter(None, [
        f"{model.name}: {figure} ({model.macs} MAC, {CONVENTION})" if model.macs is not None else model.name,
        f"input {model.inputs}" if model.inputs else "", f"torch {torch}" if torch else "",
        f"version {__version__}, suite {run.suite.name} {run.suite.version}, digest {run.suite.digest}",
    ]))  # fmt: skip
    return ENTRY.format(key=f"flop-harness-{key_of(model.name)}", year=YEAR,
                        title=f"flop-harness, {escape(model.name)}", note=escape(note))  # fmt: skip


SMALL = 10**6
"""Below it a figure stands in single units: in millions it would be all zeros"""


def latex_row(model: Model) -> str:
    """Model, input, parameters, MACs; a comment says what the columns are and in which units."""
    params, params_unit = in_column(model.params, 1e6, "M")
    macs, macs_unit = in_column(model.macs, 1e9, "GMAC", "MAC")
    cells = [escape(model.name), model.inputs.replace("x", r"$\times$"), params, macs]
    head = f"parameters{f' ({params_unit})' if params_unit else ''} & {macs_unit}: {CONVENTION}"
    return f"% model & input & {head}\n" + " & ".join(cells) + r" \\"


def in_column(value: Number | None, scale: float, unit: str, single: str = "") -> tuple[str, str]:
    """A figure in four digits, and the unit that it stands in: small ones exact, in ``single`` units.

    >>> in_column(4_133_742_592, 1e9, "GMAC", "MAC"), in_column(72, 1e9, "GMAC", "MAC")
    (('4.134', 'GMAC'), ('72', 'MAC'))
    """
    if value is None:
        return "--", unit
    return (group(value), single) if value < SMALL else (digits(value / scale, 4), unit)


def versions(run: Run) -> dict[str, str]:
    """Packages and their versions as the run's environment has them, with torch's own."""
    torch = run.environment.get("torch")
    told = torch.get("version", "") if isinstance(torch, Mapping) else torch
    return {"torch": str(told or ""), "Python": str(run.environment.get("python", ""))}
