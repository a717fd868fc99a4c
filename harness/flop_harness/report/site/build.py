"""Which files the site is made of, and how each is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from flop_harness.report.formats import html
from flop_harness.report.site import citing
from flop_harness.report.site.families import CLASSES, SECTIONS, FamilyRow, family_rows
from flop_harness.report.site.home import sentences
from flop_harness.report.site.models import Model, model_of, shard
from flop_harness.report.site.related import Published, Timed, published, times_of
from flop_harness.report.site.sources import Results, is_library
from flop_harness.report.tables.environment import environment_table
from flop_harness.report.tables.table import Table
from flop_harness.report.words.text import plural

ASSETS = Path(__file__).parents[1] / "pages" / "site"
SCRIPTS = ("site.js", "model.js")
Files = Iterator[tuple[str, bytes]]


def data(name: str, value: Any) -> tuple[str, bytes]:
    """A shard as a script: a page opened from a file may load scripts, and nothing else."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return f"data/{name}.js", f"put({json.dumps(name)},{text})\n".encode("utf-8", "replace")


class Site:
    """The files of a site of these results; ``docs`` tells whether the documentation lies in it."""

    def __init__(self, results: Results, docs: bool = False) -> None:
        self.results, self.docs = results, docs
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
                        rows=self.families, sections=SECTIONS, counters=[],
                        classes=[words for _, words in CLASSES], count=plural(len(self.models), "model"))  # fmt: skip
        for model in self.models:
            yield from self.model_files(model)

    def page(self, path: str, template: str, **contents: Any) -> tuple[str, bytes]:
        """A page; those in folders find what they need one level up."""
        made = self._environment.get_template(f"site/{template}").render(
            root="../" * path.count("/"), here=path.removesuffix(".html"), docs=self.docs,
            footer=f"flop-harness {version('flop-harness')}", **{"scripts": [], **contents},
        )  # fmt: skip
        return path, made.encode("utf-8", "replace")

    def model_files(self, model: Model) -> Files:
        run = self.results.suites[model.suite]
        case = self.results.combined.origin[model.name][1]
        yield data(f"model/{model.id}", shard(self.results.index, model))
        yield self.page(
            f"model/{model.id}.html", "model.html.j2", model=model,
            times=self.times.get(model.model, []), claims=self.claims.get(model.model, []),
            bibtex=citing.bibtex_of(model, run), latex=citing.latex_row(model),
            command=f"flop-harness compare {run.suite.name} --cases {case}",
            environment=self.environments[model.suite],
            scripts=["assets/d3.js", "assets/plot.js", "assets/model.js"],
        )  # fmt: skip
