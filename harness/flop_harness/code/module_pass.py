"""A module of a model, called alone: its pass, and what a counter's rules charge for that."""

from __future__ import annotations

from collections import Counter as Counts
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from flop_harness.code.constructors import ATTENTION, in_order
from flop_harness.code.excerpt import Place, called, excerpt, paths_from, places
from flop_harness.counters import Counter
from flop_harness.counters.pricing.jit_graph import GRAPH, ONLY_IN_GRAPH, graph_in
from flop_harness.counters.usage import Usage
from flop_harness.reconcile.bridges import REFERENCES, shifts, steps, whole
from flop_harness.records import Bridge, Call, Case, Dict, Module, Opaque, Parameter, Tensor, Trace
from flop_harness.records.account import Account

ENCODER_LAYER = ".TransformerEncoderLayer"
FUNCTION = "flop_harness.suite.functions.Function"
"""What stands for a function that is counted in the place of a module, which no tool takes"""


@dataclass(frozen=True)
class TracedFigure:
    """A counter's figure for a case, and the passes that explain it: see ``reconcile.bridge``."""

    case: Case
    counter: Counter
    bridge: Bridge
    canonical: Trace
    own: Trace

    @property
    def usage(self) -> Usage:
        if self.counter.usage is None:
            raise ValueError(f"nobody wrote down how {self.counter.id} is asked")
        return self.counter.usage

    @property
    def of_function(self) -> bool:
        return self.own.modules[0].type == FUNCTION

    @cached_property
    def places(self) -> list[Place]:
        """Every call of a module, as the counter sees it; the model's own first."""
        return places(self.own)

    @cached_property
    def same(self) -> dict[tuple[str, int], Call]:
        """The calls that the reference is priced on, by the path of the module and its turn."""
        if self.canonical.root is self.own.root:
            return {(place.path, place.turn): place.call for place in self.places}
        return {(place.path, place.turn): place.call for place in places(self.canonical)}


@dataclass(frozen=True)
class Part:
    """A module's own pass, as a counter sees it and as the reference is priced on.

    ``call`` is how it is called; ``lent`` a parameter to a module without any, for a tool that asks
    for one.
    """

    place: Place
    module: Module
    call: Call
    own: Trace
    canonical: Trace
    lent: bool = False


class Unlike(ValueError):
    """A module that, called alone, need not do what it does inside the model."""


def part_of(traced: TracedFigure, place: Place) -> Part:
    """The pass of a module alone. Unlike where that cannot be told from the pass of the model."""
    module, usage = traced.own.modules[place.call.module], traced.usage
    call = place.call if usage.named or module.type != ATTENTION else in_order(place.call)
    why = obstacle(traced, place, call)
    if why:
        raise Unlike(why)
    own = excerpt(traced.own, call)
    canonical = excerpt(traced.canonical, traced.same[place.path, place.turn])
    lent = usage.parametric and traced.bridge.metric == "compute" and not any(
        each.parameters for each in own.modules
    )  # fmt: skip
    return Part(place, module, call, lending(own) if lent else own, canonical, lent)


def obstacle(traced: TracedFigure, place: Place, call: Call) -> str:
    """Why a module cannot be called alone, or need not do the same then; empty if nothing says so."""
    inputs = (*call.args, *(value for _, value in call.kwargs))
    if (place.path, place.turn) not in traced.same:
        return "the reference has no such call"
    if not inputs:
        return "it is called without inputs"
    if traced.usage.tensors and not all(isinstance(each, Tensor) for each in inputs):
        return "the tool passes on tensors only"
    if traced.counter.observe and opaque(call.output):
        return "what it returns is nothing to a tracer"
    if not same_way(traced, call):
        return "attention that runs another way alone"
    return ""


def opaque(value: Any) -> bool:
    """Whether an object of a class of its own is in it."""
    if isinstance(value, Dict):
        return any(map(opaque, value.values))
    return isinstance(value, Opaque) or (isinstance(value, tuple) and any(map(opaque, value)))


def same_way(traced: TracedFigure, call: Call) -> bool:
    """Whether attention runs alone as it does in the model.

    Its fast path hangs on the hooks of an encoder layer, and on whether its inputs are one tensor,
    which they are not to a tracer that makes a variable of each.
    """
    counter, modules = traced.counter, traced.own.modules
    if (
        counter.observe
        and not traced.bridge.context.grad
        and modules[call.module].type == ATTENTION
    ):
        return False
    paths, hooks = paths_from(traced.own, call), counter.hooks
    if hooks is None or not any(modules[i].type.endswith(ENCODER_LAYER) for i in paths):
        return True
    return all(
        hooks(modules[index].path, modules[index].type) == hooks(path, modules[index].type)
        for index, path in paths.items()
    )


def lending(trace: Trace) -> Trace:
    """The same with a parameter that does nothing."""
    root = replace(trace.modules[0], parameters=(("lent", len(trace.parameters)),))
    one = Parameter((1,), "float32", True)
    return replace(trace, modules=(root, *trace.modules[1:]), parameters=(*trace.parameters, one))


# ------------------------------------------------------------------------------------ bridges


def bridge_of(traced: TracedFigure, part: Part) -> Bridge:
    """From the reference of the module alone to what the counter's rules charge for it. Unlike."""
    try:
        charged = priced(traced, part)
        reference, here = (REFERENCES[traced.bridge.metric](t) for t in (part.canonical, part.own))
    except Unlike:
        raise
    except Exception as error:
        raise Unlike(f"{type(error).__name__}: {error}") from error
    if traced.usage.silent and not charged:
        raise Unlike("the tool gives no figure")
    return replace(
        traced.bridge,
        reference=int(reference.total),
        steps=(*shifts(reference, here), *steps(here, charged)),
        reading=whole(charged.total),
        modules=0,
    )


def priced(traced: TracedFigure, part: Part) -> Account:
    """By the counter's rules; with its nodes where the tracer's graph of the whole is known."""
    price = traced.counter.quantities[traced.bridge.metric].price
    charged, graph = price(part.own), graph_in(traced.own)
    if graph is None:
        return charged
    everywhere, here = Counts(called(traced.own.root)), Counts(called(part.place.call))
    if any(everywhere[index] != times for index, times in here.items()):
        raise Unlike("called elsewhere too, and the graph does not tell which is which")
    modules = traced.own.modules
    paths = {modules[i].path: path for i, path in paths_from(traced.own, part.place.call).items()}
    nodes = tuple((*node[:2], paths[node[2]]) for node in graph if node[2] in paths)
    noted = (*part.own.root.children, Call("function", GRAPH, nodes, (), None))
    with_nodes = price(replace(part.own, root=part.own.root._replace(children=noted)))
    common = {key: n for key, n in with_nodes.items() if not key[1].endswith(ONLY_IN_GRAPH)}
    if common != dict(charged):
        raise Unlike("the tracer drops what nothing comes of in the model")
    return with_nodes
