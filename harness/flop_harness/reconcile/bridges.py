"""Accounts and readings -> bridges."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property

from flop_harness.conventions.products import products
from flop_harness.conventions.reference import parameters, reference
from flop_harness.counters.protocol import Counter
from flop_harness.records import (
    AGAIN,
    HERE,
    HOOKED,
    UNSEEN,
    Bridge,
    Context,
    Metric,
    Reading,
    Step,
    Trace,
)
from flop_harness.records.account import Account, Key

REFERENCES: dict[Metric, Callable[[Trace], Account]] = {
    "compute": reference,
    "params": parameters,
}
Operators = Mapping[Key, Mapping[str, int]]
"""(module path, term) -> the operators that do that work, and how much each does"""


class PricedTrace:
    """A trace and the reference accounts of it, each priced once, whatever its context is called."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self._accounts: dict[Metric, Account] = {}
        self._operators: dict[Metric, Operators] = {"params": {}}

    def under(self, context: Context) -> PricedTrace:
        """The same pass under another context; what is priced already is shared."""
        other = copy.copy(self)
        other.trace = replace(self.trace, context=context)
        return other

    @cached_property
    def classes(self) -> dict[str, str]:
        """The class of the module at each path."""
        return {module.path: module.type_name for module in self.trace.modules}

    def account(self, metric: Metric) -> Account:
        if metric not in self._accounts:
            self._accounts[metric] = REFERENCES[metric](self.trace)
        return self._accounts[metric]

    def operators(self, metric: Metric) -> Operators:
        if metric not in self._operators:
            self._operators[metric] = operators_of(self.trace)
        return self._operators[metric]


def operators_of(trace: Trace) -> Operators:
    """Which operators do the multiplications of each module and term."""
    found: dict[Key, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for visit, product, term in products(trace):
        found[visit.path, term][visit.call.packet] += product.macs
    return found


def bridge(reading: Reading, counter: Counter, canonical: Trace, own: Trace) -> Bridge:
    """Lead from the reference to a reading, term by term.

    ``canonical`` is the trace that the case's reference is priced on, ``own`` the one taken in the
    reading's context. No term looks at the reading; the residual is what they leave over.
    """
    return lead(reading, counter, PricedTrace(canonical), PricedTrace(own))


def lead(
    reading: Reading,
    counter: Counter,
    canonical: PricedTrace,
    own: PricedTrace,
    plain: PricedTrace | None = None,
    hooked: bool = False,
) -> Bridge:
    """As ``bridge``, on priced_traces that other readings share.

    ``plain`` is of a run without any counter in the reading's context: what the model is said to do
    there by itself is held against it. Without one that is not judged. ``hooked`` tells that hooks which
    do nothing were on the modules in that run.
    """
    metric = reading.metric
    reference, here = canonical.account(metric), own.account(metric)
    charged = counter.quantities[metric].price(own.trace)
    found = [located(step, here, own, metric) for step in steps(here, charged)]
    where = HOOKED if hooked else HERE
    shifted = shifts(reference, here, where)
    taken = (*shifted, *found)
    value = reading.value if reading.value is not None else 0
    compared, off = modules_off(reading, counter, own.trace)
    return Bridge(
        reading.case,
        reading.counter,
        reading.context,
        metric,
        reading.unit,
        int(reference.total),
        taken,
        whole(value - reference.total - sum(step.amount for step in taken)),
        value,
        compared,
        off,
        {}
        if plain is None
        else not_shown(shifted, shifts(reference, plain.account(metric), where)),
    )


def modules_off(
    reading: Reading, counter: Counter, own: Trace
) -> tuple[int, dict[str, int | float]]:
    """How many of the tool's figures by module were compared, and those that differ by how much."""
    predict = counter.quantities[reading.metric].breakdown
    if predict is None or not reading.modules:
        return 0, {}
    told = predict(own)
    if told is None:
        return 0, {}
    predicted = {name: amount for name, amount in told.items() if amount}
    names = reading.modules.keys() | predicted.keys()
    gaps = {name: whole(reading.modules.get(name, 0) - predicted.get(name, 0)) for name in names}
    return len(names), {name: gaps[name] for name in sorted(gaps) if gaps[name]}


def steps(reference: Account, charged: Account) -> list[Step]:
    """What ``charged`` has beyond ``reference``, and what it lacks, the largest first."""
    groups: dict[str, dict[str, int | float]] = defaultdict(dict)
    known = {term for _, term in reference}
    for (path, term), amount in (charged - reference).items():
        if not term.strip():
            raise ValueError(f"a charge of {amount:,} without a name, at {path or 'the root'!r}")
        name = term if term not in known else term + (UNSEEN if amount < 0 else AGAIN)
        groups[name][path] = amount
    made = [
        Step(term, whole(sum(paths.values())), ordered(paths)) for term, paths in groups.items()
    ]
    return sorted(made, key=lambda step: -abs(step.amount))


def shifts(reference: Account, here: Account, where: str = HERE) -> list[Step]:
    """What the model itself does more or less of in a reading's context, or with hooks in it.

    Work that only other modules do there (a layer's fast path for all below it) is no step.
    """
    paths: dict[str, dict[str, int | float]] = defaultdict(dict)
    for (path, term), amount in (here - reference).items():
        paths[term][path] = amount
    sums = {term: whole(sum(amounts.values())) for term, amounts in paths.items()}
    return [
        Step(term + (UNSEEN if amount < 0 else AGAIN) + where, amount, ordered(paths[term]))
        for term, amount in sorted(sums.items(), key=lambda pair: -abs(pair[1]))
        if amount
    ]


def not_shown(claimed: list[Step], shown: list[Step]) -> dict[str, int | float]:
    """By how much steps "in this context" exceed what a run without any counter does there."""
    amounts = {step.term: step.amount for step in shown}
    gaps = {step.term: whole(step.amount - amounts.get(step.term, 0)) for step in claimed}
    return {term: gap for term, gap in gaps.items() if gap}


def located(step: Step, reference: Account, own: PricedTrace, metric: Metric) -> Step:
    """The step with the classes it comes from, and the operators that do what is not seen.

    Operators stand for modules of which nothing is seen, where they are sure to be the ones.
    """
    classes: dict[str, int | float] = defaultdict(int)
    operators: dict[str, int] = defaultdict(int)
    term = step.term.removesuffix(UNSEEN)
    for path, amount in step.modules.items():
        classes[own.classes.get(path, "")] += amount
        if term != step.term and amount == -reference.get((path, term), 0):
            for name, macs in own.operators(metric).get((path, term), {}).items():
                operators[name] += macs
    return replace(step, classes=ordered(classes), operators=dict(operators))


def ordered(paths: Mapping[str, int | float]) -> dict[str, int | float]:
    return {path: whole(amount) for path, amount in paths.items()}


def whole(amount: int | float) -> int | float:
    """An integer as one, even if a tool computes in floating point."""
    return int(amount) if amount == int(amount) else amount


def metrics(counter: Counter) -> tuple[Metric, ...]:
    return tuple(counter.quantities)
