"""Which files the site is made of, one after another: a large site is never held whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from flop_harness.counters import counters
from flop_harness.report.analysis.figures import REFERENCE
from flop_harness.report.analysis.findings import Profile
from flop_harness.report.charts.drift import chart
from flop_harness.report.formats.html import drawn
from flop_harness.report.site import citing, overview
from flop_harness.report.site import counters as analysed
from flop_harness.report.site import releases as history
from flop_harness.report.site.contents import Site
from flop_harness.report.site.families import CLASS_NAMES
from flop_harness.report.site.home import count_told, farthest, headline, kinds_table, nearest_told
from flop_harness.report.site.models import Code, Model, shard
from flop_harness.report.words.text import brief_ratio, plural, shorten, slug

ASSETS = Path(__file__).parents[1] / "pages" / "site"
Files = Iterator[tuple[str, bytes]]
"""(path in the site, content)"""


def files(site: Site) -> Files:
    for asset in sorted([*ASSETS.glob("*.js"), *ASSETS.glob("*.css")]):
        yield f"assets/{asset.name}", asset.read_bytes()
    yield home(site)
    yield from overview.files(site)
    for profile in site.profiles:
        yield from counter_files(site, profile)
    for model in site.models:
        yield from model_files(site, model)


def home(site: Site) -> tuple[str, bytes]:
    lines = [
        {"id": each.tool.id, "line": shorten(each.tool.description, 110)} for each in site.profiles
    ]
    return site.page(
        "index.html", "home.html.j2", kinds=kinds_table(site.families), headline=headline(site.families),
        examples=list(examples(site)),
        nearest=nearest_told(site.families, site.results.index), rows=site.families,
        sections=list(dict.fromkeys(row.kind for row in site.families)), counters=lines, classes=CLASS_NAMES,
        count=count_told(site.models), tools=plural(len(lines), "tool"), others=others(site),
    )  # fmt: skip


def examples(site: Site) -> Iterator[tuple[str, str]]:
    """(words, page) of what can be asked: a model, why a counter says so, a figure turned into another's."""
    far = farthest(site.families)
    if far:
        case, counter, ratio = far
        page = f"model/{site.ids[case]}.html"
        yield case, page
        share = f"{brief_ratio(ratio)} {'of' if ratio < 1 else 'times'} its MACs"
        yield f"why {counter} gives {share}", f"{page}#{slug(counter)}"
    if "resnet50" in site.ids:
        yield overview.EXAMPLES[0], f"convert.html#q={quote(overview.EXAMPLES[0])}"


def others(site: Site) -> list[str]:
    """Counters that are known but were asked about no model of these results."""
    asked = {REFERENCE, *(each.tool.id for each in site.profiles)}
    return [name for name in counters() if name not in asked]


def model_files(site: Site, model: Model) -> Files:
    run = site.results.suites[model.suite]
    case = site.results.combined.origin[model.name][1]
    yield site.data(
        f"model/{model.id}", shard(site.results.index, model, code_of_model(site, model))
    )
    yield site.page(
        f"model/{model.id}.html", "model.html.j2", model=model,
        times=site.times.get(model.model, []), claims=site.claims.get(model.model, []),
        bibtex=citing.bibtex_of(model, run), latex=citing.latex_row(model),
        command=f"flop-harness compare {run.suite.name} --cases {case}",
        environment=site.environments[model.suite], scripts=["assets/d3.js", "assets/modules.js", "assets/model.js"],
    )  # fmt: skip


def code_of_model(site: Site, model: Model) -> Code:
    """Gives the code of each reading of a model, in pieces."""
    suite, case = site.results.combined.origin[model.name]
    return lambda each: site.code.pieces(suite, case, each.counter, each.context, each.metric)


def counter_files(site: Site, profile: Profile) -> Files:
    name = profile.tool.id
    timeline = site.results.timelines.get(name)
    departures = analysed.departures(name, site.families)
    unmoved = history.unmoved(timeline) if timeline else ""
    without = list(
        analysed.refusals(site.results.index, name, profile.version, refused_code(site, name))
    )
    yield site.page(
        f"counter/{slug(name)}.html", "counter.html.j2", profile=profile, ids=site.ids,
        charges=analysed.charges(profile, site.code.findings),
        parts=analysed.by_axis(departures), exact=analysed.exact_told(departures),
        releases=history.releases(timeline) if timeline else [],
        effects=site.results.effects.get(name, []),
        refusals=[each for each in without if each.upstream], unasked=[each for each in without if not each.upstream],
        drift=drawn(chart(history.moving(timeline))) if timeline and not unmoved else "", unmoved=unmoved,
        still=history.still_told(timeline) if timeline else "",
    )  # fmt: skip


def refused_code(site: Site, counter: str) -> dict[str, str]:
    """Case -> the code that ends in the counter's error."""
    found: dict[str, str] = {}
    for reading in site.results.index.readings:
        if reading.counter == counter and reading.status != "ok":
            suite, case = site.results.combined.origin[reading.case]
            pieces = site.code.pieces(suite, case, counter, reading.context, reading.metric)
            found.setdefault(reading.case, "\n".join(pieces))
    return found
