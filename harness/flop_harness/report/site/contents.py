"""What all pages of a site are made from, and how a page and a shard of data are written."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from flop_harness.report.analysis.figures import REFERENCE
from flop_harness.report.analysis.findings import Profile, profiles
from flop_harness.report.formats import html
from flop_harness.report.site.code_of import CodeOf
from flop_harness.report.site.families import FamilyRow, family_rows
from flop_harness.report.site.models import Model, model_of
from flop_harness.report.site.published import Published, all_published, cited
from flop_harness.report.site.sources import Results, is_library
from flop_harness.report.site.timed import Timed, times_of
from flop_harness.report.site.words import anchor_of, contexts_told, linked
from flop_harness.report.tables.environment import environment_table
from flop_harness.report.tables.table import Table
from flop_harness.version import __version__


class Site:
    """What a site of these results shows; ``docs`` is where its documentation lies."""

    def __init__(
        self, results: Results, code: CodeOf | None = None, docs: Path | None = None
    ) -> None:
        self.results, self.code, self.docs = results, code or CodeOf(), docs
        self._environment = html.pages()
        self._environment.filters.update(
            anchor_of=anchor_of, contexts_told=contexts_told, cited=cited
        )

    @cached_property
    def models(self) -> list[Model]:
        combined, index = self.results.combined, self.results.index
        return [model_of(index, case.id, combined.origin[case.id][0], combined.also.get(case.id, ()))
                for case in combined.run.suite.cases]  # fmt: skip

    @cached_property
    def ids(self) -> dict[str, str]:
        """Case -> the name of its page."""
        return {model.name: model.id for model in self.models}

    @cached_property
    def pages_of_models(self) -> dict[str, str]:
        """Model -> the name of the first page about it."""
        return {model.model: model.id for model in reversed(self.models)}

    @cached_property
    def families(self) -> list[FamilyRow]:
        """Of models of libraries; where there are none, of all.

        The first suite that has a model tells of it: at another size or batch of another suite it
        is no further model of its family.
        """
        cases = self.results.combined.run.suite.cases
        origin = self.results.combined.origin
        first: dict[str, str] = {}
        libraries = [case.id for case in cases if is_library(case.model)
                     and first.setdefault(case.model, origin[case.id][0]) == origin[case.id][0]]  # fmt: skip
        return family_rows(self.results.index, libraries or [case.id for case in cases])

    @cached_property
    def profiles(self) -> list[Profile]:
        """Every counter but the one that restates the reference."""
        return [each for each in profiles(self.results.index) if each.tool.id != REFERENCE]

    @cached_property
    def times(self) -> dict[str, list[Timed]]:
        return times_of(self.results.times.values())

    @cached_property
    def published(self) -> list[Published]:
        """Every audited figure, those that need a reader's eye first."""
        return all_published(self.results.claims)

    @cached_property
    def claims(self) -> dict[str, list[Published]]:
        """Model -> its published figures; what a source says of several weights alike is told once."""
        found: dict[str, dict[Published, Published]] = {}
        for each in self.published:
            found.setdefault(each.model, {}).setdefault(replace(each, id="", own=""), each)
        return {model: list(alike.values()) for model, alike in found.items()}

    @cached_property
    def environments(self) -> dict[str, Table]:
        return {name: environment_table(run) for name, run in self.results.suites.items()}

    def data(self, name: str, value: Any) -> tuple[str, bytes]:
        """A shard as a script: a page opened from a file may load scripts, and nothing else."""
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return f"data/{name}.js", f"put({json.dumps(name)},{text})\n".encode("utf-8", "replace")

    def page(self, path: str, template: str, **contents: Any) -> tuple[str, bytes]:
        """A page; those in folders find what they need one level up."""
        root = "../" * path.count("/")
        made = self._environment.get_template(f"site/{template}").render(
            root=root, linked=lambda text: linked(text, root), here=path.removesuffix(".html"), docs=self.docs is not None,
            footer=f"flop-harness {__version__}", **{"scripts": [], **contents},
        )  # fmt: skip
        return path, made.encode("utf-8", "replace")
