"""The same numbers everywhere: HTML, Markdown and LaTeX, read back, against the CSV files."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from flop_harness import report, store
from flop_harness.report.formats import case_json as details
from runs import float_run, loud_run, small_run, wide_run

SEEDS = Path(__file__).parent.parent / "results" / "seeds"
Key = tuple[str, str, str, str]
"""Case, counter, context, metric"""


@dataclass
class Told:
    """What one format says, by reading: figures, their distance from the reference, their bridges."""

    figures: dict[Key, Fraction] = field(default_factory=dict)
    units: dict[Key, str] = field(default_factory=dict)
    words: dict[Key, str] = field(default_factory=dict)
    apart: dict[Key, str] = field(default_factory=dict)
    bridges: dict[Key, list[tuple[str, Fraction]]] = field(default_factory=dict)
    shares: dict[Key, list[str]] = field(default_factory=dict)
    references: dict[tuple[str, str], Fraction] = field(default_factory=dict)


RUNS = {
    "small": small_run,
    "loud": loud_run,
    "float": float_run,
    "wide": wide_run,
    "seeds": lambda: store.load(SEEDS),
}
ENDED = {
    "ok": "no figure",
    "failed": "refused",
    "unavailable": "not asked",
    "timeout": "out of time",
    "out_of_memory": "out of memory",
}
"""Status in the CSV -> the word in all other formats"""


@pytest.fixture(scope="module", params=RUNS)
def files(request: pytest.FixtureRequest) -> dict[str, str]:
    run = RUNS[request.param]()
    names = ("readings.csv", "bridges.csv", "report.html", "report.md", "appendix.tex", "table.tex")
    return {name: report.render(run, name).decode() for name in names}


# ---------------------------------------------------------------------------------------- CSV


def number(text: str) -> Fraction:
    """A figure as any format writes it."""
    return Fraction(text.replace(",", "").replace("\N{MINUS SIGN}", "-").lstrip("+"))


def sheet(content: str) -> list[tuple[Key, dict[str, str]]]:
    rows = csv.DictReader(io.StringIO(content))
    return [((row["case"], row["counter"], row["context"], row["metric"]), row) for row in rows]


@pytest.fixture(scope="module")
def truth(files: dict[str, str]) -> Told:
    """What the CSV files say."""
    told = Told()
    for key, row in sheet(files["readings.csv"]):
        told.units[key] = row["unit"]
        if row["value"]:
            told.figures[key] = number(row["value"])
        else:
            told.words[key] = ENDED[row["status"]]
    for key, row in sheet(files["bridges.csv"]):
        told.bridges.setdefault(key, []).append((row["term"], number(row["amount"])))
    told.references = {(key[0], key[3]): lines[0][1] for key, lines in told.bridges.items()}
    assert told.figures.keys() == told.bridges.keys() and told.figures
    return told


UNITS = {"parameters": "parameter"}
"""How a unit stands beside figures -> the unit"""
"""After a figure -> as data"""


def in_macs(amount: Fraction, unit: str) -> Fraction:
    return amount / 2 if unit == "FLOP" else amount


def is_share(text: str, amount: Fraction, reference: Fraction) -> bool:
    """Whether a text says, to its three digits, which share of a reference an amount is."""
    if amount == 0 or reference == 0:
        return text == ("=" if amount == 0 else "∞")
    shown = number(text.removesuffix(" %")) / 100
    return abs(shown - amount / reference) * 199 <= abs(amount / reference)


def assert_apart(told: Told, truth: Told) -> None:
    """Every deviation is that of the figure from the reference, both taken from the CSV."""
    for key, text in told.apart.items():
        reference = truth.references[key[0], key[3]]
        figure = in_macs(truth.figures[key], truth.units[key])
        assert is_share(text, figure - reference, reference), (key, text)


# --------------------------------------------------------------------------------------- HTML


@dataclass
class Row:
    """A row of a heat map: the anchor of its case, its reference, exact figures by their anchors."""

    case: str
    reference: str = ""
    cells: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """The packed cases of the page and the rows of its heat maps; both by the anchor of a case."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.cases: dict[str, dict[str, Any]] = {}
        self.names: dict[str, str] = {}
        self.rows: list[Row] = []
        self.heat, self.place = False, ""
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.place = found.get("href", "").removeprefix("#")
        if "data-answers" in found:
            self.cases[found["id"]] = details.unpacked(found["data-answers"])
        if tag == "table":
            self.heat = "heat" in found.get("class", "").split()
        if self.heat and self.place.startswith("case--"):
            self.rows.append(Row(self.place))
        elif self.heat and self.place.startswith("why--"):
            self.rows[-1].cells[self.place] = found["title"]
        elif self.heat and tag == "td" and "data-sort" in found:
            self.rows[-1].reference = found["data-sort"]

    def handle_data(self, data: str) -> None:
        if self.place.startswith("case--"):
            self.names.setdefault(self.place, data)


