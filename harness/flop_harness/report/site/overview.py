"""The pages about everything: the table, conversion, time, claims, method; and what search finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from flop_harness.records import Run
from flop_harness.report.analysis.audit import TOLD, WORDS
from flop_harness.report.analysis.faults import Faults
from flop_harness.report.analysis.verdict import headline, unknowns
from flop_harness.report.documents.proofs import section
from flop_harness.report.site import grid, search, timings
from flop_harness.report.site import words as glossary
from flop_harness.report.site.contents import Site
from flop_harness.report.site.families import CLASS_NAMES
from flop_harness.report.site.published import PAGE, Published, tone_of
from flop_harness.report.sources.published import WORST
from flop_harness.report.sources.results import proofs_in
from flop_harness.report.words.text import group, listed, plural

Files = Iterator[tuple[str, bytes]]
EXAMPLES = (
    "4.13 GFLOPs ptflops resnet50 to fvcore",
    "4.13 GFLOPs ptflops resnet50",
    "thop vit_b_16 to fvcore",
)
"""Questions that the page of conversion answers"""
TITLE = "Published figures, and what became of them"
"""That of the page of all that needs a reader's eye"""


def files(site: Site) -> Files:
    yield from table_files(site)
    yield site.page(
        "convert.html",
        "convert.html.j2",
        examples=EXAMPLES,
        scripts=["assets/conversion.js", "assets/convert.js"],
    )
    yield from time_files(site)
    yield from claims_files(site)
    yield method_page(site)
    yield from search_files(site)


def table_files(site: Site) -> Files:
    results = site.results
    shard = grid.shard(results.index, site.models, site.families, results.runs.values())
    yield site.data("table", shard)
    yield site.page("table.html", "table.html.j2", counters=shard["counters"], classes=CLASS_NAMES,
                    in_flops=grid.in_flops(shard),
                    presets=grid.PRESETS, families=sorted(site.families, key=lambda row: row.id),
                    scripts=["assets/tabulator.js", "assets/table.js"])  # fmt: skip


def time_files(site: Site) -> Files:
    """The suite whose counts predict best comes first: it has most models. Only those that predict can be chosen."""
    times = sorted(site.results.times.items(), key=lambda item: -len(predicted(item[1])))
    machines = [timings.machine_of(name, each) for name, each in times]
    machines.sort(key=lambda each: not each.lead)
    shards = {name.replace("/", "-"): timings.shard(each) for name, each in times}
    for name, shard in shards.items():
        yield site.data(f"time/{name}", shard)
    predicting = [each for each in machines if shards[each.id]["series"]]
    yield site.page("time.html", "time.html.j2", machines=machines, predicting=predicting,
                    scripts=["assets/d3.js", "assets/plot.js", "assets/time.js"])  # fmt: skip


def predicted(times: Any) -> tuple[Any, ...]:
    return tuple(times.theory)


def claims_files(site: Site) -> Files:
    """The page of those that need a reader's eye first, and pages of what stands apart."""
    pages: dict[str, list[Published]] = {PAGE: []}
    for each in site.published:
        pages.setdefault(each.page, []).append(each)
    apart = [(found[0].file, path, len(found)) for path, found in pages.items() if path != PAGE]
    for path, found in pages.items():
        alone = path != PAGE
        sources = {each.source for each in found}
        yield site.page(
            path, "claims.html.j2", groups=by_ruling(found), total=len(found),
            title=f"{found[0].file}: figures reproduced as stated" if alone else TITLE,
            headline=told(found if alone else site.published), apart=[] if alone else apart,
            source=sources.pop() if len(sources) == 1 else "",
            pages=site.pages_of_models, scripts=["assets/narrow.js"],
        )  # fmt: skip


def told(figures: Sequence[Published]) -> str:
    """How many figures there are, and what became of them."""
    counts = Counter(each.tone for each in figures)
    parts = [f"{group(counts[tone_of(ruling)])} {words}" for ruling, words in TOLD.items()
             if counts[tone_of(ruling)]]  # fmt: skip
    return (
        f"{plural(len(figures), 'claim')}: {listed(parts)}." if parts else "No claim was audited."
    )


def by_ruling(figures: Sequence[Published]) -> list[tuple[str, str, list[Published]]]:
    """(class, words, figures) of each ruling that there is, the worst first."""
    found: dict[str, list[Published]] = {}
    for each in figures:
        found.setdefault(each.tone, []).append(each)
    ordered = ((tone_of(ruling), WORDS[ruling]) for ruling in WORST)
    return [(tone, words, found[tone]) for tone, words in ordered if tone in found]


def method_page(site: Site) -> tuple[str, bytes]:
    suites = [suite_of(site, folder, run) for folder, run in site.results.runs.items()]
    return site.page(
        "method.html", "method.html.j2", reference=glossary.REFERENCE, words=glossary.WORDS,
        conventions=glossary.conventions(), suites=suites, unknowns=unknowns(site.results.index),
    )  # fmt: skip


def suite_of(site: Site, folder: Any, run: Run) -> dict[str, Any]:
    faults = Faults()
    proofs = proofs_in(folder, run.suite, faults)
    faults.refuse()
    return {
        "run": run, "headline": headline(run), "command": f"flop-harness compare {run.suite.name}",
        "models": [model for model in site.models if model.suite == run.suite.name],
        "environment": site.environments[run.suite.name],
        "proofs": section(proofs) if proofs else None,
    }  # fmt: skip


def search_files(site: Site) -> Files:
    rows = [
        *search.counter_rows(each.tool for each in site.profiles), *search.model_rows(site.models),
        *search.release_rows(site.results.timelines), *search.family_rows(site.families), *search.PAGES, *search.word_rows(glossary.WORDS),
        *search.claim_rows(site.published),
        *(search.docs_rows(site.docs) if site.docs else ()),
    ]  # fmt: skip
    place = {link: number for number, (_, _, link, *_) in enumerate(rows)}
    claims = [(place[each.link], each) for each in site.published if each.link in place]
    tools = [each.tool.id for each in site.profiles]
    yield site.data("search", {"rows": rows, **search.ways(tools)})
    yield site.data("figures", search.figures(site.models, claims))
