"""Layers that look alike in a training step: one is differentiated, the others do as it did.

The first of a kind runs on copies of its inputs, where a graph of its own begins. In the graph of
the model each layer of the kind is one node. What runs on the way back through it is found in the
graph of the first, once for each look of gradients, and written down for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import nn
from torch._C._autograd import _get_sequence_nr as nodes_made
from torch._C._autograd import _top_saved_tensors_default_hooks as hooks_on_saved

from flop_harness.records import Call
from flop_harness.trace import layers
from flop_harness.trace.backward import GraphMode, Made, Segment
from flop_harness.trace.needs import NodesNeeded
from flop_harness.trace.signatures import Spec, rebuilt, signed, spec_of
from flop_harness.trace.step import backward_calls

Children: TypeAlias = tuple[Call, ...]
Run: TypeAlias = Callable[[tuple, dict], tuple[Any, Children]]
"""Runs a layer on its arguments: its output, and the calls made inside."""

Versions: TypeAlias = list[tuple[torch.Tensor, int]]
"""Tensors, and how often each had been written into"""


class Graph(NamedTuple):
    """The graph of the first layer of a kind.

    ``gradients``: looks of the output's gradients -> the calls on the way back, and how to make the
    gradients of ``inputs``.
    """

    children: Children
    made: list[Made]
    outputs: tuple[torch.Tensor | None, ...]
    inputs: list[torch.Tensor]
    rebuild: Spec
    gradients: dict[Any, tuple[list[Call], list[Spec]]]


class LayerSteps:
    """The layers of one training step, by what they look like."""

    def __init__(self, mode: GraphMode) -> None:
        self.mode = mode
        self.known: dict[Any, Graph] = {}

    def look(self, layer: nn.Module, args: tuple, kwargs: dict) -> layers.Look | None:
        """What the layer's step follows from; None where it has to be differentiated itself.

        Where tensors that are kept for the way back are packed, as in a checkpoint, all are needed.
        """
        if type(layer) not in TAKEN:
            return None
        if self.mode.turned_back or not torch.is_grad_enabled() or hooks_on_saved(False):
            return None
        if layers.is_watched_back(layer):
            return None
        look = layers.look(layer, args, kwargs)
        if look is None or is_hooked(look.tensors):
            return None  # a hook on a weight is called wherever its gradient is found
        if any(t is not None and t.is_inference() for t in look.tensors):
            return None  # such tensors have no versions
        if not all(t is None or t.is_leaf for t in look.tensors[len(args) :]):
            return None  # weights that the model has computed may hang on one another
        return look if any(map(wants, look.tensors)) else None

    def answer(
        self, look: layers.Look, args: tuple, kwargs: dict, run: Run
    ) -> tuple[Any, Children]:
        """The layer's output as that of one node, and the calls made inside."""
        inputs = list({id(t): t for t in look.tensors if wants(t)}.values())
        ids = [id(t) for t in look.tensors]
        key = (look.key, *map(ids.index, ids))  # which of them are the same one
        graph = self.known.get(key)
        if graph is None:
            graph = self.known[key] = self.begun(inputs, args, kwargs, run)
        kept = [(t, t._version) for t in look.tensors if t is not None]
        return apply(self, graph, kept, *inputs), graph.children

    def begun(self, inputs: list[torch.Tensor], args: tuple, kwargs: dict, run: Run) -> Graph:
        """Run the first layer of a kind in a graph of its own."""
        mode = self.mode
        before, mode.made = mode.made, []
        reached = mode.reached
        given = {id(arg): leaf_like(arg) for arg in args if wants(arg) and not arg.is_leaf}
        try:
            own = tuple(given.get(id(arg), arg) for arg in args)
            output, children = run(own, kwargs)
            made = mode.made
        finally:
            mode.made, mode.reached = before, reached
        leaves = [given.get(id(each), each) for each in inputs]
        outputs = output if isinstance(output, tuple) else (output,)
        rebuild = self.spec(output, own)
        return Graph(children, made, outputs, leaves, rebuild, {})

    def made_by(self, call: Call) -> None:
        """The node made last stands for the whole call of a layer."""
        made = nodes_made()
        self.mode.made.append(Made(self.mode.reached, made, call))
        self.mode.reached = made

    def go_back(self, graph: Graph, number: int, gradients: tuple) -> list[torch.Tensor | None]:
        """The gradients of a layer's inputs; what runs for them is written down."""
        mode = self.mode
        key = tuple(None if each is None else signed(each) for each in gradients)
        found = graph.gradients.get(key)
        if found is None:
            found = graph.gradients[key] = self.differentiated(graph, gradients)
        calls, specs = found
        mode.segments.append(Segment("backward", number, None, calls))
        mode.turn_away()
        with torch._C._DisableTorchDispatch():
            return [rebuilt(spec, gradients, mode.device) for spec in specs]

    def differentiated(self, graph: Graph, gradients: tuple) -> tuple[list[Call], list[Spec]]:
        if is_hooked(graph.inputs):
            self.mode.needs.demand(NodesNeeded("a weight has got a hook since its layer ran"))
        pairs = [(o, g) for o, g in zip(graph.outputs, gradients, strict=True) if g is not None]
        with self.mode.apart() as segments:
            found = torch.autograd.grad(
                [output for output, _ in pairs], graph.inputs, [given for _, given in pairs],
                retain_graph=True, allow_unused=True,
            )  # fmt: skip
        specs = [self.spec(each, gradients) for each in found]
        return backward_calls(graph.children, graph.made, segments), specs

    def spec(self, made: Any, given: tuple) -> Spec:
        found = spec_of(made, given, self.mode.device)
        if found is None:
            self.mode.needs.demand(NodesNeeded("a layer gives what is no plain tensor"))
        return found  # type: ignore[return-value]