def unfolded(page: Page) -> Iterator[tuple[Key, dict[str, Any]]]:
    """Every answer of every case of the page."""
    for anchor, packed in page.cases.items():
        for answer in packed["answers"]:
            told = answer["counter"], answer["context"], answer["metric"]
            yield (page.names[anchor], *told), answer


@pytest.fixture(scope="module")
def page(files: dict[str, str]) -> Page:
    return Page(files["report.html"])


def of_page(page: Page) -> Told:
    """What the page unfolds."""
    told = Told()
    for key, answer in unfolded(page):
        if "bridge" not in answer:
            told.words[key] = answer["figure"]
            continue
        figure, unit = answer["figure"].split(" ")
        told.units[key] = UNITS.get(unit, unit)
        told.figures[key] = number(figure)
        told.apart[key] = answer["why"].partition(" UNEXPLAINED")[0]
        lines = answer["bridge"]
        told.bridges[key] = [(line["term"], number(line["amount"])) for line in lines[:-1]]
        told.shares[key] = [line["share"] for line in lines[1:-2]]
        assert (lines[-1]["term"], number(lines[-1]["amount"])) == ("reading", number(figure))
    return told


def test_the_page_unfolds_to_the_numbers_of_the_csv(page, truth):
    told = of_page(page)
    assert told.figures == truth.figures and told.words == truth.words
    assert told.units == {key: truth.units[key] for key in told.figures}
    assert told.bridges == truth.bridges
    assert told.apart.keys() == truth.figures.keys()
    assert_apart(told, truth)


def test_shares_on_the_page_are_those_of_the_csv(page, truth):
    told = of_page(page)
    for key, lines in truth.bridges.items():
        reference, terms = lines[0][1], lines[1:-1]
        assert len(told.shares[key]) == len(terms)
        for text, (term, amount) in zip(told.shares[key], terms, strict=True):
            assert is_share(text, amount, reference), (key, term)


def test_every_cell_of_the_heat_maps_is_of_the_csv(page, truth):
    """And of the CSV, a reading has a cell, shares that of a context in which its counter says the
    same, or is the reference's own."""
    of_anchor = {answer["id"]: key for key, answer in unfolded(page)}
    cells = {of_anchor[anchor]: title for row in page.rows for anchor, title in row.cells.items()}
    told = {key: number(title) for key, title in cells.items() if key in truth.figures}
    assert told.items() <= truth.figures.items() and cells.keys() <= {*told, *truth.words}
    references = {(page.names[row.case], of_anchor[anchor][3]): number(row.reference)
                  for row in page.rows for anchor in row.cells if row.reference}  # fmt: skip
    assert references == truth.references
    said = {(*key[:2], key[3], value) for key, value in told.items()}
    said |= {(case, "analytic", metric, value) for (case, metric), value in references.items()}
    assert {(*key[:2], key[3], value) for key, value in truth.figures.items()} <= said


# ---------------------------------------------------------------------- tables of a comparison


