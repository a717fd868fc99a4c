"""Copies of models and inputs that a forward pass may change while the originals stay as they are.

A copy has the classes, modes, hooks and sharing of its original; functions that hold parts of the
original hold those of the copy. Tensors of a copy have their own gradients; their memory is the
original's unless real values will be written into it. What refuses to be copied (a lock, a handle of
C++) is shared, but for a generator: what has been read of one is gone.
"""

from __future__ import annotations

import copy
import copyreg
import io
import types
import weakref
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator
from typing import Any

import torch
from torch import nn
from torch.fx import Graph, GraphModule
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy
from torch.nn.utils import parametrize

from flop_harness.suite.compiled import turn_to_parameters
from flop_harness.suite.plain_tensors import plain
from flop_harness.trace import closures, values
from flop_harness.trace.tensors import PLAIN

ATOMS = frozenset({
    int, float, bool, str, complex, bytes, type(None), type(Ellipsis), type(NotImplemented), range,
    type, types.BuiltinFunctionType, types.ModuleType, types.CodeType, property,
    torch.dtype, torch.device, torch.layout, torch.memory_format, torch.Size, Graph,
    torch.autograd.function.FunctionMeta,
})  # fmt: skip


class NotCopyable(Exception):
    """No copy of this model does what the model does: trace the model itself, in a fork."""


def copied(value: Any, *, real: bool = False) -> Any:
    """A copy of a model, of inputs, or of a tuple of both with what they share.

    With ``real`` the values of tensors are copied too, for a pass that executes kernels. Raises
    NotCopyable for a module with a way of its own to be copied, or to refuse it.
    """
    copier = Copier(real)
    twin = copier.finished(value)
    bound = closures.bound(copier.functions, copier.memo)
    return Copier(real, bound).finished(value) if bound else twin


