"""A figure under one way of counting turned into another: a convention of ours, or a counter's rules.

Nothing is executed where the model does not look at values: a counter's rules are asked, not the
counter. A figure is converted only if it is what the first way of counting says of the model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from flop_harness import store
from flop_harness.ask.figures import CHANGED, FLOPS, Figure, Identified, identified, parse
from flop_harness.ask.results import case_in, folder_named
from flop_harness.ask.ways import Amount, Rules, Way, resolve
from flop_harness.errors import UserError
from flop_harness.reconcile.bridges import whole
from flop_harness.records import Bridge, Case, Context, Metric, Step
from flop_harness.records.account import Account
from flop_harness.report.words.terms import DOUBLING
from flop_harness.report.words.text import few, hanging, human, left_out, plural
from flop_harness.suite.files import case_from_model, having

HALVING = "a MAC for 2 FLOPs"


@dataclass(frozen=True)
class Conversion:
    """What a figure is, and what it is under another way of counting, with the terms between."""

    model: str
    found: Identified
    target: Amount
    unsupported: Mapping[str, int] = field(default_factory=dict)
    looks: tuple[str, ...] = ()

    @property
    def figure(self) -> Figure:
        return self.found.figure

    @property
    def source(self) -> Amount:
        return self.found.amount

    @property
    def remarks(self) -> list[str]:
        """What has to be said of the figure: its unit, how it was read, what it leaves out."""
        told = []
        if self.found.printing in CHANGED:
            told.append(f"{self.figure.text} is that figure {self.found.printing}")
        if self.figure.powers:
            told.append(f"{self.figure.text} was read so: {self.figure.powers}")
        if self.found.is_misnamed:
            called, counted = f"{self.figure.unit.base}s", f"{self.source.unit}s"
            told.append(f"{self.source.way} counts {counted}: what is called {self.figure.text} are "
                        f"{human(self.source.total, self.source.unit)}s, not {called}")  # fmt: skip
        elif self.figure.unit.base == "" and self.figure.unit.scale > 1:
            read = human(self.source.total, self.source.unit)
            told += [f"{self.figure.text} was read as {read}"] if read != self.figure.text else []
        if self.unsupported:
            told.append(f"not counted, for want of a formula: {left_out(self.unsupported)}")
        if self.looks:
            told.append(hanging(self.looks))
        return told

    @cached_property
    def bridge(self) -> Bridge:
        """From the one amount to the other; nothing is left over between two accounts."""
        return bridge_between(self.model, self.source, self.target)


def bridge_between(model: str, source: Amount, target: Amount) -> Bridge:
    """From one amount to another by the terms in which their accounts differ; none is left over."""
    metric: Metric = "compute" if target.unit in FLOPS else "params"
    return Bridge(
        model, target.way, target.context or Context(), metric, target.unit,  # type: ignore[arg-type]
        source.total, tuple(between(source, target)), 0, target.total,  # type: ignore[arg-type]
    )  # fmt: skip


def difference(case: Case, names: tuple[str, str], metric: Metric, folder: str = "") -> Difference:
    """Two ways of counting one case, each in its first context. UserError where one says nothing."""
    rules = Rules(case, folder)
    source, target = (said(rules, name, metric) for name in names)
    return Difference(source, target, bridge_between(case.id, source, target))


def said(rules: Rules, name: str, metric: Metric) -> Amount:
    wanted = "compute" if metric == "compute" else "parameters"
    for way in resolve(name):
        for amount in rules.amounts(way):
            if metric_of(amount) == wanted:
                return amount
    raise UserError(f"{name} says nothing in the {metric} of {rules.case.model}")


@dataclass(frozen=True)
class Difference:
    """What two ways of counting say of a model, and the bridge from the one to the other."""

    source: Amount
    target: Amount
    bridge: Bridge


def between(source: Amount, target: Amount) -> Iterator[Step]:
    """The terms that lead from one amount to another, the largest first; the unit is one of them.

    A counter whose account has a term for two FLOPs per MAC brings the unit with it.
    """
    before, after = source.account, target.account
    units = (source.unit, target.unit)
    doubled = any(term == DOUBLING for _, term in (*before, *after))
    if doubled:
        before, after = doubling_apart(source), doubling_apart(target)
    if units == ("MAC", "FLOP") and not doubled:
        yield Step(DOUBLING, before.total, before.by_module())
        before = before.scaled(2)
    elif units == ("FLOP", "MAC") and not doubled:
        yield Step(HALVING, -after.total, (-after).by_module())
        after = after.scaled(2)
    yield from by_size(after - before)


def doubling_apart(amount: Amount) -> Account:
    """With the doubling as a term, as counters have it: of the convention that is nothing else."""
    if amount.way != "flops":
        return amount.account
    halves = [(path, term, value // 2) for path, term, value in amount.account.charges()]
    return Account.of([*halves, *((path, DOUBLING, half) for path, _, half in halves)])


def by_size(difference: Account) -> list[Step]:
    terms = [Step(term, whole(amount), difference.of_term(term))
             for term, amount in difference.by_term().items() if amount]  # fmt: skip
    return sorted(terms, key=lambda step: -abs(step.amount))


def convert(text: str, case: Case, source: str, target: str, folder: str = "") -> list[Conversion]:
    """The figure under ``target``, once for each context in which that says something else.

    Without a ``target`` it is the reference's: MACs, or parameters.

    Raises UserError for a figure that is not the model's under ``source``, saying what it is.
    """
    figure = parse(text)
    sources, targets = resolve(source), resolve(target) if target else []
    rules = Rules(case, folder)
    origin = recognised(figure, rules, sources)
    metric = metric_of(origin.amount)
    target = target or REFERENCE.get(metric, source)
    targets = targets or resolve(target)
    found = distinct(each for each in rules.amounts(targets[0]) if metric_of(each) == metric)
    if not found:
        raise UserError(
            f"{target} says nothing in the {metric} of {case.model}: {text} are {metric}"
        )
    return [Conversion(case.model, origin, each, rules.unsupported, rules.canonical.looks)
            for each in found]  # fmt: skip


def recognised(figure: Figure, rules: Rules, ways: list[Way]) -> Identified:
    """The amount that a figure is, and how it had to be read. UserError where it is none."""
    amounts = [amount for way in ways for amount in rules.amounts(way)]
    for found in identified(figure, amounts):
        return found
    raise UserError(refusal(figure, rules, ways[0]))


def given_by(text: str, case: Case, folder: str = "") -> list[Identified]:
    """Every way of counting that gives a figure of the model, the plainest reading first.

    UserError where none does, saying what the model is.
    """
    figure, rules = parse(text), Rules(case, folder)
    found = identified(figure, everything(rules))
    if not found:
        base = "params" if figure.unit.base == "parameter" else "macs"
        raise UserError(refusal(figure, rules, resolve(base)[0]))
    return found


def everything(rules: Rules) -> list[Amount]:
    return [each for each in rules.everything() if each.way != "analytic"]


def case_of(model: str, inputs: list[str], results: str = "") -> tuple[Case, str]:
    """A model reference, or the id of a case of a suite, with its inputs; and where files are.

    With ``results``, a case of the run that lies there. Raises UserError for what is neither.
    """
    if results:
        run = store.load(folder_named(results))
        found = next((each for each in run.suite.cases if each.id == case_in(run, model)), None)
        if found is None:
            raise UserError(f"no case {model!r} in {results}")
        given = case_from_model(found.model, inputs).inputs if inputs else found.inputs
        return replace(found, inputs=given), ""
    if ":" in model:
        return case_from_model(model, inputs), ""
    for suite in having(model):
        case = next(each for each in suite.cases if each.id == model)
        given = case_from_model(case.model, inputs).inputs if inputs else case.inputs
        return replace(case, inputs=given), suite.folder
    return case_from_model(model, inputs), ""


REFERENCE = {"compute": "macs", "parameters": "params"}
"""What a figure is turned into where nothing else is asked for"""


def metric_of(amount: Amount) -> str:
    """What may be turned into one another: MACs and FLOPs; any other unit only into itself."""
    return "compute" if amount.unit in FLOPS else f"{amount.unit}s"


def distinct(amounts: Iterator[Amount]) -> list[Amount]:
    found: dict[int | float, Amount] = {}
    for amount in amounts:
        found.setdefault(amount.total, amount)
    return list(found.values())


# ------------------------------------------------------------------------------------ refusals


def refusal(figure: Figure, rules: Rules, way: Way) -> str:
    """What the model is under this way of counting, and which ways would give the figure."""
    own = distinct(each for each in rules.amounts(way) if relates(figure, each))
    said = " or ".join(plural(each.total, each.unit) for each in own) or "nothing of that kind"
    told = f"{rules.case.model} is {said} under {way.id}, not {figure.text}"
    found = identified(figure, everything(rules))
    told += stumbles(rules)
    if not found:
        return f"{told}; nor does any other way of counting give it"
    how = found[0].how
    ways = ", ".join(each.amount.way for each in found if each.how == how)
    return f"{told}; it would be {f'{how} ' if how else ''}under {ways}"


def stumbles(rules: Rules) -> str:
    """Which ways of counting cannot be tried, because their rules raise on the model."""
    lost = [f"{way} ({why})" for way, why in rules.stumbled.items()]
    return f" (not tried, as their rules raise on it: {few(lost, 3)})" if lost else ""


def relates(figure: Figure, amount: Amount) -> bool:
    """Whether they are of one kind, so that the amount answers the figure."""
    base = figure.unit.base
    return base in ("", amount.unit) or (base in FLOPS and amount.unit in FLOPS)