@dataclass
class Grid:
    """A comparison as text: its metric, (counter, unit, contexts) of each column, and its rows."""

    metric: str
    heads: list[tuple[str, str, list[str]]]
    rows: list[list[str]]


def of_grids(grids: Iterator[Grid]) -> Told:
    """Cells read by their heads: ``15,470,314,496 (+0.3 %)``, or a word where there is no figure."""
    told = Told()
    for grid in grids:
        lacking = sum(name.startswith("not counted") for name, _, _ in grid.heads)
        for case, _, reference, *cells in grid.rows:
            if reference:
                told.references[case, grid.metric] = number(reference)
            counters = len(grid.heads) - lacking
            for (counter, unit, contexts), cell in zip(
                grid.heads[3:counters], cells[: len(cells) - lacking], strict=True
            ):
                for key in ((case, counter, context, grid.metric) for context in contexts if cell):
                    figure, _, apart = cell.partition(" (")
                    if not figure[-1].isdigit():
                        told.words[key] = figure
                        continue
                    told.figures[key], told.units[key] = number(figure), UNITS.get(unit, unit)
                    if apart:
                        told.apart[key] = apart.removesuffix(")").partition(" UNEXPLAINED")[0]
    return told


def assert_compared(told: Told, truth: Told) -> None:
    """Every figure, word and reference of the CSV stands in the tables, and nothing else."""
    analytic = {key: truth.references[key[0], key[3]] for key in truth.figures
                if key[1] == "analytic" and key not in told.figures}  # fmt: skip
    assert told.figures | analytic == truth.figures and told.figures
    assert told.words == truth.words
    assert told.references == truth.references
    assert told.units == {key: truth.units[key] for key in told.figures}


# ----------------------------------------------------------------------------------- Markdown


def unescaped(text: str) -> str:
    return html.unescape(re.sub(r"\\(.)", r"\1", text)).strip("* ")


