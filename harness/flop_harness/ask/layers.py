"""A model layer by layer: shapes, parameters, work, bytes; nothing is executed on values."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

from flop_harness.ask.activations import batch_of, handed_on, input_bytes, summed_up
from flop_harness.ask.checkpoint import State, state_of
from flop_harness.ask.ways import Rules, counters_named
from flop_harness.conventions.reference import byte_charges, mac_charges, reference, settled
from flop_harness.counters import find_called
from flop_harness.errors import UserError
from flop_harness.records import Call, Case, Context, Module, Trace
from flop_harness.records.account import Account
from flop_harness.records.trace import shapes_of
from flop_harness.trace.tree import own_parameters
from flop_harness.trace.walk import module_calls

Number = int | float


@dataclass(frozen=True, slots=True)
class Weight:
    """A parameter under the name by which its module holds it; shared ones stand at each of them."""

    name: str
    shape: tuple[int, ...]
    trainable: bool

    @property
    def numel(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Layer:
    """One module with everything below it; shapes are those of its first call.

    ``parameters`` stand once, with the first module that holds them. ``bytes`` are read and written
    by its operators; ``output_bytes`` are those of what its innermost modules hand on, as ``handed_on``
    has them; ``leaf`` tells such a module, or one without children.
    ``said`` is what counters charge it, ``kernel`` the window of a convolution or a pool, with its
    groups, ``weights`` its own parameters, ``phases`` its MACs in each phase of a training step.
    """

    path: str
    type: str
    calls: int
    input: str
    output: str
    parameters: int
    trainable: int
    macs: int
    bytes: int
    output_bytes: int
    leaf: bool = True
    kernel: str = ""
    weights: tuple[Weight, ...] = ()
    said: Mapping[str, Number] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        return self.path.count(".") + 1 if self.path else 0


@dataclass(frozen=True, slots=True)
class Layers:
    """The layers of a model in the order of its tree; the first is the model itself.

    ``state`` are elements and bytes of what a checkpoint holds: (parameters, buffers). ``batch`` is
    the first size of the first input, ``input_bytes`` are those of all inputs. Of a model that was not
    ``called`` its parameters alone are known.
    """

    model: str
    layers: tuple[Layer, ...]
    batch: int
    input_bytes: int
    state: State
    counters: tuple[str, ...] = ()
    unsupported: Mapping[str, int] = field(default_factory=dict)
    looks: tuple[str, ...] = ()
    mode: str = ""
    called: bool = True

    @property
    def whole(self) -> Layer:
        return self.layers[0]


def layers_of_case(
    case: Case, names: Sequence[str] = (), folder: str = "", variant: str = ""
) -> Layers:
    """The layers of a case, with what counters charge each. UserError for an unknown counter."""
    from flop_harness.suite.build import build

    asked = [counter for name in names for counter in known(name)]
    rules = Rules(case, folder, variant)
    said = by_phase(rules.canonical)
    for counter in asked:
        quantity = counter.quantities.get("compute")
        if quantity is None:
            raise UserError(f"{counter.id} counts no compute")
        said[counter.id] = quantity.price(rules.seen_by(counter)).inclusive()
    state = state_of(build(case, device="meta", folder=folder).module)
    return layers_of_trace(case.model, rules.canonical, state, said, rules.unsupported)


def layers_at_rest(case: Case, folder: str = "") -> Layers:
    """The layers of a model that is not called and needs no inputs. UserError where some are lazy."""
    from flop_harness.suite.build import build
    from flop_harness.trace.modules import ModuleTable

    built = build(case, device="meta", folder=folder, called=False)
    modules, parameters = ModuleTable(built.module).freeze()
    if any(each.lazy for each in parameters):
        raise UserError(
            f"{case.model} has lazy layers, whose parameters hang on an input: give one"
        )
    nothing = Call("function", "", (), (), None)
    trace = Trace(Context("meta", mode=built.mode), modules, parameters, nothing)
    return replace(layers_of_trace(case.model, trace, state_of(built.module)), called=False)


def by_phase(trace: Trace) -> dict[str, Mapping[str, Number]]:
    """MACs of each module in each phase of a training step; nothing of a forward pass alone."""
    if not trace.phases:
        return {}
    charges = list(mac_charges(trace))
    return {
        phase: settled(each for each in charges if each[0].phase == phase).inclusive()
        for phase, _ in trace.passes
    }


def known(name: str) -> list[Any]:
    return counters_named(name) or find_called(name)  # which says what is like it


def layers_of_trace(
    model: str, trace: Trace, state: State, said: Mapping[str, Mapping[str, Number]] = {},
    unsupported: Mapping[str, int] = {},
) -> Layers:  # fmt: skip
    """The rows of a trace; modules that were not called stand there with their parameters."""
    macs = reference(trace).inclusive()
    moved = settled(byte_charges(trace)).inclusive()
    passed = calls_by_path(trace)
    handed = handed_on(trace)
    outputs = summed_up(handed)
    rows = []
    owners = parameters_by_path(trace)
    every, trainable = (
        Account.of(
            (path, "parameters", counts[place]) for path, counts in owners.items()
        ).inclusive()
        for place in (0, 1)
    )
    for path, index, leaf in tree(trace):
        calls = passed.get(path, [])
        shapes = calls[0] if calls else ("", "")
        rows.append(Layer(
            path, trace.modules[index].type_name, len(calls), *shapes,
            int(every.get(path, 0)), int(trainable.get(path, 0)),
            int(macs.get(path, 0)), int(moved.get(path, 0)), outputs.get(path, 0), leaf or path in handed,
            kernel_of(trace.modules[index]), weights_of(trace, index),
            {name: amounts.get(path, 0) for name, amounts in said.items()},
        ))  # fmt: skip
    return Layers(model, tuple(rows), batch_of(trace), input_bytes(trace), state, tuple(said),
                  dict(unsupported), trace.looks, trace.context.mode)  # fmt: skip


def tree(trace: Trace) -> Iterator[tuple[str, int, bool]]:
    """(path, index, whether it has no children) of each module, from the root downwards, each once."""
    seen: set[int] = set()
    pending = [("", 0)]
    while pending:
        path, index = pending.pop()
        if index in seen:
            continue
        seen.add(index)
        children = trace.modules[index].children
        yield trace.modules[index].path, index, not children
        pending += [(f"{path}.{name}".lstrip("."), child) for name, child in reversed(children)]


def kernel_of(module: Module) -> str:
    """``3x3``, ``3x3 in 32 groups``; empty for a layer without a window."""
    size, groups = module.config.get("kernel_size"), module.config.get("groups", 1)
    if size is None:
        return ""
    if isinstance(size, int):  # MaxPool2d(3) has a window of 3x3
        rank = re.search(r"(\d)d$", module.type_name)
        size = (size,) * (int(rank[1]) if rank else 1)
    window = "x".join(map(str, size)) if isinstance(size, tuple | list) else str(size)
    return window if groups == 1 else f"{window} in {groups:,} groups"


def weights_of(trace: Trace, index: int) -> tuple[Weight, ...]:
    held = ((name, trace.parameters[number]) for name, number in trace.modules[index].parameters)
    return tuple(Weight(name, each.shape, each.trainable) for name, each in held)


def calls_by_path(trace: Trace) -> dict[str, list[tuple[str, str]]]:
    """Input and output shapes of every call of each module."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for visit, module in module_calls(trace):
        call = visit.call
        found[module.path].append((shapes_of(call.args, call.kwargs), shapes_of((call.output,))))
    return dict(found)


def parameters_by_path(trace: Trace) -> dict[str, tuple[int, int]]:
    """(elements, trainable ones) of the parameters that each module is the first to hold."""
    seen: set[int] = set()
    found = {}
    for path, index, _ in tree(trace):
        every = {number: amount for number, amount in own_parameters(trace, index).items()
                 if number not in seen}  # fmt: skip
        seen |= every.keys()
        trainable = sum(n for number, n in every.items() if trace.parameters[number].trainable)
        if every:
            found[path] = (sum(every.values()), trainable)
    return found
