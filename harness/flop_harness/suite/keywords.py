"""Keyword arguments of what makes a model, as the command line names them."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from flop_harness.errors import UserError

NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def keywords(texts: Iterable[str]) -> dict[str, Any]:
    """``length=16``, ``cache=static``, ``config.hidden_size=64`` as one table, nested by dots.

    A value is what TOML makes of it, else a word. Raises UserError.
    """
    made: dict[str, Any] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        names = path.strip().split(".")
        if not equals or not all(map(NAME.fullmatch, names)):
            raise UserError(
                f"keyword {text!r} is not of the form length=2048, or config.hidden_size=64"
            )
        enter(made, names, value_of(value.strip()), text)
    return made


def enter(table: dict[str, Any], names: list[str], value: Any, text: str) -> None:
    *outer, last = names
    for name in outer:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise UserError(f"keyword {text!r}: {name} has a value already, which is no table")
    if last in table:
        raise UserError(f"keyword {text!r}: {last} is given more than once")
    table[last] = value


def value_of(text: str) -> Any:
    """What TOML makes of a text; what is none is a word."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def written(table: Mapping[str, Any], within: str = "") -> Iterator[str]:
    """The texts that ``keywords`` reads as this table."""
    for name, value in table.items():
        if isinstance(value, Mapping) and value and all(map(NAME.fullmatch, value)):
            yield from written(value, f"{within}{name}.")
        else:
            yield f"{within}{name}={as_word(value)}"


def as_word(value: Any) -> str:
    """A value as it is typed: a word without quotes where TOML would not read it as something else."""
    plain = isinstance(value, str) and value == value.strip() and value_of(value) == value
    return value if plain else as_toml(value)


def as_toml(value: Any) -> str:
    """Numbers, texts, lists and tables in one line of TOML."""
    if isinstance(value, Mapping):
        pairs = (f"{key_of(name)} = {as_toml(item)}" for name, item in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(as_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def key_of(name: str) -> str:
    return name if NAME.fullmatch(name) else json.dumps(name, ensure_ascii=False)
