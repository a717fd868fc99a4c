"""All that a run knows of one case, packed for the page's own script to unfold.

Most of a run is here: every bridge, and for each term the amount of each module. It is kept as
compressed JSON, in which equal breakdowns and all paths stand once, and becomes a part of the page
only when somebody opens the case. What is written here as text is shown as it is.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from flop_harness.records import Bridge, Metric, Step
from flop_harness.report.analysis.bridges import part_of
from flop_harness.report.analysis.findings import sentences
from flop_harness.report.analysis.index import Index, key_of
from flop_harness.report.analysis.verdict import trained
from flop_harness.report.analysis.waterfalls import Scale, bars, levels
from flop_harness.report.sources.figure_code import NONE, Codes
from flop_harness.report.tables.cases import Answer, Section
from flop_harness.report.tables.table import Table, show
from flop_harness.report.words.commands import again_of_case
from flop_harness.report.words.text import (
    Number,
    group,
    percent,
    plural,
    printable,
    shorten,
    signed,
)

EXACT = 2**53
"""Whole numbers up to here are exact in a script"""


def packed(index: Index, section: Section, codes: Codes = NONE) -> str:
    """A case, packed."""
    return pack(contents(index, section, codes))


def pack(value: Any) -> str:
    """What a page unfolds: base64 of gzip of JSON."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    data = gzip.compress(text.encode("utf-8", "replace"), mtime=0)
    return base64.b64encode(data).decode("ascii")


def unpacked(data: str) -> dict[str, Any]:
    """What was packed."""
    return dict(json.loads(gzip.decompress(base64.b64decode(data))))


def contents(index: Index, section: Section, codes: Codes = NONE) -> dict[str, Any]:
    breakdowns = Breakdowns()
    scales = scales_of(index, section)
    answers = [answer_in(index, answer, breakdowns, scales) for answer in section.answers]
    pieces: dict[str, int] = {}
    for told, answer in zip(answers, section.answers, strict=True):
        made = codes.figures.get(key_of(answer.reading), ())
        if made:
            told["code"] = [pieces.setdefault(codes.pieces[each], len(pieces)) for each in made]
    return {
        "description": printable(section.description),
        "again": again_of_case(index.run.suite, section.case, trained(index.run)),
        "tables": [
            table_in(each)
            for each in (*section.agreed, section.figures, section.unsupported)
            if each.rows
        ],
        "answers": answers,
        "pieces": list(pieces),
        "paths": list(map(printable, breakdowns.paths)),
        "breakdowns": breakdowns.tables,
    }


def table_in(table: Table) -> list[Any]:
    """Title, heads, rows of text."""
    rows = [[show(value, column) for value, column in zip(row, table.columns, strict=True)]
            for row in table.rows]  # fmt: skip
    return [table.title, [column.title for column in table.columns], rows]


class Breakdowns:
    """Amounts by module: each path and each equal table once."""

    def __init__(self) -> None:
        self.paths: dict[str, int] = {}
        self.tables: list[list[Any]] = []
        self._known: dict[tuple[Any, ...], int] = {}

    def add(self, modules: Mapping[str, Number]) -> int:
        """The number of a table: path, amount, path, amount, ..."""
        entries = tuple(
            (self.paths.setdefault(path, len(self.paths)), exactly(amount))
            for path, amount in modules.items()
        )
        if entries not in self._known:
            self._known[entries] = len(self.tables)
            self.tables.append([value for entry in entries for value in entry])
        return self._known[entries]


def exactly(amount: Number) -> Number | str:
    """A whole number that a script would round becomes text."""
    return str(amount) if isinstance(amount, int) and abs(amount) > EXACT else amount


def scales_of(index: Index, section: Section) -> dict[Metric, Scale]:
    """On which scale the waterfalls of a case stand, those of each metric on one."""
    found: dict[Metric, list[list[Fraction]]] = defaultdict(list)
    for answer in section.answers:
        bridge = index.bridge_to(answer.reading)
        if answer.bridge and bridge is not None:
            found[bridge.metric].append(levels(index, bridge))
    return {metric: Scale.of(every) for metric, every in found.items()}


def answer_in(
    index: Index, answer: Answer, breakdowns: Breakdowns, scales: Mapping[Metric, Scale]
) -> dict[str, Any]:
    """A reading and its bridge; what is empty is left out."""
    cell = answer.cell
    bridge = index.bridge_to(answer.reading) if answer.bridge else None
    told = {
        "id": cell.anchor,
        "counter": printable(cell.counter),
        "context": printable(cell.context),
        "metric": cell.metric,
        "case": printable(cell.case),
        "figure": plural(cell.value, cell.unit) if cell.value is not None else cell.text,
        "read": read(answer),
        "why": cell.why,
        "loud": cell.loud,
        "message": shorten(cell.message, 500),
        "modules": answer.by_module,
        "off": [[printable(name), signed(gap)] for name, gap in bridge.off.items()]
        if bridge
        else [],
        "bridge": bridge_in(index, bridge, breakdowns, scales[cell.metric]) if bridge else [],
        "scale": ticks_in(bridge, scales[cell.metric]) if bridge else [],
    }
    return {name: value for name, value in told.items() if value}


def read(answer: Answer) -> str:
    """By which version, what the tool itself says, and what it did besides counting."""
    tool = f"Read by {printable(answer.cell.counter)} {printable(answer.reading.version)}".strip()
    told = answer.told if answer.cell.value is not None else ""
    return "; ".join([f"{tool}, which says {told}" if told else tool, *answer.remarks])


def ticks_in(bridge: Bridge, scale: Scale) -> list[tuple[float, str]]:
    """The ticks of the axis above the waterfall: per cent of its width, share of the reference."""
    return [(scale.place(tick), part(tick, bridge) if tick else "0") for tick in scale.ticks]


def bridge_in(
    index: Index, bridge: Bridge, breakdowns: Breakdowns, scale: Scale
) -> list[dict[str, Any]]:
    """The lines from the reference to the reading, each with its bar of the waterfall."""
    lines: list[dict[str, Any]] = [{"term": "reference", "amount": group(bridge.reference)}]
    lines += [
        {
            "term": printable(step.term),
            "amount": signed(step.amount),
            "share": part(step.amount, bridge),
            "sentence": sentence,
            "breakdown": breakdowns.add(step.modules),
            "where": where(step),
        }
        for step, sentence in zip(bridge.steps, sentences(index, bridge), strict=True)
    ]
    gap = bridge.residual
    lines.append({"term": "residual", "amount": signed(gap), "loud": bool(gap)})
    lines.append({"term": "reading", "amount": group(bridge.reading)})
    for line, bar in zip(lines, bars(bridge, levels(index, bridge), scale), strict=False):
        line["bar"] = [bar.left, bar.width, bar.tone]
    return lines


def where(step: Step) -> str:
    """In which classes of modules and by which operators a term comes about."""
    named = (("in", parts_of(step.classes)), ("done by", parts_of(step.operators)))
    return "; ".join(f"{word} {', '.join(names)}" for word, names in named if names)


def parts_of(amounts: Mapping[str, Number]) -> list[str]:
    """Names with their amounts; the name alone where it is the only one."""
    if len(amounts) == 1:
        return [printable(name) for name in amounts if name]
    return [f"{printable(name or '(root)')} {group(n)}" for name, n in amounts.items()]


def part(amount: Number | Fraction, bridge: Bridge) -> str:
    return percent(part_of(amount, bridge))
