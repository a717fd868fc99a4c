"""The table of all models, as data: one row for each model, one figure for each counter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flop_harness.records import Run
from flop_harness.report.analysis.figures import REFERENCE
from flop_harness.report.analysis.index import Index
from flop_harness.report.formats.case_json import exactly
from flop_harness.report.site.answers import Said, finite
from flop_harness.report.site.citing import CONVENTION, versions
from flop_harness.report.site.families import SECTIONS, FamilyRow, by_counter, tone_of
from flop_harness.report.site.models import Model, every_said
from flop_harness.report.words.text import brief_ratio

ROOM = {"ratio": 6, "gmac": 6, "exact": 2}
"""Counters that fit beside a model, its input and sizes on a line of an article"""
PRESETS = (
    ("Every kind", ""), *((name, name) for name in SECTIONS), ("Single layers and small networks", "Layers"),
)  # fmt: skip


def shard(
    index: Index, models: Sequence[Model], rows: Iterable[FamilyRow], runs: Iterable[Run]
) -> dict[str, Any]:
    """A row for each model: where it stands, its size, what each counter says, in the order of the counters.

    A figure is [value, unit, ratio, tone, the ratio in words], or the word for why there is none; of each
    counter what it says when it is called as its documentation shows.
    """
    place = {case: (row.id, row.kind) for row in rows for case in row.cases}
    families = {model.model: place[model.name] for model in models if model.name in place}
    asked = {each.counter for each in index.readings if each.metric == "compute"}
    counters = [name for name in index.counters if name in asked and name != REFERENCE]
    told = [row_of(model, counters, *families.get(model.model, ("", "Layers"))) for model in models]
    return {
        "counters": counters, "brief": brief(counters, told),
        "versions": [f"{name} {version_of(index, name)}".strip() for name in counters],
        "made": f"Reference: {CONVENTION}.",
        "suites": {run.suite.name: made(run) for run in runs},
        "rows": told,
    }  # fmt: skip


def brief(counters: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> dict[str, list[str]]:
    """As many counters as a page has room for by what is shown of each: those with most figures."""
    figures = [sum(isinstance(said, list) for said in each) for each in zip(*(row["said"] for row in rows), strict=True)]  # fmt: skip
    most = sorted(zip(counters, figures, strict=True), key=lambda each: -each[1])
    return {shown: [name for name, _ in most[:room]] for shown, room in ROOM.items()}


def in_flops(shard: Mapping[str, Any]) -> list[str]:
    """The counters that report FLOPs, in the order of the table."""
    return [name for place, name in enumerate(shard["counters"])
            if any(isinstance(row["said"][place], list) and "FLOP" in row["said"][place] for row in shard["rows"])]  # fmt: skip


def made(run: Run) -> str:
    """What a table that is taken away says of a suite: its version, and torch's."""
    return f"{run.suite.name} {run.suite.version} (torch {versions(run).get('torch', '?')})"


def version_of(index: Index, counter: str) -> str:
    return next((each.version for each in index.readings if each.counter == counter), "")


def row_of(model: Model, counters: Sequence[str], family: str, section: str) -> dict[str, Any]:
    said = by_counter(
        each for strip in model.strips if strip.metric == "compute" for each in every_said(strip)
    )
    figures = [figure(said.get(name)) for name in counters]
    return {
        "name": model.name, "id": model.id, "suite": model.suite, "family": family, "section": section,
        "input": model.inputs.replace("x", "×"), "macs": model.macs, "params": model.params, "said": figures,
    }  # fmt: skip


def figure(said: Said | None) -> Any:
    if said is None:
        return None
    if said.macs is None:
        return said.mark
    share = finite(said.deviation)
    value = [exactly(said.reading.value or 0), said.reading.unit]
    return (
        [*value, None, "", ""]
        if share is None
        else [*value, 1 + share, tone_of(1 + share), brief_ratio(1 + share)]
    )
