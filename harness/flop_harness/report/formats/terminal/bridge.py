"""One bridge as a tree on a terminal: each term, what it stands for, and the modules it is of."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from flop_harness.records import Bridge, Step
from flop_harness.records.account import lineage
from flop_harness.report.analysis.bridges import part_of
from flop_harness.report.analysis.findings import sentences
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.waterfalls import Bar, Scale, bars, levels, own_levels
from flop_harness.report.formats.terminal.fitting import wrapped
from flop_harness.report.words.text import (
    Number,
    group,
    hanging,
    human,
    left_out,
    many,
    percent,
    plural,
    printable,
    signed,
    verb,
)

if TYPE_CHECKING:
    from rich.table import Table as Grid

WIDTH = 72
"""Columns that the text of the tree takes at most"""
LEAST = 40
"""Columns that it has at least before bars are drawn beside it"""
BAR = 20
BRANCH, LAST, TRUNK, GAP = "├─ ", "└─ ", "│  ", "   "
GUIDES = re.compile("(?:├─ |└─ |│  |   )*")
TONES = {"up": "dark_orange3", "down": "steel_blue", "loud": "red", "base": "bright_black"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the tree: guides and text, an amount, its share of the reference, and its bar."""

    text: str
    amount: str = ""
    share: str = ""
    bar: Bar | None = None
    style: str = ""


def explain(
    index: Index, bridge: Bridge, depth: int = 1, most: int = 4, scale: Scale | None = None
) -> Iterator[Line]:
    """The tree of a bridge, from the reference at its root to the reading below it.

    Its bars stand on ``scale``, else on one of its own. Modules are folded into those ``depth`` levels down, of which ``most`` are named below each.
    """
    places = levels(index, bridge)
    drawn = iter(bars(bridge, places, scale or Scale.of([places])))
    unit = many(bridge.unit)
    base = "parameters" if bridge.unit == "parameter" else "MAC"
    yield Line(f"reference ({base})", group(bridge.reference), human(bridge.reference),
               next(drawn, None), "bold")  # fmt: skip
    told = sentences(index, bridge)
    for step, sentence in zip(bridge.steps, told, strict=True):
        bar = next(drawn, None)
        share = percent(part_of(step.amount, bridge))
        yield Line(BRANCH + printable(step.term), signed(step.amount), share, bar, "bold")
        yield Line(TRUNK + printable(sentence), style="dim")
        yield from modules_of(step, TRUNK, depth, most)
    loud = "bold red" if bridge.residual else ""
    gap = "residual: NOT EXPLAINED" if bridge.residual else "residual"
    yield Line(BRANCH + gap, signed(bridge.residual), "", next(drawn, None), loud)
    says = f"{printable(bridge.counter)} says ({unit})"
    yield Line(LAST + says, group(bridge.reading), human(bridge.reading), next(drawn, None), "bold")
    if bridge.modules:
        count = len(bridge.off)
        off = f", {count:,} {verb(count, 'differs', 'differ')}" if count else ", all equal"
        yield Line(f"{GAP}{plural(bridge.modules, 'figure')} by module compared{off}", style="dim")
    unknown = index.run.unsupported.get(bridge.case, {})
    if unknown and bridge.metric == "compute":
        yield Line(f"{GAP}not counted, for want of a formula: {left_out(unknown)}", style="yellow")
    looks = index.run.looks.get(bridge.case, ())
    if looks and bridge.metric == "compute":
        yield Line(f"{GAP}{hanging(looks)}", style="yellow")


def between(
    bridge: Bridge, source: tuple[str, str], target: tuple[str, str], depth: int = 0, most: int = 4
) -> Iterator[Line]:
    """The tree from one way of counting to another, each with its unit; nothing is left over."""
    places = own_levels(bridge)
    drawn = iter(bars(bridge, places, Scale.of([places])))
    yield Line(f"{source[0]} ({source[1]})", group(bridge.reference), "", next(drawn, None), "bold")
    for step in bridge.steps:
        share = percent(part_of(step.amount, bridge))
        term = BRANCH + printable(step.term)
        yield Line(term, signed(step.amount), share, next(drawn, None))
        yield from modules_of(step, TRUNK, depth, most)
    end = f"{LAST}{target[0]} ({target[1]})"
    apart = percent(part_of(bridge.reading - bridge.reference, bridge))
    yield Line(end, group(bridge.reading), apart, None, "bold")


