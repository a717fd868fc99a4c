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
from flop_harness.records import Timeline, Tool
from flop_harness.records.units import BASES, PREFIXES
from flop_harness.report.site.families import FamilyRow
from flop_harness.report.site.models import Model, every_said
from flop_harness.report.site.published import PAGE, Published
from flop_harness.report.site.releases import dated
from flop_harness.report.site.words import anchor_of
from flop_harness.report.words.text import human, shorten, slug

Row = tuple[str, str, str, str, str]
"""kind, title, link, further words, a note"""


def model_rows(models: Iterable[Model]) -> Iterator[Row]:
    for each in models:
        note = human(each.macs, "MAC") if each.macs is not None else ""
        yield "model", each.name, f"model/{each.id}.html", each.model, f"{note}, {each.suite}"


def counter_rows(tools: Iterable[Tool]) -> Iterator[Row]:
    """Every counter goes by its id and by all that people call it."""
    for tool in tools:
        names = {tool.id, *(name for name, ids in CALLED.items() if tool.id in ids)}
        words = " ".join(sorted(re.sub("[^a-z0-9]", "", name) for name in names))
        yield (
            "counter", tool.id, f"counter/{slug(tool.id)}.html", words,
            shorten(tool.description, 80),
        )  # fmt: skip


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


def family_rows(rows: Iterable[FamilyRow]) -> Iterator[Row]:
    for row in rows:
        yield (
            "family",
            f"{row.name} ({row.kind})",
            f"table.html#family={row.id}",
            "family models",
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
            f"{each.page}#{each.id}",
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


def ways() -> dict[str, Any]:
    """How figures and ways of counting are written, so that pages read them as the commands do.

    Words of units, prefixes the longest first, the names of conventions.
    """
    prefixes = sorted(PREFIXES.items(), key=lambda each: -len(each[0]))
    return {"bases": BASES, "prefixes": prefixes, "conventions": list(CONVENTIONS)}


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
    """Every section of the documentation, from the index that its own search box uses."""
    index = docs / "search" / "search_index.js"
    if index.is_file():
        for each in json.loads(index.read_text().removeprefix("var __index = "))["docs"]:
            yield (
                "docs",
                each["title"],
                f"docs/{each['location']}",
                shorten(TAG.sub(" ", each["text"]), 200),
                "",
            )


def figures(models: list[Model]) -> dict[str, Any]:
    """Every figure that a counter gives, with the model and the counter; loaded when one is asked."""
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
    return {"models": [[each.name, f"model/{each.id}.html"] for each in models], "rows": rows}
