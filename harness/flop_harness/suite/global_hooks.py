"""Hooks that are called for every module of a process: where torch keeps them."""

from __future__ import annotations

from typing import Any

Table = dict[int, Any]


def tables() -> list[Table]:
    from torch.nn.modules import module

    held = vars(module).items()
    return [each for name, each in held if name.startswith("_global_") and isinstance(each, dict)]