class Copier:
    """One copy in the making. ``memo`` leads from the id of an original to its copy.

    Functions with an id in ``rebinds`` hold parts of what is copied.
    """

    def __init__(self, real: bool, rebinds: Collection[int] = ()) -> None:
        self.real = real
        self.rebinds = rebinds
        self.functions: list[types.FunctionType] = []
        self.cells: dict[int, types.CellType] = {}
        self.memo: dict[int, Any] = {}
        self.alive: list[Any] = []  # an id is its object's own only while that lives
        self.storages: dict[int, torch.UntypedStorage] = {}
        self.shells: list[tuple[nn.Module, nn.Module]] = []
        self.rules: dict[type, Callable[[Any], Any]] = {
            list: self.list_, dict: self.dict_, OrderedDict: self.dict_, tuple: self.tuple_,
            set: self.set_, types.MethodType: self.method, types.FunctionType: self.function, weakref.ref: self.reference,
            nn.Parameter: self.tensor, torch.Tensor: self.tensor,
        }  # fmt: skip

    def finished(self, value: Any) -> Any:
        """Modules are entered empty and filled one after another: they may nest as deep as they like."""
        twin = self.copy(value)
        while self.shells:
            module, shell = self.shells.pop()
            for name, held in vars(module).items():
                shell.__dict__[name] = self.copy(held)
        return twin

    def copy(self, value: Any) -> Any:
        kind = type(value)
        if kind in ATOMS:
            return value
        known = self.memo.get(id(value))
        if known is not None:
            return known
        rule = self.rules.get(kind)
        if rule is None:
            rule = self.rules[kind] = self.rule_for(kind)
        self.alive.append(value)
        twin = self.memo[id(value)] = rule(value)
        return twin

    def rule_for(self, kind: type) -> Callable[[Any], Any]:
        if issubclass(kind, torch.Tensor):
            return self.tensor
        if issubclass(kind, torch.jit.RecursiveScriptModule):
            return self.scripted
        if issubclass(kind, nn.Module):
            return self.module
        return (lambda value: value) if issubclass(kind, type) else self.object_

    # ------------------------------------------------------------------------ containers

    def list_(self, value: list) -> list:
        twin = self.memo[id(value)] = []
        twin.extend(map(self.copy, value))
        return twin

    def dict_(self, value: dict) -> dict:
        twin = self.memo[id(value)] = type(value)()
        for key, item in value.items():
            twin[self.copy(key)] = self.copy(item)
        return twin

    def tuple_(self, value: tuple) -> tuple:
        items = tuple(map(self.copy, value))
        same = all(item is old for item, old in zip(items, value, strict=True))
        return value if same else items

    def set_(self, value: set) -> set:
        return set(map(self.copy, value))

    # --------------------------------------------------------------------------- modules

    def module(self, module: nn.Module) -> nn.Module:
        """An empty object of the very class, whatever ``copy.deepcopy`` would make of it."""
        if getattr(type(module), "__deepcopy__", None) is not None and not harmless(module):
            raise NotCopyable(f"{type(module).__name__} has a way of its own to be copied")
        shell: nn.Module = object.__new__(type(module))
        self.shells.append((module, shell))
        return shell

    def scripted(self, module: Any) -> Any:
        """A copy as torch makes it: the modules below live in C++ with it."""
        twin = copy.deepcopy(module)
        self.enter_scripted(module, twin)
        return twin

    def enter_scripted(self, old: Any, new: Any) -> None:
        """Enter what is below; what was traced is wrapped again, which torch's copy leaves out."""
        self.memo[id(old)] = new
        turn_to_parameters(new._parameters.values())
        for name, child in old._modules.items():
            if isinstance(child, torch.jit.RecursiveScriptModule):
                self.enter_scripted(child, new._modules[name])
            else:
                self.enter_scripted(child._actual_script_module, new._modules[name])
                new._modules._python_modules[name] = self.copy(child)

    # --------------------------------------------------------------------------- objects

    def method(self, value: Any) -> Any:
        return types.MethodType(value.__func__, self.copy(value.__self__))

    def function(self, value: types.FunctionType) -> types.FunctionType:
        if id(value) not in self.rebinds:
            self.functions.append(value)
            return value
        twin = self.memo[id(value)] = closures.empty(value, self.cell)
        return closures.rebound(value, twin, self.copy)

    def cell(self, cell: types.CellType) -> types.CellType:
        """One to be filled where it leads to a part of the model: the same for all that share it."""
        if id(cell) not in self.rebinds:
            return cell
        return self.cells.setdefault(id(cell), types.CellType())

    def reference(self, value: weakref.ref) -> weakref.ref:
        target = value()
        return (
            weakref.ref(self.copy(target))
            if isinstance(target, (nn.Module, torch.Tensor))
            else value
        )

    def object_(self, value: Any) -> Any:
        try:
            return self.reconstructed(value)
        except NotCopyable:
            raise
        except Exception as error:  # a lock, a handle: it says no in its own way
            if runs_out(value):
                raise NotCopyable(f"a {type(value).__name__} is read but once") from error
            return value

    def reconstructed(self, value: Any) -> Any:
        """What ``copy.deepcopy`` does, with copies of ours inside."""
        own = getattr(value, "__deepcopy__", None)
        if own is not None:
            return own(self.memo)
        reduce = copyreg.dispatch_table.get(type(value))
        parts = reduce(value) if reduce else value.__reduce_ex__(4)
        if isinstance(parts, str):
            return value
        make, args, state, items, pairs = (*parts, None, None, None)[:5]
        twin = self.memo[id(value)] = make(*map(self.copy, args))
        if state is not None:
            restore(twin, self.copy(state))
        for item in items or ():
            twin.append(self.copy(item))
        for key, item in pairs or ():
            twin[self.copy(key)] = self.copy(item)
        return twin

    # --------------------------------------------------------------------------- tensors

    def tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        if is_lazy(tensor):
            return uninitialised(tensor)
        with torch.no_grad():
            data = self.data_of(tensor)
        if isinstance(tensor, nn.Parameter):
            twin = parameter(tensor, data)
        else:
            twin = data.requires_grad_() if tensor.requires_grad else data
        self.memo[id(tensor)] = twin
        if tensor.is_leaf and tensor.grad is not None:
            twin.grad = self.copy(tensor.grad)
        if len(tensor.__dict__) > (values.BESIDE in tensor.__dict__) and type(tensor) in PLAIN:
            twin.__dict__.update(self.dict_(tensor.__dict__))
        if twin.requires_grad and type(tensor) in PLAIN:
            for hook in (tensor._backward_hooks or {}).values():
                twin.register_hook(self.copy(hook))
            for hook in (tensor._post_accumulate_grad_hooks or {}).values():
                twin.register_post_accumulate_grad_hook(self.copy(hook))
        values.given(tensor, twin)
        return twin

    def data_of(self, tensor: torch.Tensor) -> torch.Tensor:
        """Its values: the same memory, or memory of their own that views of it share again."""
        data = plain(tensor).detach()
        if not self.real or tensor.is_meta:
            return data
        strided = tensor.layout is torch.strided and not (tensor.is_quantized or tensor.is_nested)
        if type(tensor) not in PLAIN or not strided:
            return data.clone()
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self.storages:
            self.storages[key] = storage.clone()
        return torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(
            self.storages[key], tensor.storage_offset(), tensor.shape, tensor.stride()
        )


def runs_out(value: Any) -> bool:
    """Whether it is an iterator, which a pass would use up; files, which are iterators too, are not meant."""
    return isinstance(value, Iterator) and not isinstance(value, io.IOBase)


def harmless(module: nn.Module) -> bool:
    """Whether a class's own ``__deepcopy__`` only works around the making of its class, or its C++."""
    own = type(module).__deepcopy__  # type: ignore[attr-defined]
    made = (GraphModule, torch.jit.ScriptModule)
    by_torch = (parametrize.__name__, "torch.ao.nn.quantized.")
    return isinstance(module, made) or own.__module__.startswith(by_torch)


def parameter(original: nn.Parameter, data: torch.Tensor) -> torch.Tensor:
    kind = type(original)
    if kind is nn.Parameter or not issubclass(kind, nn.Parameter):  # a subclass of tensors, marked
        return nn.Parameter(data, requires_grad=original.requires_grad)
    twin = torch.Tensor._make_subclass(kind, data, original.requires_grad)
    twin.__dict__.update(original.__dict__)
    return twin


def uninitialised(tensor: torch.Tensor) -> torch.Tensor:
    kind = {"device": tensor.device, "dtype": tensor.dtype}
    if isinstance(tensor, nn.Parameter):
        return UninitializedParameter(requires_grad=tensor.requires_grad, **kind)
    return UninitializedBuffer(requires_grad=tensor.requires_grad, **kind)


def restore(twin: Any, state: Any) -> None:
    """Give an object its state, as pickle does."""
    if hasattr(twin, "__setstate__"):
        twin.__setstate__(state)
        return
    attributes, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    twin.__dict__.update(attributes or {})
    for name, value in (slots or {}).items():
        setattr(twin, name, value)