def modules_of(step: Step, guide: str, depth: int, most: int) -> Iterator[Line]:
    """Where a term comes from: the heaviest modules at each level, and how many others."""
    yield from branches(tree(step.modules, depth), "", guide, most)


Tree = Mapping[str, Mapping[str, Number]]
"""Path of a module -> the modules below it and their amounts, everything below them included"""


def tree(amounts: Mapping[str, Number], depth: int) -> Tree:
    """Amounts by path, folded at ``depth``, as children of the modules that hold them.

    >>> tree({"features.0": 2, "features.3": 5}, 2)
    {'': {'features': 7}, 'features': {'features.0': 2, 'features.3': 5}}
    """
    found: dict[str, dict[str, Number]] = defaultdict(dict)
    for path, amount in amounts.items():
        places = list(lineage(path))[: depth + 1]
        for holder, place in pairwise(places):
            found[holder][place] = found[holder].get(place, 0) + amount
        if not path and depth:
            found[""]["(root)"] = found[""].get("(root)", 0) + amount
    return dict(found)


def branches(below: Tree, holder: str, guide: str, most: int) -> Iterator[Line]:
    children = sorted(below.get(holder, {}).items(), key=lambda pair: -abs(pair[1]))
    shown = children if len(children) == most + 1 else children[:most]
    others = children[len(shown) :]
    for place, (path, amount) in enumerate(shown):
        last = place == len(shown) - 1 and not others
        name = printable(path)
        yield Line(guide + (LAST if last else BRANCH) + name, signed(amount))
        if path != holder:
            yield from branches(below, path, guide + (GAP if last else TRUNK), most)
    if others:
        rest = sum(amount for _, amount in others)
        yield Line(f"{guide}{LAST}{plural(len(others), 'other')}", signed(rest))


# ----------------------------------------------------------------------------------- terminal


def grid(title: str, lines: Sequence[Line], width: int = 200) -> Grid:
    """The tree beside its amounts and bars; in few columns the bars go first, then text wraps."""
    from rich.table import Table as Grid
    from rich.text import Text

    figures = sum(2 + max((len(text) for text in texts), default=0)
                  for texts in zip(*((line.amount, line.share) for line in lines), strict=True))  # fmt: skip
    room = width - figures - 2
    with_bars = room - BAR - 2 >= LEAST
    room = max(min(room - (BAR + 2) * with_bars, WIDTH), 8)
    told = Text(wrapped(printable(title), width))
    made = Grid(title=told, title_justify="left", title_style="bold", box=None, show_header=False,
                padding=(0, 2, 0, 0), min_width=max(map(len, told.plain.splitlines()), default=0))  # fmt: skip
    for justify in ("left", "right", "right", *["left"] * with_bars):
        made.add_column(justify=justify, no_wrap=True)  # type: ignore[arg-type]
    for line in lines:
        bar = [drawn(line.bar)] if with_bars else []
        made.add_row(Text(folded(line.text, room), line.style), Text(line.amount, line.style),
                     Text(line.share), *bar)  # fmt: skip
    return made


def folded(text: str, room: int) -> str:
    """A line of the tree in rows of ``room`` columns, its guides beside each of them."""
    guide = GUIDES.match(text)[0]  # type: ignore[index]
    rows = wrapped(text[len(guide) :], max(room - len(guide), 8)).splitlines() or [""]
    below = guide.replace(BRANCH, TRUNK).replace(LAST, GAP)
    return "\n".join([guide + rows[0], *(below + row for row in rows[1:])])


def drawn(bar: Bar | None) -> Any:
    """A step of the waterfall in blocks; what has no width is a tick where it stands."""
    from rich.bar import Bar as Blocks
    from rich.text import Text

    if bar is None:
        return Text("")
    least = 100 / BAR / 2
    left = min(bar.left, 100 - least)
    return Blocks(100, left, left + max(bar.width, least), width=BAR,
                  color=TONES.get(bar.tone, "default"))  # fmt: skip
