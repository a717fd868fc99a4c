"""The tree of modules of a model -> records, sharing kept."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from flop_harness.records import List, Module, Parameter, Tensor
from flop_harness.suite.compiled import is_training
from flop_harness.trace.encoding import (
    NAMED,
    PLAIN,
    dtype_name,
    encode,
    encode_quantised,
    is_number,
    number,
    qualified_name,
)
from flop_harness.trace.storage import elements_kept
from flop_harness.trace.surroundings import origin_of
from flop_harness.trace.tensors import wants_gradient

SEQUENCES = frozenset({tuple, list, torch.Size})

_bases: dict[type, tuple[str, ...]] = {}


def base_names(kind: type) -> tuple[str, ...]:
    """Qualified names of a class and its bases, down to and without ``object``."""
    if kind not in _bases:
        _bases[kind] = tuple(qualified_name(base) for base in kind.__mro__[:-1])
    return _bases[kind]


def plain_attributes(module: nn.Module) -> dict[str, Any]:
    """The public attributes of a module that are plain values or short tuples of them."""
    config, attributes = {}, vars(module)
    packed, held = [], {}
    for name in own_names(tuple(attributes)):
        value = attributes[name]
        kind = type(value)
        if kind in PLAIN:
            if name[0] != "_":
                config[name] = value
        elif isinstance(value, torch.ScriptObject):
            packed.append(value)
        elif name[0] == "_":
            continue
        elif kind in SEQUENCES and len(value) < 16:
            items = value
            if not PLAIN.issuperset(map(type, value)):
                items = [number(item) if is_number(item) else item for item in value]
            if items is value or PLAIN.issuperset(map(type, items)):
                config[name] = List(items) if kind is list else tuple(items)
        elif isinstance(value, torch.Tensor):
            if name.startswith(WEIGHTS):
                held[name] = encode(value)
            elif is_number(value):
                config[name] = number(value)
        elif is_number(value):
            config[name] = number(value)
        elif kind in NAMED:
            config[name] = str(value)
    if module._buffers:
        config |= pruned(module)
    if packed:
        config |= packed_parameters(packed)
        config |= frozen_parameters(module)
    config |= held | held_otherwise(module)
    if is_empty_container(module):
        config["__len__"] = 0
    return config


WEIGHTS = ("weight", "bias")
OF_EVERY_MODULE = frozenset(vars(nn.Module()))
"""Its mode, and tables of parameters, buffers, hooks and modules"""


@cache
def own_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Of the attributes of a module those that not every module has."""
    return tuple(name for name in names if name not in OF_EVERY_MODULE)


def pruned(module: nn.Module) -> dict[str, int]:
    """What the masks of pruned parameters leave of them."""
    return {
        f"{name}.sum": int(mask.sum())
        for name, mask in module._buffers.items()
        if name.endswith("_mask") and mask is not None and not mask.is_meta
        and f"{name[:-5]}_orig" in parameter_names(module)
    }  # fmt: skip


def packed_parameters(objects: list[torch.ScriptObject]) -> dict[str, Any]:
    """Elements and bytes that a quantised layer keeps in objects of C++, which are no parameters."""
    held = [encode_quantised(one) for value in objects for one in packed_in(value)]
    tensors = [tensor for one in held for tensor in one.values if isinstance(tensor, Tensor)]
    if not tensors:
        return {}
    return {"packed": sum(t.numel for t in tensors), "packed_bytes": sum(t.nbytes for t in tensors)}


def packed_in(value: Any) -> Iterator[torch.ScriptObject]:
    """Packed weights: an object that unpacks, or those in the state of a recurrent cell's."""
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from packed_in(item)
    elif isinstance(value, torch.ScriptObject) and value._has_method("unpack"):
        yield value
    elif isinstance(value, torch.ScriptObject) and value._has_method("__getstate__"):
        yield from packed_in(value.__getstate__())


