"""One training step: what follows the forward pass, and where in the model it belongs."""

from __future__ import annotations

import copyreg
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set, ValuesView
from types import FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import _disable_current_modes

from flop_harness.errors import UserError
from flop_harness.records import BESIDE, OF_COMPLEX, ON_LOCAL_PART, Call, Phase
from flop_harness.trace.backward import GraphMode, Made, Origins, Segment
from flop_harness.trace.encoding import qualified_name
from flop_harness.trace.modules import ModuleTable
from flop_harness.trace.walk import innermost


class NothingToTrain(UserError):
    """No output of the model has a gradient to any parameter or input."""


# ---------------------------------------------------------------------------------- backward


def go_back(mode: GraphMode, output: Any) -> None:
    """Run the backward pass of the model's own loss, else of the sum of all its outputs.

    Where no output has a gradient and the model has gone back on its way, that was the step.
    """
    wanted = losses(output)
    if not wanted and mode.went_back:
        return
    if not wanted:
        raise NothingToTrain(
            "no output of the model requires a gradient: there is nothing to train. A forward pass "
            "returns a tensor, or what holds some in its items or attributes; this one returns "
            f"{qualified_name(type(output))}"
        )
    with _disable_current_modes():
        make = torch.ones_like if mode.execute else torch.empty_like
        gradients = [make(each, requires_grad=False) for each in wanted]
    mode.stack[0] = []
    mode.turned_back = True
    torch.autograd.backward(wanted, gradients)


def total_loss(output: Any) -> torch.Tensor:
    """The sum of what goes back; a number that leads nowhere if the model has gone back itself."""
    wanted = losses(output)
    if not wanted:
        return torch.zeros((), requires_grad=True)
    return sum(map(summed, wanted))  # type: ignore[return-value]


def summed(tensor: torch.Tensor) -> torch.Tensor:
    nested = tensor.is_nested and tensor.layout is torch.strided  # which has no sum of all
    return (torch.nested.to_padded_tensor(tensor, 0.0) if nested else tensor).sum()


def losses(output: Any) -> list[torch.Tensor]:
    """The model's own loss, or every output that has a gradient."""
    loss = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
    if isinstance(loss, torch.Tensor) and loss.requires_grad:
        return [loss]
    return list({id(each): each for each in tensors_of(output) if each.requires_grad}.values())


def tensors_of(value: Any) -> Iterator[torch.Tensor]:
    """Tensors in containers and in the attributes of other objects, each object looked at once."""
    seen: dict[int, Any] = {}  # an id is its object's own only while that lives
    pending = deque([value])
    while pending:
        one = pending.popleft()
        if isinstance(one, torch.Tensor):
            yield one
        elif id(one) not in seen and not isinstance(one, CLOSED):
            seen[id(one)] = one
            pending += parts_of(one)


CLOSED = (str, bytes, range, nn.Module, type, FunctionType, MethodType, ModuleType)
"""What holds no outputs, whatever it leads to"""


