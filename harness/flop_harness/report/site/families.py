"""Families of models and what each counter says of them: the heat map that a reader meets first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from statistics import median

from flop_harness.records import Reference
from flop_harness.report.analysis.families import PLAIN, kind_of, work_of
from flop_harness.report.analysis.figures import REFERENCE
from flop_harness.report.analysis.index import Index
from flop_harness.report.site.answers import Said, said_of
from flop_harness.report.words.text import brief_ratio, plural, slug

SECTIONS = CONVOLUTIONS, ATTENTION, LANGUAGE, OTHER_TASKS, QUANTISED = (
    "Convolutional networks", "Transformers", "Language models", "Other tasks", "Quantised networks",
)  # fmt: skip
OF_INTEGERS = "quantization"
"""The part of a library that holds networks of whole numbers"""
ENOUGH = 2
"""Models of one architecture that make a row of their own"""
CLASSES = ((0.0, "equal"), (0.001, "under 0.1 %"), (0.01, "0.1 to 1 %"), (0.1, "1 to 10 %"),
           (math.log(2), "10 % to × 2"), (math.log(10), "× 2 to × 10"), (math.inf, "over × 10"))  # fmt: skip
"""Upper bounds of |ln(figure / reference)|, and how they are called"""
CLASS_NAMES = tuple(words for _, words in CLASSES)


CLOSE = 0.02
"""What is called close: within 2 per cent"""


@dataclass(frozen=True)
class FamilyCell:
    """What a counter says of a family, called as its documentation shows: ratio by model.

    ``worst`` is the ratio farthest from 1, None where no figure came; ``silent`` says how many
    models have none, and why.
    """

    counter: str
    ratios: Mapping[str, float]
    silent: Mapping[str, str]

    @cached_property
    def worst(self) -> float | None:
        return max(self.ratios.values(), key=strength, default=None)

    @property
    def reach(self) -> float:
        """How far the worst figure is from the reference, on a log scale."""
        return -1.0 if self.worst is None else strength(self.worst)

    @property
    def usual(self) -> float | None:
        return median(self.ratios.values()) if self.ratios else None

    @property
    def mark(self) -> str:
        """The worst ratio in a few signs, or the word for why there is none."""
        if self.worst is None:
            return next(iter(Counter(self.silent.values()).most_common(1)), ("", 0))[0]
        return brief_ratio(self.worst)

    @property
    def tone(self) -> str:
        """As ``tone_of``, or ``refused``, ``failed``, ``absent``."""
        if self.worst is None:
            return {"refused": "refused", "failed": "failed"}.get(self.mark, "absent")
        return tone_of(self.worst)

    @property
    def words(self) -> str:
        """The cell in a sentence, for its tooltip."""
        every = len(self.ratios) + len(self.silent)
        if self.worst is None:
            told = f"no figure for {plural(every, 'model')}: {self.mark or 'not asked'}"
            return f"{self.counter}: {told}"
        equal = sum(value == 1 for value in self.ratios.values())
        told = f"{self.counter}: farthest {brief_ratio(self.worst)} times the reference, in the middle "
        told += f"{brief_ratio(self.usual or 0)}; {equal} of {every} equal"
        return told + (f"; no figure for {len(self.silent)}" if self.silent else "")


def strength(value: float) -> float:
    """How far a ratio is from 1, on a log scale; 0 is farthest."""
    return abs(math.log(value)) if value > 0 else math.inf


def is_close(ratio: Fraction | float) -> bool:
    return round(abs(float(ratio) - 1), 9) <= CLOSE


def tone_of(ratio: float) -> str:
    """``same``, ``zero``, or side and strength: ``low d3``."""
    if ratio == 0:
        return "zero"
    level = next(n for n, (bound, _) in enumerate(CLASSES) if strength(ratio) <= bound)
    return "same" if level == 0 else f"{'high' if ratio > 1 else 'low'} d{level}"


@dataclass(frozen=True)
class FamilyRow:
    """Models alike, and a cell for each counter."""

    name: str
    kind: str
    cases: tuple[str, ...]
    cells: tuple[FamilyCell, ...]

    @property
    def id(self) -> str:
        return slug(f"{self.kind}-{self.name}".replace(" ", "-").replace("(", "").replace(")", ""))

    @property
    def spread(self) -> float:
        """Highest / lowest worst ratio above zero."""
        found = [value for cell in self.cells for value in cell.ratios.values() if value > 0]
        return max(found) / min(found) if found else 1.0


def family_name(reference: Reference, common: frozenset[tuple[str, str]]) -> str:
    """What it is for; else the architecture, if several models of the section have it."""
    module = module_of(reference)
    if area_of(reference) not in ("", OF_INTEGERS):
        return area_of(reference)
    return module.replace("_", " ") if (section_of(reference), module) in common else "others"


def module_of(reference: Reference) -> str:
    """The module in which the class of the root stands: ``resnet``, for a ResNeXt too."""
    return reference.type.rpartition(".")[0].rpartition(".")[2]


def area_of(reference: Reference) -> str:
    """``detection``, ``segmentation``: the part of its library, where that is not the plain one."""
    kind, work = kind_of(reference), work_of(reference)
    return "" if kind == work or kind in PLAIN else kind.removeprefix(work).strip(" ()")


def section_of(reference: Reference) -> str:
    """Networks by what their work is; those of linear layers stand with the convolutions.

    A ConvNeXt does most of its work in linear layers between convolutions.
    """
    if reads_tokens(reference):
        return LANGUAGE
    if area := area_of(reference):
        return QUANTISED if area == OF_INTEGERS else OTHER_TASKS
    by_sequence = work_of(reference).startswith(("attention", "recurrent"))
    return ATTENTION if by_sequence else CONVOLUTIONS


def reads_tokens(reference: Reference) -> bool:
    """Whether it is a model of transformers that is called with a matrix first: batch, tokens.

    Those for images, sound or features take a tensor of more dimensions.
    """
    first = reference.inputs.partition(" ")[0]
    return reference.type.startswith("transformers.") and first.count("x") == 1


def family_rows(index: Index, cases: Iterable[str]) -> list[FamilyRow]:
    """A row for each family: by section, those that counters agree on most first."""
    known = [case for case in cases if case in index.reference_of]
    modules = Counter((section_of(index.reference_of[case]), module_of(index.reference_of[case]))
                      for case in known)  # fmt: skip
    common = frozenset(pair for pair, count in modules.items() if count >= ENOUGH)
    named: dict[tuple[str, str], list[str]] = {}
    for case in known:
        reference = index.reference_of[case]
        named.setdefault((section_of(reference), family_name(reference, common)), []).append(case)
    said = {case: by_counter(said_of(index, case, "compute")) for case in known}
    asked = {name for found in said.values() for name in found}
    counters = [name for name in index.counters if name in asked and name != REFERENCE]
    rows = [
        FamilyRow(name, kind, tuple(found), tuple(cell(counter, found, said) for counter in counters))
        for (kind, name), found in named.items()
    ]  # fmt: skip
    return sorted(
        rows, key=lambda row: (SECTIONS.index(row.kind), row.name == "others", row.spread)
    )


def by_counter(every: Iterable[Said]) -> dict[str, Said]:
    """What each counter says when it is called as its documentation shows."""
    found: dict[str, Said] = {}
    for each in every:
        if each.documented or each.reading.counter not in found:
            found[each.reading.counter] = each
    return found


def cell(counter: str, cases: Iterable[str], said: Mapping[str, Mapping[str, Said]]) -> FamilyCell:
    ratios, silent = {}, {}
    for case in cases:
        each = said[case].get(counter)
        if each is None:
            continue
        if each.deviation is not None and each.macs is not None:
            ratios[case] = 1 + each.deviation
        else:
            silent[case] = each.mark
    return FamilyCell(counter, ratios, silent)
