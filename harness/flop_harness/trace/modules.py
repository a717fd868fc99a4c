"""The tree of modules of a model -> records, sharing kept."""

from __future__ import annotations

from typing import Any

from torch import nn
from torch.nn.parameter import is_lazy

from flop_harness.records import Module, Parameter
from flop_harness.suite.compiled import is_training
from flop_harness.trace.encoding import dtype_name, qualified_name
from flop_harness.trace.module_settings import plain_attributes
from flop_harness.trace.storage import elements_kept
from flop_harness.trace.surroundings import origin_of
from flop_harness.trace.tensors import wants_gradient

_bases: dict[type, tuple[str, ...]] = {}


def base_names(kind: type) -> tuple[str, ...]:
    """Qualified names of a class and its bases, down to and without ``object``."""
    if kind not in _bases:
        _bases[kind] = tuple(qualified_name(base) for base in kind.__mro__[:-1])
    return _bases[kind]


def parameter_facts(module: nn.Module) -> dict[str, tuple]:
    """By name what a count depends on: elements, and whether they are trainable; of a lazy one nothing."""
    return {
        name: ()
        if type(one) is not nn.Parameter and is_lazy(one)
        else (one.numel(), wants_gradient(one))
        for name, one in module._parameters.items()
        if one is not None
    }


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
        for index, module in enumerate(self.live):  # which grows by what is found below
            held = []
            for name, parameter in module._parameters.items():
                if parameter is None:
                    continue
                number = numbers.setdefault(id(parameter), len(parameters))
                if number == len(parameters):
                    kept = self._kept.get((index, name))
                    parameters.append(self._parameter(parameter, kept))
                held.append((name, number))
            modules.append(
                Module(
                    path=self.paths[index],
                    bases=base_names(self._types[index]),
                    config=self._settings(index),
                    parameters=tuple(held),
                    children=tuple(self._children[index]),
                    training=is_training(module),
                )
            )
        return tuple(modules), tuple(parameters)

    def _settings(self, index: int) -> dict[str, Any]:
        module = self.live[index]
        settings = plain_attributes(module)
        if type(module) is not self._types[index]:  # a lazy module is another one afterwards
            settings["becomes"] = base_names(type(module))
        if index in self._copies:
            settings["copy_of"] = self._copies[index]
        return settings | self._parameters_changed(index) | self._children_changed(index)

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
