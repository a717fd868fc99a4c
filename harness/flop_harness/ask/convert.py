"""A figure under one way of counting turned into another: a convention of ours, or a counter's rules.

Nothing is executed where the model does not look at values: a counter's rules are asked, not the
counter. A figure is converted only if it is what the first way of counting says of the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias

from flop_harness.ask.count import find_convention
from flop_harness.conventions.articles import NotApplicable
from flop_harness.conventions.catalogue import Convention
from flop_harness.counters import Counter, counters, find_one
from flop_harness.counters.versions.catalogue import CATALOGUE
from flop_harness.errors import UserError, suggest
from flop_harness.reconcile.bridges import whole
from flop_harness.records import Bridge, Case, Context, Step
from flop_harness.records.account import Account
from flop_harness.records.units import Printed, Unit, parse_figure, parse_unit, with_unit
from flop_harness.report.words.terms import DOUBLING
from flop_harness.run.traces import ContextTraces
from flop_harness.suite.build import build
from flop_harness.suite.files import case_from_model, having

REFERENCE = {"reference": "macs"}
"""What people call a convention -> its id"""
FLOPS = {"MAC": 2, "FLOP": 1}
HALVING = "a MAC for 2 FLOPs"
Way: TypeAlias = Convention | Counter


@dataclass(frozen=True)
class Amount:
    """What one way of counting says of a model, itemised; ``unit`` is what it really counts.

    ``label`` is what a tool calls the figure: fvcore prints MACs and calls them FLOPs.
    """

    way: str
    unit: str
    account: Account
    label: str = ""
    context: Context | None = None

    @property
    def total(self) -> int | float:
        return whole(self.account.total)

    @property
    def name(self) -> str:
        return f"{self.way} ({self.context})" if self.context else self.way


@dataclass(frozen=True)
class Figure:
    """A printed figure and its unit, as somebody wrote it."""

    text: str
    printed: Printed
    unit: Unit

    def is_of(self, amount: Amount) -> bool:
        """Whether it is the amount, rounded or cut off as figures are; a MAC is two FLOPs."""
        base = self.unit.base
        if base in ("", amount.unit) or self.is_label(amount):
            return self._stands_for(Fraction(amount.total))
        if base in FLOPS and amount.unit in FLOPS:
            return self._stands_for(Fraction(amount.total) * FLOPS[amount.unit] / FLOPS[base])
        return False

    def is_label(self, amount: Amount) -> bool:
        """Whether its unit is what the tool itself calls its figures."""
        words = amount.label.split(" ")[0]
        return bool(words) and self.unit.base == called(words)

    def is_misnamed(self, amount: Amount) -> bool:
        """Whether it would be the amount under another name of the unit: MACs called FLOPs."""
        swapped = self.unit.base in FLOPS and amount.unit in FLOPS
        return swapped and self._stands_for(Fraction(amount.total))

    def _stands_for(self, value: Fraction) -> bool:
        number = value / self.unit.scale
        return any(low <= number <= high for _, low, high in self.printed.intervals())


def called(label: str) -> str:
    try:
        return parse_unit(label).base
    except UserError:
        return ""


@dataclass(frozen=True)
class Conversion:
    """What a figure is, and what it is under another way of counting, with the terms between."""

    model: str
    figure: Figure
    source: Amount
    target: Amount

    @cached_property
    def bridge(self) -> Bridge:
        """From the one amount to the other; nothing is left over between two accounts."""
        source, target = self.source, self.target
        return Bridge(
            self.model, target.way, target.context or Context(), "compute", target.unit,  # type: ignore[arg-type]
            source.total, tuple(between(source, target)), 0, target.total,  # type: ignore[arg-type]
        )  # fmt: skip


def between(source: Amount, target: Amount) -> Iterator[Step]:
    """The terms that lead from one amount to another, the largest first; the unit is one of them.

    A counter whose account has a term for two FLOPs per MAC brings the unit with it.
    """
    before, after = source.account, target.account
    units = (source.unit, target.unit)
    doubled = any(term == DOUBLING for _, term in (*before, *after))
    if units == ("MAC", "FLOP") and not doubled:
        yield Step(DOUBLING, before.total, before.by_module())
        before = before.scaled(2)
    elif units == ("FLOP", "MAC") and not doubled:
        yield Step(HALVING, -after.total, (-after).by_module())
        after = after.scaled(2)
    yield from by_size(after - before)


def by_size(difference: Account) -> list[Step]:
    terms = [Step(term, whole(amount), difference.of_term(term))
             for term, amount in difference.by_term().items() if amount]  # fmt: skip
    return sorted(terms, key=lambda step: -abs(step.amount))


def convert(text: str, case: Case, source: str, target: str, folder: str = "") -> list[Conversion]:
    """The figure under ``target``, once for each context in which that says something else.

    Raises UserError for a figure that is not the model's under ``source``, saying what it is.
    """
    figure = parse(text)
    ways = resolve(source), resolve(target)
    rules = Rules(case, folder)
    fits = [amount for amount in rules.amounts(ways[0]) if figure.is_of(amount)]
    if not fits:
        raise UserError(refusal(figure, rules, ways[0]))
    metric = metric_of(fits[0])
    found = distinct(each for each in rules.amounts(ways[1]) if metric_of(each) == metric)
    if not found:
        raise UserError(
            f"{target} says nothing in the {metric} of {case.model}: {text} are {metric}"
        )
    return [Conversion(case.model, figure, fits[0], each) for each in found]


def case_of(model: str, inputs: list[str]) -> tuple[Case, str]:
    """A model reference, or the id of a case of a suite, with its inputs; and where files are.

    Raises UserError for what is neither.
    """
    if ":" in model:
        return case_from_model(model, inputs), ""
    for suite in having(model):
        case = next(each for each in suite.cases if each.id == model)
        given = case_from_model(case.model, inputs).inputs if inputs else case.inputs
        return replace(case, inputs=given), suite.folder
    return case_from_model(model, inputs), ""


def parse(text: str) -> Figure:
    """``4.089GMac``, ``4.1 GFLOPs``, ``25,557,032``. Raises UserError."""
    digits, unit = with_unit(text)
    return Figure(text, parse_figure(digits), parse_unit(unit))


def resolve(name: str) -> Way:
    """A convention by id (or ``reference``), else a counter. UserError with what is like it."""
    known = REFERENCE.get(name, name)
    if known in CATALOGUE:
        return find_convention(known)
    if known in counters():
        return find_one(known)
    names = (*REFERENCE, *CATALOGUE, *counters())
    raise UserError(
        f"unknown convention {name!r}{suggest(name, names)}; "
        "see: flop-harness list conventions, or list counters"
    )


def metric_of(amount: Amount) -> str:
    """What may be turned into one another: MACs and FLOPs; any other unit only into itself."""
    return "compute" if amount.unit in FLOPS else f"{amount.unit}s"


def distinct(amounts: Iterator[Amount]) -> list[Amount]:
    found: dict[int | float, Amount] = {}
    for amount in amounts:
        found.setdefault(amount.total, amount)
    return list(found.values())


# -------------------------------------------------------------------------------------- rules


class Rules:
    """Every way of counting, asked about one case; each pass that differs is traced once."""

    def __init__(self, case: Case, folder: str = "") -> None:
        self.case = case
        self._traces = ContextTraces(case, folder, build(case, device="meta", folder=folder))

    def amounts(self, way: Way) -> Iterator[Amount]:
        """What it says: once for a convention, for a counter of each metric in each context.

        Raises UserError where it says nothing about such a model.
        """
        return self._of_convention(way) if isinstance(way, Convention) else self._of_counter(way)

    def _of_convention(self, way: Convention) -> Iterator[Amount]:
        try:
            account = way.price(self._traces.canonical)
        except NotApplicable as error:
            raise UserError(f"{way.id} does not apply to {self.case.model}: {error}") from error
        yield Amount(way.id, way.unit, account)

    def _of_counter(self, way: Counter) -> Iterator[Amount]:
        for quantity in way.quantities.values():
            for context in way.contexts:
                here = replace(context, mode=context.mode or self._traces.mode)
                account = quantity.price(self._traces.trace(way, context))
                yield Amount(way.id, quantity.unit, account, quantity.label, here)

    def everything(self) -> Iterator[Amount]:
        """All conventions, and each counter on the pass that is traced already.

        Whatever says nothing about such a model, or stumbles over it, is left out: this serves
        suggestions only.
        """
        trace = self._traces.canonical
        for convention in CATALOGUE.values():
            try:
                yield Amount(convention.id, convention.unit, convention.price(trace))
            except (ArithmeticError, AttributeError, IndexError, TypeError, ValueError):
                continue
        for counter in counters().values():
            for quantity in counter.quantities.values():
                try:
                    yield Amount(counter.id, quantity.unit, quantity.price(trace), quantity.label)
                except Exception:  # noqa: BLE001 - any rule may trip over an untried model
                    continue


# ------------------------------------------------------------------------------------ refusals


def refusal(figure: Figure, rules: Rules, way: Way) -> str:
    """What the model is under this way of counting, and which ways would give the figure."""
    own = distinct(each for each in rules.amounts(way) if relates(figure, each))
    said = " or ".join(f"{each.total:,} {each.unit}" for each in own) or "nothing of that kind"
    told = f"{rules.case.model} is {said} under {way.id}, not {figure.text}"
    if any(figure.is_misnamed(each) for each in own):
        return f"{told}: they are {own[0].unit}s, which some call {figure.unit.base}s"
    every = [each for each in rules.everything() if each.way != "analytic"]
    fits = list(dict.fromkeys(each.way for each in every if figure.is_of(each)))
    if fits:
        return f"{told}; it would be under {', '.join(fits)}"
    renamed = list(dict.fromkeys(each.way for each in every if figure.is_misnamed(each)))
    if renamed:
        other = "MACs" if figure.unit.base == "FLOP" else "FLOPs"
        return f"{told}; it would be {other} called {figure.unit.base}s under {', '.join(renamed)}"
    return f"{told}; nor does any other way of counting give it"


def relates(figure: Figure, amount: Amount) -> bool:
    """Whether they are of one kind, so that the amount answers the figure."""
    base = figure.unit.base
    return base in ("", amount.unit) or (base in FLOPS and amount.unit in FLOPS)
