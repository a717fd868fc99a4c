"""What every way of counting says of a case: all conventions, and each counter's prediction.

Nothing is executed where the model does not look at values: weights are never filled, and a
counter's rules are asked, not the counter.
"""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeAlias

from flop_harness.conventions.reference import parameters
from flop_harness.counters import Counter, counters, version_of
from flop_harness.counters.versions.catalogue import CATALOGUE, EDITIONS
from flop_harness.errors import ModelRaised, UserError, raised, suggest
from flop_harness.reconcile.bridges import whole
from flop_harness.records import Case, Context, Input, Trace
from flop_harness.records.account import Account
from flop_harness.records.trace import shapes_of
from flop_harness.run.answers import first_line, without_paths
from flop_harness.run.traces import ContextTraces, anywhere, on_meta, with_inputs
from flop_harness.suite.build import build
from flop_harness.trace.walk import module_calls

METRIC_OF = {
    "MAC": "compute", "FLOP": "compute", "parameter": "params", "element": "activations",
    "bytes": "traffic", "param-bytes": "size",
}  # fmt: skip
"""Unit of a convention, or its id -> what its figures are about."""

Layers: TypeAlias = tuple[str, ...]
"""Paths of the modules whose own figures are wanted."""

Wanted: TypeAlias = frozenset[str] | None
"""Ids of conventions and counters; None for all of them."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one way of counting says of a case, in all and of the layers that were asked for.

    ``tool`` is the distribution of a counter, an earlier version's too; empty for a convention.
    """

    counting: str
    metric: str
    unit: str
    total: int | float
    tool: str = ""
    layers: Mapping[str, int | float] = field(default_factory=dict)
    types: Mapping[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Priced:
    """All that is known of a case: prices, calls by type of module, outputs of layers as shapes.

    ``silent`` tells which way of counting says nothing, and why; ``largest`` is the largest number
    of parameters that one module holds itself, ``executed`` whether the model looks at values.
    ``failure`` tells why there is nothing: the model could not be built, or it raises.
    """

    inputs: str
    prices: tuple[Price, ...]
    calls: Mapping[str, int] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)
    largest: int = 0
    executed: bool = False
    failure: str = ""


class UnknownLayer(UserError):
    """A model has no module at the path that was asked for."""

    def __init__(self, layer: str, known: Iterable[str]) -> None:
        super().__init__(f"the model has no layer {layer!r}{suggest(layer, known)}")
        self.layer = layer


def price_model(
    cases: Sequence[Case], folder: str, layers: Sequence[Layers], wanted: Sequence[Wanted]
) -> list[Priced]:
    """Price cases that differ in their inputs alone in every context of every counter that is wanted.

    The model is built once. UnknownLayer for a layer that it has not.
    """
    try:
        plan = build(cases[0], device="meta", folder=folder)
    except (ModelRaised, MemoryError) as error:
        return [nothing(error)] * len(cases)
    traces = [ContextTraces(case, folder, plan) for case in cases]
    return [price_traces(*each) for each in zip(traces, layers, wanted, strict=True)]


def price_traces(traces: ContextTraces, layers: Layers, wanted: Wanted = None) -> Priced:
    """What is said of a case, or why nothing is. UnknownLayer for a layer that it has not."""
    try:
        canonical = traces.canonical
    except Exception as error:  # noqa: BLE001 - whatever a model raises is told in its place
        return nothing(error)
    return priced(canonical, traces.trace, layers, wanted)


def nothing(error: Exception) -> Priced:
    told = str(error) if isinstance(error, UserError) else raised(error)
    return Priced("", (), failure=first_line(without_paths(told)))


def price_sizes(
    case: Case,
    inputs: Sequence[tuple[Input, ...]],
    folder: str = "",
    layers: Layers = (),
    wanted: Wanted = None,
) -> dict[int, Priced]:
    """The case with other inputs, by their place among ``inputs``; what its model does not take fails.

    Every rule is asked about the same trace; only those ``wanted``, if it names any.
    """
    plan = build(case, device="meta", folder=folder)
    found: dict[int, Priced] = {}
    for place, given in enumerate(inputs):
        try:
            trace = on_meta(with_inputs(plan, replace(case, inputs=given)))
        except Exception as error:  # noqa: BLE001 - whatever a model raises for a size it does not take
            found[place] = nothing(error)
            continue
        found[place] = priced(trace, partial(anywhere, trace), layers, wanted)
    return found