def frozen_parameters(module: nn.Module) -> dict[str, Any]:
    """Elements and bytes of the weights that ``torch.jit.freeze`` made constants of the graph.

    A scripted module keeps its mode, which freezing takes away.
    """
    if not isinstance(module, torch.jit.ScriptModule) or module._c.hasattr("training"):
        return {}
    graph = module.inlined_graph  # its nodes die with it
    constants = (
        node.t("value")
        for node in graph.findAllNodes("prim::Constant")
        if node.hasAttribute("value") and node.kindOf("value") == "t"
    )
    held = [tensor for tensor in constants if tensor.dim() and tensor.is_floating_point()]
    return {"frozen": sum(t.numel() for t in held), "frozen_bytes": sum(t.nbytes for t in held)}


def held_otherwise(module: nn.Module) -> dict[str, Any]:
    """Weights and biases that are no parameters: buffers, or made by a parametrisation."""
    names = [name for name, _ in module._buffers.items()] if module._buffers else []
    below = module._modules
    if type(below) is dict:  # a name that is not there takes torch long to miss
        parametrised = below.get("parametrizations")
    else:
        parametrised = getattr(module, "parametrizations", None)
    names += [name for name, _ in parametrised.items()] if parametrised else []  # type: ignore[operator]
    held = ((name, getattr(module, name)) for name in names if name.startswith(WEIGHTS))
    return {name: encode(value) for name, value in held if isinstance(value, torch.Tensor)}


def parameter_names(module: nn.Module) -> frozenset[str]:
    """Its own; a scripted module's dictionary knows neither ``keys`` nor ``in``."""
    return frozenset(name for name, _ in module._parameters.items())


def parameter_facts(module: nn.Module) -> dict[str, tuple]:
    """By name what a count depends on: elements, and whether they are trainable; of a lazy one nothing."""
    return {
        name: ()
        if type(one) is not nn.Parameter and is_lazy(one)
        else (one.numel(), wants_gradient(one))
        for name, one in module._parameters.items()
        if one is not None
    }


def is_empty_container(module: nn.Module) -> bool:
    """Whether a module is false: it has a length, and that is 0."""
    if isinstance(module, torch.jit.ScriptModule) or not hasattr(type(module), "__len__"):
        return False
    try:
        return len(module) == 0  # type: ignore[arg-type]
    except TypeError:  # a compiled module has the length of what it wraps, if that has one
        return False


