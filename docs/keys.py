"""The reference of keys in suite and claim files, from the tables that read them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect as types

from flop_harness.audit import claim_tables
from flop_harness.report.formats.markdown import grid
from flop_harness.report.tables.table import Table, columns
from flop_harness.suite import files

PLAIN = {
    types.StrType: "text", types.IntType: "integer", types.FloatType: "number",
    types.BoolType: "true or false", types.NoneType: "", types.AnyType: "any value",
}  # fmt: skip
"""Types of msgspec in words of TOML"""

FILES = {"suites": files.TABLES, "claims": claim_tables.TABLES}
"""Page of the documentation -> the tables of the files that it is about"""


def reference(page: str) -> str:
    """A heading and a table of keys for each table of such a file."""
    return "\n\n".join(part for table in FILES[page] for part in section(table))


def section(table: type[msgspec.Struct]) -> Iterator[str]:
    yield f"### {inspect.cleandoc(table.__doc__ or '').rstrip('.').replace('``', '`')}"
    heads = columns("key type default meaning")
    yield grid(Table("", heads, tuple(rows(table))), titled=False)


def rows(table: type[msgspec.Struct]) -> Iterator[tuple[str, str, str, str]]:
    """Key, type, default and meaning of each key; what is required comes first."""
    described = types.type_info(table)
    assert isinstance(described, types.StructType)
    for field in sorted(described.fields, key=lambda each: not each.required):
        yield field.encode_name, kind(field.type), default(field), meaning(field.type)


def meaning(said: Any) -> str:
    """What the field's description says. KeyError, naming nothing, for a field without one."""
    return (said.extra_json_schema or {})["description"] if isinstance(said, types.Metadata) else ""


def default(field: types.Field) -> str:
    if field.required:
        return "required"
    made = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    if made is None or isinstance(made, msgspec.Struct):
        return ""
    return repr(made).replace("'", '"')


def kind(said: Any) -> str:
    """A type in words: what TOML calls it, its bounds, the values that it may have."""
    if isinstance(said, types.Metadata):
        return kind(said.type)
    if isinstance(said, types.LiteralType):
        return ", ".join(map(str, sorted(said.values)))
    if isinstance(said, types.UnionType):
        return " or ".join(filter(None, dict.fromkeys(map(kind, said.types))))
    if isinstance(said, types.ListType):
        return f"list of {several(said.item_type)}"
    if isinstance(said, types.DictType):
        of_what = several(said.value_type)
        return "table" if of_what == "any values" else f"table of {of_what}"
    if isinstance(said, types.StructType):
        return "table"
    return " ".join([PLAIN[type(said)], *bounds(said)]).strip()


def several(said: Any) -> str:
    """The plural of a type in words; several types stand in parentheses."""
    words = kind(said)
    if " or " in words:
        return f"({words})"
    first, _, rest = words.partition(" ")
    return "any values" if words == "any value" else f"{first}s {rest}".strip()


def bounds(said: Any) -> Iterator[str]:
    for name, words in (
        ("ge", "from {:g}"),
        ("gt", "above {:g}"),
        ("lt", "below {:g}"),
        ("le", "to {:g}"),
    ):
        value = getattr(said, name, None)
        if value is not None:
            yield words.format(value).replace("1e+06", "1,000,000")
