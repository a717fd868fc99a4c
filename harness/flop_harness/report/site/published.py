"""A published figure beside what its model has, in the figure's own unit, and where it was published."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

from flop_harness.errors import UserError
from flop_harness.records.units import Base, parse_figure, parse_unit
from flop_harness.report.analysis.audit import WORDS
from flop_harness.report.sources.published import Row
from flop_harness.report.words.text import anchor, digits, group, minus, shorten, slug

TIMES = {("MAC", "FLOP"): 2.0, ("FLOP", "MAC"): 0.5}
"""How many of the second one of the first is"""
QUANTITIES: Mapping[str, tuple[str, str]] = {
    "params": ("parameters", "parameters"),
    "compute": ("training compute", "FLOP"),
    "width": ("width", "elements"),
    "heads": ("heads", "heads"),
    "pf-days": ("training compute", "PFLOP/s-days"),
    "flop per param": ("FLOP per parameter", "FLOP"),
    "forward flop": ("forward FLOP", "FLOP"),
    "forward macs": ("forward MACs", "MACs"),
    "training flop": ("training FLOP", "FLOP"),
    "training macs": ("training MACs", "MACs"),
    "tokens/s": ("tokens per second", "tokens/s"),
    "tokens/s/gpu": ("tokens per second and GPU", "tokens/s"),
    "tflops/gpu": ("rate of a GPU", "TFLOP/s"),
    "pflops": ("rate of all GPUs", "PFLOP/s"),
    "peak share": ("share of the peak", "%"),
    "mfu": ("MFU", "%"),
    "mfu without attention": ("MFU without attention", "%"),
    "hfu": ("HFU", "%"),
    "gpu hours": ("GPU hours", "hours"),
    "days": ("days", "days"),
}
"""The head of a column about language models -> what it is about, and the unit of its figures"""
DIGITS = 4
"""So many digits at least are told of what a model has"""
LONG = re.compile(r"[1-9][0-9]{4,}")
SOURCE = re.compile(
    r"arXiv:(?P<paper>\d{4}\.\d{4,5})|(?P<page>https://[^\s,;)…]+)"
    r"|^(?P<repository>[\w.-]+/[\w.-]+) (?P<file>[\w./-]+)(?::\d+)? @(?P<commit>[0-9a-f]{7,40})"
)


PAGE = "claims.html"
MANY = 2_000
"""So many figures of one file, reproduced as stated, have a page of their own"""


@dataclass(frozen=True, slots=True)
class Published:
    """A published figure and what became of it; ``own`` is what the model has, in ``unit``.

    ``inputs`` are those of a figure that hangs on them; ``page`` is where it stands.
    """

    id: str
    file: str
    model: str
    title: str
    value: str
    unit: str
    own: str
    source: str
    ruling: str
    tone: str
    reason: str
    inputs: str
    page: str = PAGE

    @property
    def figure(self) -> str:
        return f"{self.value} {self.unit}".rstrip()


def all_published(rows: Iterable[Row]) -> list[Published]:
    """Each figure with its page: those of a large table that are as stated do not crowd the others."""
    every = [published(row) for row in rows]
    as_stated = Counter(each.file for each in every if each.tone == "reproduced")
    return [
        replace(each, page=f"claims/{slug(each.file)}.html")
        if each.tone == "reproduced" and as_stated[each.file] >= MANY
        else each
        for each in every
    ]


def published(row: Row) -> Published:
    words, unit = words_of(row)
    name = row["model"].rpartition(":")[2] or title_of(row["claim"], words)
    return Published(
        anchor("claim", row["file"], row["claim"]), row["file"], row["model"],
        " ".join(filter(None, [shorten(name, 60), row["layer"]])), readable(row["value"]), unit, own_in(row),
        shorten(row["source"], 240), WORDS[row["ruling"]],  # type: ignore[index]
        tone_of(row["ruling"]), shorten(typeset(row["reason"]), 400),
        row["inputs"] if row["metric"] == "compute" else "",
    )  # fmt: skip


def tone_of(ruling: str) -> str:
    """The class of a row."""
    return ruling.replace(" ", "-")


def words_of(row: Row) -> tuple[str, str]:
    """What a figure is about where its table says it, and its unit; ``M`` of parameters is ``M parameters``."""
    quantity, prefix = head_of(row["unit"])
    words, unit = QUANTITIES.get(quantity, ("", row["unit"]))
    if unit and row["value"].endswith(unit):
        return words, ""
    named = " parameters" if row["metric"] == "params" and is_bare(unit) else ""
    return words, f"{prefix} {unit}{named}".strip()


def is_bare(unit: str) -> bool:
    """Whether a unit is a prefix alone, or nothing."""
    try:
        return not parse_unit(unit).base
    except UserError:
        return False


def readable(value: str) -> str:
    """Digits in threes: ``15470314496`` -> ``15,470,314,496``; what is no whole number stays as it is printed."""
    return group(int(value)) if LONG.fullmatch(value) else value


def head_of(unit: str) -> tuple[str, str]:
    """``params (M)``, the head of a column -> the quantity, and the prefix of its figures."""
    quantity, _, prefix = unit.partition(" (")
    return (quantity, prefix.removesuffix(")")) if quantity in QUANTITIES else (unit, "")


def title_of(claim: str, quantity: str) -> str:
    """``gpt3-2.1/gpt3-xl/width`` of a table -> ``gpt3-xl: width``; a statement is its own title.

    A row without a name goes by its number in its table.
    """
    table, _, row = claim.partition("/")
    if not quantity:
        return row or claim
    row = row.rpartition("/")[0]
    return f"{table}, row {row}: {quantity}" if row.isdecimal() else f"{row}: {quantity}"


def typeset(text: str) -> str:
    """``-4.50% off`` -> ``−4.50 % off``."""
    return re.sub(r"(?<=\d)%", " %", re.sub(r"(?<![\w.)])-(?=\d)", "\N{MINUS SIGN}", text))


def own_in(row: Row) -> str:
    """What the model has, in the unit of the figure; empty where the one is none of the other."""
    try:
        printed, unit = parse_figure(row["value"]), parse_unit(row["unit"], row["metric"])
        own = float(row["own"])
    except (UserError, ValueError):
        return ""
    factor = factor_to(row["own_unit"], unit.base)
    if factor is None:
        return ""
    value = own * factor / unit.scale
    if unit.scale == 1 and value.is_integer():
        return group(int(value))
    return minus(digits(value, max(DIGITS, printed.digits)))


def factor_to(own: str, base: Base) -> float | None:
    """How many of a figure's units one of the model's is; a figure without a unit is in the model's."""
    return 1.0 if base in ("", own) else TIMES.get((own, base))


def cited(source: str) -> Markup:
    """A source with links to papers, pages and files at a commit, where it names them whole."""
    made, end = Markup(), 0
    for found in SOURCE.finditer(source):
        made += escape(source[end : found.start()])
        made += Markup('<a href="{}">{}</a>').format(address(found), found[0])
        end = found.end()
    return made + escape(source[end:])


def address(found: re.Match[str]) -> str:
    if found["paper"]:
        return f"https://arxiv.org/abs/{found['paper']}"
    if found["page"]:
        return found["page"]
    return f"https://github.com/{found['repository']}/blob/{found['commit']}/{found['file']}"
