"""The documentation as a site is built from it: docs/pages, made to stand beside the pages of results.

    python docs/generate.py build/docs

A page of findings is added, made from the published results; in the repository these are read themselves.
"""

from __future__ import annotations

import csv
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from blocks import ROOT

from flop_harness.report.formats.markdown import plain
from flop_harness.report.words.text import plural, slug

PAGES = ROOT / "docs" / "pages"
TOKENS = ROOT / "harness" / "flop_harness" / "report" / "pages" / "site" / "tokens.css"
STYLES = (TOKENS, ROOT / "docs" / "site.css")
"""Colours and type of the pages of results, and the theme in them"""
PICTURE = re.compile(r"\]\(\.\./\.\./results/([^)]+\.svg)\)")
COUNTER = re.compile(r"^## (\S+)$", re.MULTILINE)
RESULTS = "](../../results/README.md)"
SHOWN = 5
"""So many findings of each counter stand on the page of findings"""


def main(target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for style in STYLES:
        shutil.copy(style, target)
    texts = {page.name: page.read_text() for page in sorted(PAGES.glob("*.md"))}
    texts["counters.md"] = with_counters(texts["counters.md"])
    texts["findings.md"] = "\n\n".join(findings_page()) + "\n"
    for name, text in texts.items():
        (target / name).write_text(with_results(text, target))


def with_results(text: str, target: Path) -> str:
    """A page with the pictures out of results/ beside it, and the findings for the folder of results."""

    def copied(found: re.Match[str]) -> str:
        name = found[1].replace("/", "-")
        shutil.copy(ROOT / "results" / found[1], target / name)
        return f"]({name})"

    return PICTURE.sub(copied, text).replace(RESULTS, "](findings.md)")


def with_counters(text: str) -> str:
    """The page of counters, each with a link to its page among the results, if it has one."""
    told = set(counters_of_results())
    return COUNTER.sub(lambda at: f"{at[0]}\n\n{page_of(at[1])}" if at[1] in told else at[0], text)


def counters_of_results() -> Iterator[str]:
    """Every counter that stands in the published results."""
    for file in (ROOT / "results").glob("*/findings.csv"):
        with file.open(newline="", encoding="utf-8") as rows:
            yield from (row["counter"] for row in csv.DictReader(rows))


def page_of(counter: str) -> str:
    """A link to its page among the results, which lie one level up; no page of the documentation."""
    return f'<a href="../counter/{slug(counter)}.html">What it says of every model, and its releases</a>'


def findings_page() -> Iterator[str]:
    yield "# Findings"
    yield "Sentences made by rule from the published results, those that explain most figures first."
    for file in sorted((ROOT / "results").glob("*/findings.csv")):
        yield from findings_of(file)


def findings_of(file: Path) -> Iterator[str]:
    yield f"## {file.parent.name}"
    headline = re.search(r"^\*\*(.+)\*\*$", (file.parent / "report.md").read_text(), re.MULTILINE)
    if headline:
        yield headline[1]
    if (file.parent / "heatmap.svg").exists():  # many cases have none
        yield f"![Heat map](../../results/{file.parent.name}/heatmap.svg)"
    found: dict[str, list[str]] = {}
    with file.open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            found.setdefault(row["counter"], []).append(
                f"- {plain(row['sentence'])} {plural(int(row['figures']), 'figure')}; "
                f"smallest case: {plain(row['smallest_case'])}."
            )
    for counter, lines in found.items():
        more = f"- ... and {len(lines) - SHOWN:,} more." if len(lines) > SHOWN else ""
        yield f"### {plain(counter)}"
        yield page_of(counter)
        yield "\n".join([*lines[:SHOWN], more]).rstrip()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
