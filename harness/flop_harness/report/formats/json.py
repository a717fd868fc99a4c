"""Records as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def render(record: Any) -> bytes:
    """Everything of a record; what is empty is left out."""
    return json.dumps(_plain(record), indent=0, ensure_ascii=False).encode() + b"\n"


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        named = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: _plain(each) for name, each in named if each not in ("", (), {}, None, False)}
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