def parts_of(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        return value.values()
    if isinstance(value, (Sequence, Set, ValuesView)):
        return value
    slots = copyreg._slotnames(type(value))  # type: ignore[attr-defined]
    named = [getattr(value, name) for name in slots if hasattr(value, name)]
    return [*getattr(value, "__dict__", {}).values(), *named]


# --------------------------------------------------------------------------------- optimizer


def muon(parameter: nn.Parameter, module: nn.Module) -> torch.optim.Optimizer:
    """Muon for matrices; AdamW for everything else, and for embeddings, as its authors use it."""
    if parameter.ndim == 2 and not isinstance(module, nn.Embedding):
        return torch.optim.Muon([parameter])
    return torch.optim.AdamW([parameter], foreach=False)


OPTIMIZERS: dict[str, Callable[[nn.Parameter, nn.Module], torch.optim.Optimizer]] = {
    "sgd": lambda parameter, _: torch.optim.SGD([parameter], lr=0.1, foreach=False),
    "momentum": lambda parameter, _: torch.optim.SGD(
        [parameter], lr=0.1, momentum=0.9, foreach=False
    ),
    "adam": lambda parameter, _: torch.optim.Adam([parameter], foreach=False),
    "adamw": lambda parameter, _: torch.optim.AdamW([parameter], foreach=False),
    "muon": muon,
}


def optimized(mode: GraphMode, table: ModuleTable, name: str) -> Iterator[tuple[int, list[Call]]]:
    """(index of a module, what the optimizer does) for each parameter with a gradient.

    It is the second step that is written down: some state is only made in the first.
    """
    mode.turned_back = False
    with torch.no_grad():
        for parameter, index in holders(table).values():
            if parameter.grad is None:
                continue
            optimizer = OPTIMIZERS[name](parameter, table.live[index])
            for _ in range(2):
                calls: list[Call] = []
                mode.stack[0] = calls
                optimizer.step()
            yield index, calls


def holders(table: ModuleTable) -> dict[int, tuple[nn.Parameter, int]]:
    """Id of each parameter -> it, and the index of the first module that holds it."""
    found: dict[int, tuple[nn.Parameter, int]] = {}
    for index, module in enumerate(table.live):
        for parameter in module._parameters.values():
            if parameter is not None:
                found.setdefault(id(parameter), (parameter, index))
    return found


# ------------------------------------------------------------------------------------- trees


class Tree:
    """Calls placed one after another inside copies of other calls, which neighbours share."""

    def __init__(self, root: Call) -> None:
        self.open: list[tuple[Call, list[Call]]] = [(root, [])]

    def put(self, around: tuple[Call, ...], calls: list[Call]) -> None:
        """Place calls inside ``around``, whose first is the root."""
        depth, most = 1, min(len(around), len(self.open))
        while depth < most and self.open[depth][0] is around[depth]:
            depth += 1
        self.close(depth)
        self.open += [(call, []) for call in around[depth:]]
        self.open[-1][1].extend(calls)

    def close(self, depth: int) -> None:
        while len(self.open) > depth:
            call, inside = self.open.pop()
            self.open[-1][1].append(around_others(call, inside))

    def finished(self) -> Call:
        self.close(1)
        return around_others(*self.open[0])


def around_others(call: Call, inside: list[Call]) -> Call:
    args = call.args if call.name in NOTED else ()
    return Call(call.level, call.name, args, (), None, tuple(inside), call.module)


NOTED = (OF_COMPLEX, ON_LOCAL_PART)
"""Notes that tell what operators inside stand for, those of gradients too"""


def phases(
    root: Call, table: ModuleTable, mode: GraphMode, optimizer: str = ""
) -> tuple[tuple[Phase, Call], ...]:
    """A tree of calls for each phase that ran after the forward pass."""
    trees: dict[Phase, Tree] = {}
    origins = Origins(mode.made)
    places = places_in(root)
    modules = [Call("module", path, (), (), None, (), i) for i, path in enumerate(table.paths)]
    held = {each: modules[index] for each, (_, index) in holders(table).items()}
    for segment in mode.segments:
        if not segment.calls:
            continue
        around = place(segment, root, origins, places, held)
        for call in segment.calls:
            if segment.phase == "recomputed":
                for visit in innermost(call):
                    places[id(visit.call)] = (*around, *visit.around, visit.call)
        trees.setdefault(segment.phase, Tree(root)).put(around, segment.calls)
    if optimizer:
        tree = trees["optimizer"] = Tree(root)
        for index, calls in optimized(mode, table, optimizer):
            tree.put((root, modules[index]), calls)
    return tuple((phase, tree.finished()) for phase, tree in trees.items())


def places_in(root: Call) -> dict[int, tuple[Call, ...]]:
    """Id of each call that runs inside, and of the root -> the calls around it, and itself.

    What is remembered stands in several places: the first is where it ran.
    """
    places: dict[int, tuple[Call, ...]] = {}
    pending: list[tuple[Call, tuple[Call, ...]]] = [(root, ())]
    while pending:
        call, around = pending.pop()
        around = (*around, call)
        places.setdefault(id(call), around)
        pending += [(child, around) for child in call.children[::-1] if child.name not in BESIDE]
    return places


def backward_calls(
    forward: tuple[Call, ...], made: list[Made], segments: list[Segment]
) -> list[Call]:
    """What ran for the nodes that ``made`` tells of, inside copies of those forward calls."""
    root = Call("module", "", (), (), None, forward)
    origins, places, tree = Origins(made), places_in(root), Tree(root)
    for segment in segments:
        if segment.calls:
            tree.put(place(segment, root, origins, places, {}), segment.calls)
    return list(tree.finished().children)


def place(
    segment: Segment,
    root: Call,
    origins: Origins,
    places: dict[int, tuple[Call, ...]],
    held: dict[int, Call],
) -> tuple[Call, ...]:
    """The calls in which a segment stands: those around the forward operator that it belongs to.

    A parameter's gradient is added up at the module that holds it. What is recomputed stands in
    the innermost module that is not run again.
    """
    if segment.leaf is not None:
        owner = held.get(id(segment.leaf))
        return (root,) if owner is None else (root, owner)
    call = origins.of(segment.number)
    around = (root,) if call is None else places.get(id(call), (root,))
    if segment.phase != "recomputed":
        return around
    again = {call.module for call in segment.calls if call.level == "module"}
    modules: list[Call] = []
    for outer in around:
        if outer.level == "module":
            if outer.module in again:
                break
            modules.append(outer)
    return tuple(modules) or (root,)
