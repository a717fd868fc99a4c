"""Recorded values as expressions of Python: what has values gets others, what has a shape keeps it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from flop_harness.records import List, Tensor


class CannotWrite(ValueError):
    """A value that no short expression makes anew; the text says which."""


def literal(value: Any, device: str = "cpu") -> str:
    """An expression for a recorded value: a tensor of its shape for a tensor. CannotWrite."""
    if isinstance(value, Tensor):
        return fresh(value, device)
    if isinstance(value, (list, List)):
        return f"[{', '.join(literal(each, device) for each in value)}]"
    if isinstance(value, tuple):
        parts = [literal(each, device) for each in value]
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
    if isinstance(value, Mapping):
        pairs = (f"{quoted(key)}: {literal(each, device)}" for key, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    if isinstance(value, str):
        return value if value.startswith("torch.") else quoted(value)
    if value is None or isinstance(value, (bool, int, float, complex)):
        return repr(value)
    raise CannotWrite(f"no short expression makes {value!r}")


def fresh(value: Tensor, device: str) -> str:
    """A tensor of this shape: random floats, zeros of any other kind."""
    shape = ", ".join(map(str, value.shape)) or "()"
    if is_float(value.dtype):
        return tensor(f"torch.rand({shape}", value.dtype, "float32", device)
    if value.dtype.startswith(("qint", "quint")):
        plain = tensor(f"torch.rand({shape}", "float32", "float32", device)
        return f"torch.quantize_per_tensor({plain}, 0.1, 0, torch.{value.dtype})"
    if value.dtype.startswith(("int", "uint", "bool")):
        return tensor(f"torch.zeros({shape}", value.dtype, "float32", device)
    raise CannotWrite(f"no short expression makes a tensor of {value.dtype}")


def tensor(start: str, dtype: str, usual: str, device: str) -> str:
    kind = f", dtype=torch.{dtype}" if dtype != usual else ""
    where = f', device="{device}"' if device != "cpu" else ""
    return f"{start}{kind}{where})"


def is_float(dtype: str) -> bool:
    return dtype.startswith(("float", "bfloat", "complex")) and "float8" not in dtype


def quoted(text: str) -> str:
    return '"' + repr(text)[1:-1].replace('"', '\\"').replace("\\'", "'") + '"'