TAKEN = frozenset({nn.Linear, nn.LayerNorm, nn.GELU, nn.MultiheadAttention})
"""Layers of several operators each; for one of a single operator a node of its own costs as much"""


def wants(tensor: Any) -> bool:
    return isinstance(tensor, torch.Tensor) and tensor.requires_grad


def is_hooked(tensors: Iterable[torch.Tensor | None]) -> bool:
    return any(t is not None and t._backward_hooks for t in tensors)


def leaf_like(tensor: torch.Tensor) -> torch.Tensor:
    """Where a graph begins: the same tensor without what made it."""
    with torch._C._DisableTorchDispatch():
        return tensor.detach().requires_grad_()


class OneNode(torch.autograd.Function):
    """A layer in the graph of the model."""

    @staticmethod
    def forward(
        ctx: Any, steps: LayerSteps, graph: Graph, kept: Versions, *inputs: torch.Tensor
    ) -> Any:
        ctx.set_materialize_grads(False)
        ctx.steps, ctx.layer, ctx.kept = steps, graph, kept
        ctx.stands_for_view = any(t._is_view() for t in graph.outputs if t is not None)
        with torch._C._DisableTorchDispatch():
            return rebuilt(graph.rebuild, (), steps.mode.device)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor | None) -> Any:
        mode = ctx.steps.mode
        if torch.is_grad_enabled() or not (mode.turned_back and leads_on_to_all(ctx)):
            mode.needs.demand(NodesNeeded("the model takes gradients on its own"))
        if any(tensor._version != version for tensor, version in ctx.kept):
            mode.needs.demand(NodesNeeded("the model writes into what a layer may have kept"))
        return None, None, None, *ctx.steps.go_back(ctx.layer, ctx._sequence_nr(), gradients)


next_of = torch._C._FunctionBase.next_functions.__get__  # type: ignore[attr-defined]


def leads_on_to_all(node: Any) -> bool:
    """Whether gradients of all inputs are asked for; ``torch.autograd.grad`` asks for some."""
    try:
        return all(
            torch._C._will_engine_execute_node(following)  # type: ignore[attr-defined]
            for following, _ in next_of(node)
            if following is not None
        )
    except RuntimeError:  # what it answers for a parameter within ``torch.autograd.grad``
        return False


apply = OneNode.apply  # before it is one of the functions that are watched


def asked(name: str) -> Callable[..., Any]:
    """What tells that the model asks a node for what another has in its place."""

    def demanded(node: Any, *_: Any) -> Any:
        node.steps.mode.needs.demand(NodesNeeded(f"the model asks a layer's node for {name}"))

    return demanded


def missing(node: Any, name: str) -> Any:
    """A tensor that the layer's own node would have kept."""
    if not name.startswith(("_saved", "_raw_saved")):
        raise AttributeError(name)
    asked(name)(node)


OneNode._backward_cls.__getattr__ = missing
for _name in ("register_hook", "register_prehook", "name"):
    setattr(OneNode._backward_cls, _name, asked(_name))
OneNode._backward_cls.next_functions = property(asked("next_functions"))