def pipes(block: str) -> list[list[str]]:
    """The cells of a table; the second line is its rule."""
    lines = [line for line in block.splitlines() if line.startswith("|")]
    return [[unescaped(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in (lines[0], *lines[2:])]  # fmt: skip


def headed(title: str) -> tuple[str, str, list[str]]:
    """``torch (FLOP) cpu grad, cpu no_grad`` -> counter, unit, contexts."""
    found = re.fullmatch(r"(.*?)(?: \(([^)]*)\))?(?: (cpu .*))?", title)
    assert found
    return found[1], found[2] or "", (found[3] or "").split(", ")


def markdown_grids(text: str) -> Iterator[Grid]:
    section = text.partition("## Every figure\n\n")[2].partition("\n\n## ")[0]
    for title, table in re.findall(r"\*\*(.*)\*\*\n\n((?:\|.*\n?)+)", section):
        heads, *rows = pipes(table)
        yield Grid(
            {"Compute": "compute", "Parameters": "params"}[title], [*map(headed, heads)], rows
        )


def test_the_tables_of_the_markdown_hold_the_numbers_of_the_csv(files, truth):
    told = of_grids(markdown_grids(files["report.md"]))
    assert_compared(told, truth)
    assert told.apart.keys() == told.figures.keys()
    assert_apart(told, truth)


def of_cases(text: str) -> Told:
    """The answers under "Case by case", each with the table of its bridge where it moves."""
    told, case = Told(), ""
    for block in text.partition("## Case by case\n\n")[2].partition("\n\n## ")[0].split("\n\n"):
        if block.startswith("### "):
            case = unescaped(block.removeprefix("### "))
        elif found := re.fullmatch(r"\*\*(.+?)\*\* \((.*)\), (\w+): (.*)", block):
            counter, context, metric, words = map(unescaped, found.groups())
            key = case, counter, context, metric
            figure = re.match(r"([\d,.e−]+) (\w+), (.*?)(?: UNEXPLAINED.*)?$", words)
            if figure is None:
                told.words[key] = words.partition(". ")[0].removesuffix(".")
                continue
            told.figures[key] = number(figure[1])
            told.units[key] = UNITS.get(figure[2], figure[2])
            told.apart[key] = figure[3].lstrip("*")
            told.bridges[key] = [("reference", number(figure[1])), ("residual", Fraction())]
        elif block.startswith("| term "):
            _, *rows = pipes(block)
            told.bridges[key] = [(row[0], number(row[1])) for row in rows[:-1]]
            told.shares[key] = [row[2] for row in rows[1:-2]]
            assert rows[-1][0] == "reading" and number(rows[-1][1]) == told.figures[key]
    return told


def test_the_cases_of_the_markdown_hold_the_numbers_of_the_csv(files, truth):
    """A bridge without a table says that nothing moves: its figure is the reference."""
    told = of_cases(files["report.md"])
    assert told.figures == truth.figures and told.words == truth.words
    assert told.bridges == truth.bridges
    assert_apart(told, truth)
    for key, texts in told.shares.items():
        reference, terms = truth.bridges[key][0][1], truth.bridges[key][1:-1]
        for text, (_, amount) in zip(texts, terms, strict=True):
            assert is_share(text, amount, reference)


# -------------------------------------------------------------------------------------- LaTeX


def untexed(cell: str) -> str:
    """The text of a cell: without braces and marks, its signs as they were."""
    cell = cell.removesuffix(r" {\rlap{$^{*}$}}").replace(r"\emph", "")
    return re.sub(r"\\(.)", r"\1", re.sub(r"(?<!\\)[{}]", "", cell))


def latex_grids(text: str) -> Iterator[Grid]:
    """Heads are broken into lines: the name, then the unit on the line of the reference's, contexts."""
    for table in text.split(r"\begin{table*}")[1:]:
        lines = table.partition(r"\toprule")[2].partition(r"\bottomrule")[0].splitlines()[1:]
        rows = [[untexed(cell) for cell in line.removesuffix(r" \\").split(" & ")]
                for line in lines if line.endswith(r" \\")]  # fmt: skip
        height = lines.index(r"\midrule")
        units = next(n for n, row in enumerate(rows) if row[2] in ("MAC", "parameters"))
        heads = []
        for column in zip(*rows[:height], strict=True):
            name = " ".join(filter(None, column[:units])).replace("- ", "-")
            contexts = " ".join(filter(None, column[units + 1 :])).split(", ")
            heads.append((name, column[units], contexts))
        metric = "compute" if rows[units][2] == "MAC" else "params"
        yield Grid(metric, heads, rows[height:])


def of_deviations(grid: Grid) -> bool:
    return any(unit == "%" for _, unit, _ in grid.heads)


def test_the_tables_of_the_latex_hold_the_numbers_of_the_csv(files, truth):
    grids = latex_grids(files["appendix.tex"])
    assert_compared(of_grids(grid for grid in grids if not of_deviations(grid)), truth)


def test_the_deviations_of_the_latex_are_those_of_the_figures(files, truth):
    told = of_grids(filter(of_deviations, latex_grids(files["appendix.tex"])))
    assert told.figures or told.words
    for key, percent in told.figures.items():
        reference = truth.references[key[0], key[3]]
        apart = in_macs(truth.figures[key], truth.units[key]) - reference
        assert percent == Fraction(f"{float(100 * apart / reference):.3g}"), key
    equal = {key for key, word in told.words.items() if word == "="}
    assert all(in_macs(truth.figures[key], truth.units[key]) == truth.references[key[0], key[3]]
               for key in equal)  # fmt: skip


# -------------------------------------------------------------------------------------- count


def test_nothing_is_left_out(files, truth, page):
    """As many figures and terms are compared as the CSV files have lines."""
    readings = [row for _, row in sheet(files["readings.csv"]) if row["value"]]
    lines = sheet(files["bridges.csv"])
    for told in (of_page(page), of_cases(files["report.md"])):
        assert len(told.figures) == len(readings) > 0
        assert sum(map(len, told.bridges.values())) == len(lines) > 0
        assert len(told.words) == len(sheet(files["readings.csv"])) - len(readings)
