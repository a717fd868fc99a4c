"""Which files the site is made of, and how each is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flop_harness.records import Reading
from flop_harness.report.analysis.findings import Profile, profiles
from flop_harness.report.analysis.index import REFERENCE
from flop_harness.report.formats import html
from flop_harness.report.site import citing, counters, overview
from flop_harness.report.site.code_of import CodeOf
from flop_harness.report.site.families import CLASSES, SECTIONS, FamilyRow, family_rows
from flop_harness.report.site.home import sentences
from flop_harness.report.site.models import Model, model_of, shard
from flop_harness.report.site.related import Published, Timed, published, times_of
from flop_harness.report.site.sources import Results, is_library
from flop_harness.report.tables.environment import environment_table
from flop_harness.report.tables.table import Table
from flop_harness.report.words.text import plural, shorten, slug

ASSETS = Path(__file__).parents[1] / "pages" / "site"
SCRIPTS = ("site.js", "model.js", "counter.js", "table.js", "convert.js", "time.js", "claims.js")
CHARTS = ["assets/d3.js", "assets/plot.js"]
Code = Callable[[Reading], list[str]]
Files = Iterator[tuple[str, bytes]]


def counter_line(profile: Profile) -> dict[str, str]:
    """A counter in the list of the first page."""
    return {"id": profile.tool.id, "line": shorten(profile.tool.description, 110)}


class Site:
    """The files of a site of these results; ``docs`` is where its documentation lies."""

    def __init__(self, results: Results, code: CodeOf | None = None, docs: Path | None = None) -> None:
        self.results, self.code, self.docs = results, code or CodeOf(), docs
        self._environment = html.pages()

    @cached_property
    def models(self) -> list[Model]:
        combined, index = self.results.combined, self.results.index
        return [model_of(index, case.id, combined.origin[case.id][0], combined.also.get(case.id, ()))
                for case in combined.run.suite.cases]  # fmt: skip

    @cached_property
    def families(self) -> list[FamilyRow]:
        cases = self.results.combined.run.suite.cases
        return family_rows(self.results.index, [case.id for case in cases if is_library(case.model)])

    @cached_property
    def times(self) -> dict[str, list[Timed]]:
        return times_of(self.results.times.values())

    @cached_property
    def claims(self) -> dict[str, list[Published]]:
        found: dict[str, list[Published]] = {}
        for each in map(published, self.results.claims):
            found.setdefault(each.model, []).append(each)
        return found

    @cached_property
    def environments(self) -> dict[str, Table]:
        return {name: environment_table(run) for name, run in self.results.suites.items()}

    def files(self) -> Files:
        """(path in the site, content), one after another: a large site is never held whole."""
        for name in (*SCRIPTS, "site.css"):
            yield f"assets/{name}", (ASSETS / name).read_bytes()
        yield self.page("index.html", "home.html.j2", sentences=sentences(self.families),
                        rows=self.families, sections=SECTIONS, counters=list(map(counter_line, self.profiles)),
                        classes=[words for _, words in CLASSES], count=plural(len(self.models), "model"))  # fmt: skip
        yield from overview.files(self)
        for profile in self.profiles:
            yield from self.counter_files(profile)
        for model in self.models:
            yield from self.model_files(model)

    def data(self, name: str, value: Any) -> tuple[str, bytes]:
        """A shard as a script: a page opened from a file may load scripts, and nothing else."""
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return f"data/{name}.js", f"put({json.dumps(name)},{text})\n".encode("utf-8", "replace")

    @cached_property
    def pages_of_models(self) -> dict[str, str]:
        """Model -> the name of the first page about it."""
        return {model.model: model.id for model in reversed(self.models)}

    def page(self, path: str, template: str, **contents: Any) -> tuple[str, bytes]:
        """A page; those in folders find what they need one level up."""
        made = self._environment.get_template(f"site/{template}").render(
            root="../" * path.count("/"), here=path.removesuffix(".html"), docs=self.docs is not None,
            footer=f"flop-harness {version('flop-harness')}", **{"scripts": [], **contents},
        )  # fmt: skip
        return path, made.encode("utf-8", "replace")

    def model_files(self, model: Model) -> Files:
        run = self.results.suites[model.suite]
        case = self.results.combined.origin[model.name][1]
        yield self.data(f"model/{model.id}", shard(self.results.index, model, self.code_of_model(model)))
        yield self.page(
            f"model/{model.id}.html", "model.html.j2", model=model,
            times=self.times.get(model.model, []), claims=self.claims.get(model.model, []),
            bibtex=citing.bibtex_of(model, run), latex=citing.latex_row(model),
            command=f"flop-harness compare {run.suite.name} --cases {case}",
            environment=self.environments[model.suite],
            scripts=[*CHARTS, "assets/model.js"],
        )  # fmt: skip

    def code_of_model(self, model: Model) -> Code:
        """Gives the code of each reading of a model, in pieces."""
        suite, case = self.results.combined.origin[model.name]
        return lambda each: self.code.pieces(suite, case, each.counter, each.context, each.metric)

    def counter_files(self, profile: Profile) -> Files:
        name = profile.tool.id
        timeline = self.results.timelines.get(name)
        yield self.data(f"counter/{slug(name)}", counters.shard(name, timeline))
        yield self.page(
            f"counter/{slug(name)}.html", "counter.html.j2", profile=profile, ids=self.ids,
            charges=counters.charges(profile, self.code.findings),
            departures=counters.departures(name, self.families),
            releases=counters.releases(timeline) if timeline else [],
            effects=self.results.effects.get(name, []), refusals=list(counters.refusals(
                self.results.index, name, profile.version, self.refused_code(name))),
            scripts=[*CHARTS, "assets/counter.js"] if timeline else [],
        )  # fmt: skip

    def refused_code(self, counter: str) -> dict[str, str]:
        """Case -> the code that ends in the counter's error."""
        found = {}
        for reading in self.results.index.readings:
            if reading.counter == counter and reading.status != "ok":
                suite, case = self.results.combined.origin[reading.case]
                pieces = self.code.pieces(suite, case, counter, reading.context, reading.metric)
                found.setdefault(reading.case, "\n".join(pieces))
        return found

    @cached_property
    def ids(self) -> dict[str, str]:
        """Case -> the name of its page."""
        return {model.name: model.id for model in self.models}

    @cached_property
    def profiles(self) -> list[Profile]:
        """Every counter but the one that restates the reference."""
        return [each for each in profiles(self.results.index) if each.tool.id != REFERENCE]
