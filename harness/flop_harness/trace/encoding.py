"""Live values -> the values of records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]
from torch.nn.utils.rnn import PackedSequence
from torch.utils._python_dispatch import _disable_current_modes

from flop_harness.records import Dict, List, Opaque, Tensor
from flop_harness.trace.needs import ValuesNeeded

SPARSE = frozenset(
    getattr(torch, f"sparse_{layout}") for layout in ("coo", "csr", "csc", "bsr", "bsc")
)

PLAIN = frozenset({int, float, bool, str, complex, type(None)})
NAMED = (torch.dtype, torch.device, torch.layout, torch.memory_format)


_interned: dict[tuple[torch.Size, torch.dtype], Tensor] = {}
_dtype_names: dict[torch.dtype, str] = {}


def dtype_name(dtype: torch.dtype) -> str:
    if dtype not in _dtype_names:
        _dtype_names[dtype] = str(dtype).removeprefix("torch.")
    return _dtype_names[dtype]


def encode_tensor(tensor: torch.Tensor) -> Tensor | Opaque | Dict:
    if tensor.is_nested:
        return encode_nested(tensor)
    if isinstance(tensor, UninitializedTensorMixin):
        return Opaque("uninitialised parameter")
    return interned(tensor)


def encode_sparse(tensor: torch.Tensor) -> Tensor:
    """With the number of elements that it stores, whole blocks of them where it stores blocks."""
    if tensor.is_meta:
        raise ValuesNeeded(
            "the model has a sparse tensor on meta, which does not know what it stores"
        )
    with _disable_current_modes():
        values = tensor._values() if tensor.layout is torch.sparse_coo else tensor.values()
        layout = str(tensor.layout).removeprefix("torch.sparse_")
        return Tensor(tuple(tensor.shape), dtype_name(tensor.dtype), values.numel(), layout)


def interned(tensor: torch.Tensor) -> Tensor:
    if tensor.layout in SPARSE:
        return encode_sparse(tensor)
    key = (tensor.shape, tensor.dtype)
    known = _interned.get(key)
    if known is None:
        known = _interned[key] = Tensor(tuple(map(int, tensor.shape)), dtype_name(tensor.dtype))
    return known


def encode(value: Any) -> Any:
    """A tensor becomes ``Tensor``; containers keep their kind; anything else its type's name."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is torch.nn.Parameter or (kind is torch.Tensor and not value.is_nested):
        return interned(value)
    if isinstance(value, torch.Tensor):
        return encode_tensor(value)
    if kind is tuple and PLAIN.issuperset(map(type, value)):
        return value
    if isinstance(value, PackedSequence):
        return encode_packed(value)
    if isinstance(value, tuple):
        return tuple(map(encode, value))
    if isinstance(value, list):
        return List(map(encode, value))
    if isinstance(value, Mapping):
        return Dict(tuple(map(str, value)), tuple(map(encode, value.values())))
    if isinstance(value, NAMED):
        return str(value)
    if is_number(value):
        return number(value)
    if isinstance(value, torch.ScriptObject) and value._has_method("unpack"):
        return encode_quantised(value)
    return Opaque(qualified_name(kind))


def with_length(opaque: Opaque, value: Any) -> Opaque:
    """An object with its length, if it tells that: a counter takes it for the size of a batch."""
    try:
        with _disable_current_modes(), torch._C.DisableTorchFunction():
            return replace(opaque, length=len(value))
    except (Exception, SystemExit):  # noqa: BLE001 - code of the user's, not called by the model
        return opaque


def is_number(value: Any) -> bool:
    """Whether it is one of Python's numbers, of a class below them, one of numpy's, or an integer of torch's."""
    if isinstance(value, (int, float, complex)):
        return True
    if type(value) is torch.Tensor:
        return not (value.shape or value.is_meta or value.is_floating_point())
    return type(value).__module__ == "numpy" and getattr(value, "shape", None) == ()


def number(value: Any) -> Any:
    """The number as one of Python's own kinds."""
    kind = next((each for each in (int, float, complex) if isinstance(value, each)), None)
    return kind(value) if kind else value.item()


def encode_packed(packed: PackedSequence) -> Dict:
    """A packed sequence with the one thing that counters read of it: its batch sizes."""
    sizes = packed.batch_sizes
    with _disable_current_modes():
        known = not sizes.is_meta
        batch_sizes = tuple(torch._C.TensorBase.tolist(sizes)) if known else encode(sizes)
    return Dict(("PackedSequence", "batch_sizes"), (encode(packed.data), batch_sizes))


def encode_quantised(held: torch.ScriptObject) -> Dict:
    """What a quantised layer packs into an object of its own: weight, bias, a convolution's settings."""
    with _disable_current_modes():
        weight, bias = held.unpack()  # type: ignore[attr-defined]
        names = SETTINGS if hasattr(held, "stride") else ()
        settings = [getattr(held, name)() for name in names]
    return Dict(("weight", "bias", *names), (encode(weight), encode(bias), *map(encode, settings)))


SETTINGS = ("stride", "padding", "dilation", "groups")


def encode_nested(nested: torch.Tensor) -> Dict | Opaque:
    """A nested tensor as the tensors in it; a jagged one on meta does not know them."""
    with _disable_current_modes():
        if nested.layout is torch.jagged and nested.is_meta:
            return Opaque("nested tensor")
        return Dict(("NestedTensor",), (tuple(map(encode_tensor, nested.unbind())),))


def qualified_name(kind: type) -> str:
    """Module, outer classes and name of a class; graph modules are renamed after they are made."""
    outer, dot, _ = kind.__qualname__.rpartition(".")
    return f"{kind.__module__}.{outer}{dot}{kind.__name__}"
