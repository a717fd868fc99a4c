"""A published figure beside what its model has, in the figure's own unit, and where it was published."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

from flop_harness.errors import UserError
from flop_harness.records.units import parse_unit, with_unit
from flop_harness.report.analysis.audit import WORDS
from flop_harness.report.site.notation import as_macs, own_in, readable, reason_in
from flop_harness.report.sources.published import WORST, Row
from flop_harness.report.words.text import anchor, shorten, slug

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
WIDTH = re.compile(r"\b(width_mult|width|scale)=")
"""By how much a network is wider than its first version"""
NAMED = re.compile(r"\b(name|arch)=")
COMPARED = re.compile(r"[<>=]")
"""What makes a statement: a comparison"""
SOURCE = re.compile(
    r"arXiv:(?P<paper>\d{4}\.\d{4,5})|(?P<page>https://[^\s,;)…]+)"
    r"|^(?P<repository>[\w.-]+/[\w.-]+) (?P<file>[\w./-]+)(?::\d+)? @(?P<commit>[0-9a-f]{7,40})"
)

LETTER = re.compile(r"^([kMGTP]) (?=(?:MAC|FLOP)s?$)")
"""A prefix that stands before its unit without a space: ``GMACs``"""
PAGE = "claims.html"
MANY = 2_000
"""So many figures of one file, reproduced as stated, have a page of their own"""


@dataclass(frozen=True, slots=True)
class Published:
    """A published figure and what became of it; ``own`` is what the model has, in ``unit``.

    ``as_macs`` is the same in MACs, where a figure that is called FLOPs is nearer to that.

    A ``statement``, such as ``a.macs > b.macs``, has no figure.
    ``inputs`` are those of a figure that hangs on them, ``made`` the arguments of the model's builder;
    ``page`` is where it stands.
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
    made: str
    statement: str = ""
    as_macs: str = ""
    page: str = PAGE

    @property
    def link(self) -> str:
        return f"{self.page}#{self.id}"

    @property
    def figure(self) -> str:
        return f"{self.value} {self.unit}".rstrip()

    def otherwise(self, made: str) -> str:
        """How its model was made, where one ``made`` with other arguments is told of; empty where alike."""
        if self.made == made:
            return ""
        return f"made with {self.made}" if self.made else f"made without {made}"


def all_published(rows: Iterable[Row]) -> list[Published]:
    """Each figure with its page, in the order of ``rank``: those of a large table that are as stated do not crowd the others."""
    every = [published(row) for row in sorted(rows, key=rank)]
    as_stated = Counter(each.file for each in every if each.tone == "reproduced")
    return [
        replace(each, page=f"claims/{slug(each.file)}.html")
        if each.tone == "reproduced" and as_stated[each.file] >= MANY
        else each
        for each in every
    ]


def rank(row: Row) -> tuple[int, bool, bool]:
    """The worst verdicts first; of one, what models compute first, and what is said of no model last."""
    return (
        WORST.index(row["ruling"]),
        row["metric"] != "compute" or not row["model"],
        not row["model"],
    )  # type: ignore[arg-type]


def published(row: Row) -> Published:
    words, value, unit = figure_of(row)
    statement = "" if value else row["value"]
    return Published(
        anchor("claim", row["file"], row["claim"]), row["file"], row["model"],
        title_of(row, words, statement), readable(value), unit, own_in(row),
        shorten(row["source"], 240), WORDS[row["ruling"]],  # type: ignore[index]
        tone_of(row["ruling"]), shorten(reason_in(row, unit), 400),
        row["inputs"] if row["metric"] == "compute" else "", row["made"], statement, as_macs(row),
    )  # fmt: skip


def tone_of(ruling: str) -> str:
    """The class of a row."""
    return ruling.replace(" ", "-")


def figure_of(row: Row) -> tuple[str, str, str]:
    """What a figure is about where its table says it, its digits and its unit; no digits of a statement.

    ``M`` of parameters is ``M parameters``; so is ``350M`` in a column of parameters.
    """
    quantity, prefix = head_of(row["unit"])
    words, unit = QUANTITIES.get(quantity, ("", row["unit"]))
    if COMPARED.search(row["value"]):
        return words, "", unit
    value, printed = with_unit(row["value"])
    if printed and printed != unit:
        prefix = f"{prefix} {printed}".strip()
    named = "parameters" if row["metric"] == "params" and is_bare(unit) else ""
    return words, value, LETTER.sub(r"\1", " ".join(filter(None, [prefix, unit, named])))


def is_bare(unit: str) -> bool:
    """Whether a unit is a prefix alone, or nothing."""
    try:
        return not parse_unit(unit).base
    except UserError:
        return False


def head_of(unit: str) -> tuple[str, str]:
    """``params (M)``, the head of a column -> the quantity, and the prefix of its figures."""
    quantity, _, prefix = unit.partition(" (")
    return (quantity, prefix.removesuffix(")")) if quantity in QUANTITIES else (unit, "")


def title_of(row: Row, quantity: str, statement: str) -> str:
    """Its model and layer; of a figure without a model, and of a statement, what its table calls it.

    ``gpt3-2.1/gpt3-xl/width`` of a table -> ``gpt3-xl: width``; a row without a name goes by its number.
    """
    name = shorten(row["model"].rpartition(":")[2], 60)
    if name and not statement:
        return f"{shorten(named_in(row), 60)} {row['layer']}".rstrip()
    table, _, rest = row["claim"].partition("/")
    if not quantity:
        said = shorten(rest or row["claim"], 80)
        return f"{name}: {said}" if name else said
    place = rest.rpartition("/")[0]
    return f"{table}, row {place}: {quantity}" if place.isdecimal() else f"{place}: {quantity}"


def named_in(row: Row) -> str:
    """A model and what tells it from others of its name: ``mobilenet_v2 × 0.75``."""
    name, variant = row["model"].rpartition(":")[2], NAMED.sub("", WIDTH.sub("× ", row["variant"]))
    return f"{name} ({variant})" if variant[:1] not in ("", "×") else f"{name} {variant}".rstrip()


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