class ModuleTable:
    """Distinct modules and parameters of a model, numbered in the order of ``named_modules``."""

    def __init__(self, root: nn.Module) -> None:
        self.live: list[nn.Module] = []
        self.paths: list[str] = []
        self.index: dict[int, int] = {}
        self._children: list[list[tuple[str, int]]] = []
        self._types: list[type] = []
        self._lazy: set[int] = set()
        self._entered: dict[int, tuple[tuple[str, int], ...]] = {}
        self._held: list[dict[str, tuple]] = []
        self._copies: dict[int, tuple[int, int]] = {}
        self.add(root, "")
        self._kept = self._kept_before()

    def add(self, module: nn.Module, path: str) -> int:
        """The index of ``module``, entered with everything below it if it is new."""
        known = self.index.get(id(module))
        if known is not None:
            return known
        index = self.index[id(module)] = len(self.live)
        self.live.append(module)
        self.paths.append(path)
        self._types.append(type(module))
        facts = parameter_facts(module)
        self._held.append(facts)
        if origin := origin_of(module):
            self._copies[index] = (self.paths.index(origin.path), origin.before or 0)
        children: list[tuple[str, int]] = []
        self._children.append(children)
        if not all(facts.values()):
            self._lazy.update(id(one) for one in module._parameters.values() if is_lazy(one))
        prefix = path + "." if path else ""
        for name, child in module._modules.items():
            if child is not None:
                children.append((name, self.add(child, prefix + name)))
        return index

    def enter(self, index: int) -> None:
        """Note what a module holds as it is called first, if that is other than before the pass."""
        if index in self._entered:
            return
        facts = parameter_facts(self.live[index])
        same = facts == self._held[index]
        self._entered[index] = () if same else tuple((n, *f[:1]) for n, f in facts.items() if f)

    def held_now(self, module: nn.Module) -> tuple[tuple, ...] | None:
        """(name, elements, trainable) of a module's parameters; None where they are as before."""
        facts = parameter_facts(module)
        if facts == self._held[self.index[id(module)]]:
            return None
        return tuple((name, *one) for name, one in facts.items() if one)

    def freeze(self) -> tuple[tuple[Module, ...], tuple[Parameter, ...]]:
        """The records, with parameters as they are now (a lazy module's have got their shapes).

        What the pass has made is told in the settings: ``made`` names parameters, ``replaced`` those
        that are gone, with elements and whether they were trainable, ``entered`` the elements that a
        module had as it was called first, if not those before; where it holds other modules now,
        ``children_after`` has their indices. ``copy_of`` a hooked module has its index, and how many
        calls it had come to as it was copied.
        """
        numbers: dict[int, int] = {}
        parameters: list[Parameter] = []
        modules = []
        for index, module in enumerate(self.live):
            held = []
            for name, parameter in module._parameters.items():
                if parameter is None:
                    continue
                number = numbers.setdefault(id(parameter), len(parameters))
                if number == len(parameters):
                    kept = self._kept.get((index, name))
                    parameters.append(self._parameter(parameter, kept))
                held.append((name, number))
            config = plain_attributes(module)
            if type(module) is not self._types[index]:  # a lazy module is another one afterwards
                config["becomes"] = base_names(type(module))
            if index in self._copies:
                config["copy_of"] = self._copies[index]
            config |= self._parameters_changed(index) | self._children_changed(index)
            modules.append(
                Module(
                    path=self.paths[index],
                    bases=base_names(self._types[index]),
                    config=config,
                    parameters=tuple(held),
                    children=tuple(self._children[index]),
                    training=is_training(module),
                )
            )
        return tuple(modules), tuple(parameters)

    def _parameters_changed(self, index: int) -> dict[str, Any]:
        """Names of those that the pass has made, and what it has put others in place of.

        Where these have the same elements, nobody can tell them apart.
        """
        before, now = self._held[index], parameter_facts(self.live[index])
        if before == now:
            return {}
        made = [name for name in now if name not in before]
        gone = [
            (name, *facts) for name, facts in before.items() if facts and facts != now.get(name)
        ]
        entered = self._entered.get(index, ())
        changes = {"made": tuple(sorted(made)), "replaced": tuple(gone), "entered": entered}
        return {key: value for key, value in changes.items() if value}

    def _children_changed(self, index: int) -> dict[str, Any]:
        module, path = self.live[index], self.paths[index]
        before = [child for _, child in self._children[index]]
        if type(module._modules) is dict and not module._modules and not before:
            return {}
        below = [
            self.add(child, f"{path}.{name}" if path else name)
            for name, child in module._modules.items()
            if child is not None
        ]
        return {} if below == before else {"children_after": tuple(below)}

    def _kept_before(self) -> dict[tuple[int, str], int]:
        """By module and name, for the pass may put another tensor there for a while."""
        held = (one for module in self.live for _, one in module._parameters.items())
        kept = elements_kept(one for one in held if one is not None)
        return {
            (index, name): kept[id(one)]
            for index, module in enumerate(self.live if kept else ())
            for name, one in module._parameters.items()
            if id(one) in kept
        }

    def _parameter(self, parameter: nn.Parameter, kept: int | None) -> Parameter:
        unknown = is_lazy(parameter)
        shape = () if unknown else tuple(parameter.shape)
        lazy = unknown or id(parameter) in self._lazy
        return Parameter(shape, dtype_name(parameter.dtype), parameter.requires_grad, lazy, kept)
