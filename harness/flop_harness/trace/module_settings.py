"""What a module holds beside its parameters and modules, as plain values: its settings."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import torch
from torch import nn

from flop_harness.records import List, Tensor
from flop_harness.trace.encoding import NAMED, PLAIN, encode, encode_quantised, is_number, number

SEQUENCES = frozenset({tuple, list, torch.Size})


def plain_attributes(module: nn.Module) -> dict[str, Any]:
    """The public attributes of a module that are plain values or short tuples of them."""
    config, attributes = {}, vars(module)
    packed, held = [], {}
    for name in own_names(tuple(attributes)):
        value = attributes[name]
        if isinstance(value, torch.ScriptObject):
            packed.append(value)
        elif name[0] == "_":
            continue
        elif isinstance(value, torch.Tensor) and name.startswith(WEIGHTS):
            held[name] = encode(value)
        elif (told := plain(value)) is not NOTHING:
            config[name] = told
    if module._buffers:
        config |= pruned(module)
    if packed:
        config |= packed_parameters(packed)
        config |= frozen_parameters(module)
    config |= held | held_otherwise(module)
    if is_empty_container(module):
        config["__len__"] = 0
    return config


NOTHING = object()


def plain(value: Any) -> Any:
    """A plain value, a short sequence of such, or what stands for one; else NOTHING."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind in SEQUENCES and len(value) < 16:
        items = value
        if not PLAIN.issuperset(map(type, value)):
            items = [number(item) if is_number(item) else item for item in value]
            if not PLAIN.issuperset(map(type, items)):
                return NOTHING
        return List(items) if kind is list else tuple(items)
    if is_number(value):
        return number(value)
    return str(value) if kind in NAMED else NOTHING


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


def is_empty_container(module: nn.Module) -> bool:
    """Whether a module is false: it has a length, and that is 0."""
    if isinstance(module, torch.jit.ScriptModule) or not hasattr(type(module), "__len__"):
        return False
    try:
        return len(module) == 0  # type: ignore[arg-type]
    except TypeError:  # a compiled module has the length of what it wraps, if that has one
        return False
