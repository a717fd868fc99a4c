"""Accounts and readings -> bridges."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from harness import conventions
from harness.account import Account
from harness.counters.protocol import Counter
from harness.records import Bridge, Metric, Reading, Step, Trace

REFERENCES = {"compute": conventions.reference, "params": conventions.parameters}


def bridge(reading: Reading, counter: Counter, canonical: Trace, own: Trace) -> Bridge:
    """Lead from the reference to a reading, term by term.

    ``canonical`` is the trace that the case's reference is priced on, ``own`` the one taken in the
    reading's context. No term looks at the reading; the residual is what they leave over.
    """
    price = REFERENCES[reading.metric]
    reference = price(canonical)
    here = price(own)
    moved = [
        Step(f"{step.term} in this context", step.amount, step.modules)
        for step in steps(reference, here)
    ]
    own_steps = steps(here, counter.quantities[reading.metric].price(own))
    explained = sum(step.amount for step in (*moved, *own_steps))
    value = reading.value if reading.value is not None else 0
    compared, off = modules_off(reading, counter, own)
    return Bridge(
        reading.case,
        reading.counter,
        reading.context,
        reading.metric,
        reading.unit,
        int(reference.total),
        (*moved, *own_steps),
        whole(value - reference.total - explained),
        value,
        compared,
        off,
    )


def modules_off(
    reading: Reading, counter: Counter, own: Trace
) -> tuple[int, dict[str, int | float]]:
    """How many of the tool's figures by module were compared, and those that differ by how much."""
    predict = counter.quantities[reading.metric].breakdown
    if predict is None or not reading.modules:
        return 0, {}
    predicted = {name: amount for name, amount in predict(own).items() if amount}
    names = reading.modules.keys() | predicted.keys()
    gaps = {name: whole(reading.modules.get(name, 0) - predicted.get(name, 0)) for name in names}
    return len(names), {name: gaps[name] for name in sorted(gaps) if gaps[name]}


def steps(reference: Account, charged: Account) -> list[Step]:
    """What ``charged`` has beyond ``reference``, then what it lacks, each the largest first."""
    beyond: dict[str, dict[str, int | float]] = defaultdict(dict)
    lacking: dict[str, dict[str, int | float]] = defaultdict(dict)
    known = {term for _, term in reference}
    for (path, term), amount in (charged - reference).items():
        if term in known and amount < 0:
            lacking[f"{term} not seen"][path] = amount
        elif term in known:
            beyond[f"{term} counted again"][path] = amount
        else:
            beyond[term][path] = amount
    groups = [*lacking.items(), *beyond.items()]
    made = [Step(term, whole(sum(paths.values())), ordered(paths)) for term, paths in groups]
    return sorted((step for step in made if step.modules), key=lambda step: -abs(step.amount))


def ordered(paths: Mapping[str, int | float]) -> dict[str, int | float]:
    return {path: whole(amount) for path, amount in paths.items()}


def whole(amount: int | float) -> int | float:
    """An integer as one, even if a tool computes in floating point."""
    return int(amount) if amount == int(amount) else amount


def metrics(counter: Counter) -> tuple[Metric, ...]:
    return tuple(counter.quantities)