# -------------------------------------------------------------------------------- every price


def asked() -> Iterator[tuple[Counter, Context]]:
    """Every counter that is there and not optional, in all contexts in which its answer may differ."""
    for counter in counters().values():
        if counter.id == "analytic" or counter.optional:
            continue
        if counter.overlay or version_of(counter):
            yield from ((counter, context) for context in (*counter.contexts, *counter.further))


def priced(
    trace: Trace,
    seen: Callable[[Counter, Context], Trace],
    layers: Layers,
    wanted: Wanted = None,
) -> Priced:
    """Everything said of a case: by conventions on ``trace``, by counters on what they see."""
    known = {module.path for module in trace.modules}
    for layer in layers:
        if layer not in known:
            raise UnknownLayer(layer, known)
    silent: dict[str, str] = {}
    prices = [
        *of_conventions(trace, layers, silent, wanted),
        *of_counters(seen, layers, silent, wanted),
    ]
    return Priced(
        shapes_of(trace.root.args, trace.root.kwargs),
        tuple(prices),
        Counts(module.type_name for _, module in module_calls(trace)),
        {layer: output_of(trace, layer) for layer in layers},
        silent,
        int(max(parameters(trace).by_module().values(), default=0)),
        trace.executed,
    )


def of_conventions(
    trace: Trace, layers: Layers, silent: dict[str, str], wanted: Wanted
) -> Iterator[Price]:
    tools = {name: tool for tool, names in EDITIONS.items() for name in names}
    kinds = {module.path: module.type_name for module in trace.modules}
    for convention in CATALOGUE.values():
        if wanted is not None and convention.id not in wanted:
            continue
        try:
            account = convention.price(trace)
        except Exception as error:  # noqa: BLE001 - any convention may trip over an untried model
            silent[convention.id] = f"{type(error).__name__}: {error}"
            continue
        metric = METRIC_OF.get(convention.id) or METRIC_OF[convention.unit]
        types: Counts[str] = Counts()
        for path, amount in account.by_module().items():
            types[kinds.get(path, "")] += amount  # type: ignore[assignment]
        tool = tools.get(convention.id, "")
        yield price(convention.id, metric, convention.unit, account, tool, layers, types)


def of_counters(
    seen: Callable[[Counter, Context], Trace],
    layers: Layers,
    silent: dict[str, str],
    wanted: Wanted,
) -> Iterator[Price]:
    """Each counter's predictions; another context's where it says something else there."""
    said: dict[tuple[str, str], set] = {}
    for counter, context in asked():
        if wanted is not None and counter.id not in wanted:
            continue
        for metric, quantity in counter.quantities.items():
            before = said.setdefault((counter.id, metric), set())
            name = f"{counter.id} ({context})" if before else counter.id
            try:
                account = quantity.price(seen(counter, context))
            except Exception as error:  # noqa: BLE001 - any rule may trip over an untried model
                silent[f"{name}, {metric}"] = f"{type(error).__name__}: {error}"
                continue
            made = price(name, metric, quantity.unit, account, counter.distribution, layers, {})
            content = (made.total, tuple(made.layers.values()))
            if content not in before:
                before.add(content)
                yield made


def price(
    counting: str, metric: str, unit: str, account: Account, tool: str, layers: Layers,
    types: Mapping[str, int | float],
) -> Price:  # fmt: skip
    below = account.inclusive() if layers else {}
    amounts = {layer: whole(below.get(layer, 0)) for layer in layers}
    return Price(counting, metric, unit, whole(account.total), tool, amounts, types)


def output_of(trace: Trace, layer: str) -> str:
    """The shape of what a layer gave when it was first called; empty if it never was."""
    for visit, _ in module_calls(trace):
        if visit.path == layer:
            return shapes_of((visit.call.output,))
    return ""
