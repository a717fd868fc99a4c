"""TOML files read into tables of known keys; whatever is wrong is told in words of TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from flop_harness.errors import UserError, suggest

T = TypeVar("T", bound=msgspec.Struct)

KINDS = {
    "object": "table", "array": "list", "str": "string", "int": "integer", "bool": "true or false",
}  # fmt: skip


def said(text: str) -> msgspec.Meta:
    """What a key means; the documentation's reference of keys is made from it."""
    return msgspec.Meta(description=text)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a file may say: its keys, a hint for some of them, and the values that others have."""

    keys: frozenset[str]
    hints: Mapping[str, str] = field(default_factory=dict)
    values: Callable[[str], tuple[str, ...]] = lambda key: ()


LARGEST = 2**20
"""Bytes of a file: to read more takes the standard library's parser too long"""

DEEPEST = 32
"""Tables and lists within one another"""


def read(path: Path) -> tuple[bytes, dict[str, Any]]:
    """A file's bytes and what they say. UserError, naming the file, where they are no TOML."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    if len(content) > LARGEST:
        raise UserError(f"{path}: larger than {LARGEST:,} bytes: split it into several files")
    try:
        document = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # of syntax, encoding, size or depth
        raise UserError(f"{path}: not TOML: {error}") from error
    if deeper_than(DEEPEST, document):
        raise UserError(f"{path}: more than {DEEPEST} tables and lists within one another")
    return content, document


def deeper_than(levels: int, value: Any) -> bool:
    """Whether a value holds tables and lists nested further than that; without recursion."""
    stage = [value]
    for _ in range(levels + 1):
        stage = [each for one in stage if isinstance(one, dict | list)
                 for each in (one.values() if isinstance(one, dict) else one)]  # fmt: skip
    return bool(stage)


def convert(raw: Mapping[str, Any], table: type[T], where: str, words: Vocabulary) -> T:
    """A table of a file as a struct. UserError, beginning with ``where``, for what does not fit."""
    try:
        return msgspec.convert(raw, table)
    except msgspec.ValidationError as error:
        raise UserError(f"{where}: {explain(str(error), words)}") from error


def explain(message: str, words: Vocabulary) -> str:
    """A message of msgspec (``Expected `int`, got `str` - at `$.version```) in words of TOML."""
    message, _, place = message.partition(" - at ")
    key = place.strip("`").removeprefix("$").lstrip(".")
    at = f"{key}: " if key else ""
    if match := re.fullmatch(r"Object contains unknown field `(.*)`", message, re.DOTALL):
        if match[1] in words.keys:
            return f"{at}the key {match[1]!r} belongs to another kind of table"
        return f"{at}unknown key {match[1]!r}{suggest(match[1], words.keys)}"
    if match := re.fullmatch(r"Object missing required field `(.*)`", message):
        return f"{at}the key {match[1]!r} is missing"
    if match := re.fullmatch(r"Invalid enum value '(.*)'", message, re.DOTALL):
        known = words.values(key)
        near = suggest(match[1], known)
        return f"{at}unknown value {match[1]!r}{near}; known: {', '.join(known)}"
    told = re.sub(r"`([^`]*)`", lambda quoted: in_toml(quoted[1]), message)
    hint = words.hints.get(re.split(r"[.\[]", key)[0])
    return f"{at}{told[:1].lower()}{told[1:]}" + (f" ({hint})" if hint else "")


def in_toml(types: str) -> str:
    return " or ".join(KINDS.get(word, word) for word in types.split(" | ") if word != "null")


def found(reference: str, what: str, home: Path, names: Sequence[str]) -> Path:
    """The file of that name in ``home``, or at that path; UserError, with the names, if neither."""
    if reference in names:
        return home / f"{reference}.toml"
    path = Path(reference).expanduser()
    if path.is_file():
        return path
    if path.suffix == ".toml":
        raise UserError(f"{reference}: no such file")
    known = ", ".join(names)
    raise UserError(f"no {what} {reference!r}{suggest(reference, names)}; there are: {known}")
