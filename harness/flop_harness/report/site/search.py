"""What the search box finds: models, counters, families, claims, words, pages of the documentation."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from flop_harness.conventions.catalogue import CONVENTIONS
from flop_harness.counters.names import CALLED
from flop_harness.errors import UserError
from flop_harness.records import Timeline, Tool
from flop_harness.records.units import BASES, BINARY, PREFIXES, WORDED, parse_figure, parse_unit
from flop_harness.report.site.families import ATTENTION, CONVOLUTIONS, QUANTISED, FamilyRow
from flop_harness.report.site.models import Model, every_said
from flop_harness.report.site.published import PAGE, Published
from flop_harness.report.site.releases import dated
from flop_harness.report.site.sources import is_library
from flop_harness.report.site.words import anchor_of
from flop_harness.report.words.text import human, shorten, slug

Row = tuple[str, str, str, str, str]
"""kind, title, link, further words, a note"""


def model_rows(models: Iterable[Model]) -> Iterator[Row]:
    """Models of libraries, and the layers and small networks of suites of their own."""
    for each in models:
        note = human(each.macs, "MAC") if each.macs is not None else ""
        kind = "model" if is_library(each.model) else "network"
        yield kind, each.name, f"model/{each.id}.html", each.model, f"{note}, {each.suite}"


def counter_rows(tools: Iterable[Tool]) -> Iterator[Row]:
    """Every counter goes by its id and by all that people call it."""
    for tool in tools:
        yield (
            "counter", tool.id, f"counter/{slug(tool.id)}.html", " ".join(names_of(tool.id)),
            shorten(tool.description, 80),
        )  # fmt: skip


def names_of(tool: str) -> list[str]:
    names = {tool, *(name for name, ids in CALLED.items() if tool in ids)}
    return sorted(re.sub("[^a-z0-9]", "", name) for name in names)


def ids_by_name(tools: Iterable[str]) -> dict[str, list[str]]:
    """The counters that go by a name, in the order in which they are given, and the reference."""
    found: dict[str, list[str]] = {"reference": ["reference"]}
    for tool in tools:
        for name in names_of(tool):
            found.setdefault(name, []).append(tool)
    return found


def release_rows(timelines: Mapping[str, Timeline]) -> Iterator[Row]:
    """What the releases of a counter changed; found by their years too."""
    for name, timeline in timelines.items():
        versions = [release.version for release in timeline.releases]
        years = sorted({dated(timeline, version)[:4] for version in versions} - {""})
        note = " to ".join(dict.fromkeys([*years[:1], *years[-1:]]))
        yield (
            "releases", f"{name}: releases", f"counter/{slug(name)}.html#releases",
            " ".join(["changed history versions", *years]), note,
        )  # fmt: skip


ALSO = {CONVOLUTIONS: "cnn", ATTENTION: "attention", QUANTISED: "int8"}
"""What else a kind of network is looked for by"""


def family_rows(rows: Iterable[FamilyRow]) -> Iterator[Row]:
    for row in rows:
        yield (
            "family",
            f"{row.name} ({row.kind})",
            f"table.html#family={row.id}",
            f"family models {ALSO.get(row.kind, '')}".rstrip(),
            "",
        )


def claim_rows(claims: Sequence[Published]) -> Iterator[Row]:
    """Each figure; of those that have a page of their own, which has a search of its own, the page."""
    apart = Counter((each.file, each.page) for each in claims if each.page != PAGE)
    for (file, path), count in apart.items():
        yield ("page", f"{file}: {count:,} figures reproduced as stated", path, "claims", "")
    for each in (each for each in claims if each.page == PAGE):
        title = f"{f'{each.title} {each.figure}'.rstrip()}: {each.ruling}"
        yield (
            "claim",
            title,
            each.link,
            shorten(each.source, 90),
            shorten(each.source, 60),
        )


def word_rows(words: Iterable[tuple[str, str]]) -> Iterator[Row]:
    for name, meaning in words:
        yield (
            "word",
            name,
            f"method.html#{anchor_of(name)}",
            meaning,
            shorten(meaning, 80),
        )


def ways(tools: Iterable[str]) -> dict[str, Any]:
    """How figures and ways of counting are written, so that pages read them as the commands do.

    Words of units; prefixes, the longest first, with what they may mean in powers of two; the names of
    conventions and tools; words that ask for nothing; kinds of rows in the order in which they are shown.
    """
    prefixes = [
        (prefix, scale, 0 if prefix in WORDED else BINARY.get(scale, 0))
        for prefix, scale in sorted(PREFIXES.items(), key=lambda each: -len(each[0]))
    ]
    return {"bases": {"": "", **BASES}, "prefixes": prefixes, "conventions": list(CONVENTIONS),
            "tools": ids_by_name(tools), "stop": STOP.split(), "kinds": KINDS}  # fmt: skip


STOP = ("a an and are as at by do does did for from how i in into is it its of on say says tell tells than "
        "that the this to was were what which who why with wrong vs model -> →")  # fmt: skip
KINDS = ("model", "counter", "family", "page", "word", "releases", "network", "docs", "claim")


TAG = re.compile(r"<[^>]+>")
PAGES: tuple[Row, ...] = (
    ("page", "How a figure is measured", "method.html#measured", "process fresh versions environment", ""),
    ("page", "Which families part most", "index.html#families", "heat map spread apart", ""),
    ("page", "Whether counts predict time", "time.html", "speed seconds latency roofline", ""),
    ("page", "Published figures and what became of them", "claims.html", "claims audit readme paper", ""),
    ("page", "Turn a figure into another counter's", "convert.html", "convert", ""),
    ("page", "All models in one table", "table.html", "csv latex export", ""),
    ("page", "What is not known", "method.html#unknown", "unexplained residual", ""),
)  # fmt: skip


def docs_rows(docs: Path) -> Iterator[Row]:
    """Every section of the documentation, with its page, from the index that its own search box uses.

    Of several sections of a page that are called alike the first.
    """
    index = docs / "search" / "search_index.js"
    if index.is_file():
        sections = json.loads(index.read_text().removeprefix("var __index = "))["docs"]
        titles = {each["location"]: each["title"] for each in sections}
        known: set[tuple[str, str]] = set()
        for each in sections:
            page, _, section = each["location"].partition("#")
            note = titles[page] if section else ""
            if (each["title"], note) not in known:
                known.add((each["title"], note))
                yield (
                    "docs", each["title"], f"docs/{each['location']}",
                    shorten(TAG.sub(" ", each["text"]), 200), note,
                )  # fmt: skip


def figures(models: list[Model], claims: Iterable[tuple[int, Published]] = ()) -> dict[str, Any]:
    """Every figure that a counter gives, with the model and the counter; loaded when one is asked.

    And every published figure, with the place of its row in the index.
    """
    rows: list[list[Any]] = []
    for place, model in enumerate(models):
        for strip in model.strips:
            base = "parameter" if strip.metric == "params" else "MAC"
            reference = model.params if base == "parameter" else model.macs
            if reference is not None:
                rows.append([reference, base, place, "who", "reference"])
                if base == "MAC":
                    rows.append([2 * reference, "FLOP", place, "who", "reference"])
            for said in every_said(strip):
                if said.macs is not None:
                    rows.append(
                        [
                            said.reading.value,
                            said.reading.unit,
                            place,
                            said.id,
                            said.reading.counter,
                        ]
                    )
    return {
        "models": [[each.name, f"model/{each.id}.html"] for each in models],
        "rows": rows,
        "claims": list(claim_figures(claims)),
    }


def claim_figures(claims: Iterable[tuple[int, Published]]) -> Iterator[tuple[float, str, int]]:
    """Value, what is counted, and place of each published figure; what is called FLOPs may be MACs."""
    for place, each in claims:
        try:
            printed, unit = parse_figure(each.value), parse_unit(each.unit)
        except UserError:
            continue  # a statement, or a rate
        base = "MAC" if unit.base in ("", "FLOP") else unit.base
        yield float(printed.value * unit.scale), base, place
