"""Tables and text in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from flop_harness.report.tables.table import Column, Table, show
from flop_harness.report.words.text import printable


def page(blocks: Iterable[str]) -> bytes:
    """Blocks with an empty line between any two."""
    return ("\n\n".join(blocks) + "\n").encode("utf-8", "replace")


def grid(table: Table, titled: bool = True) -> str:
    """A table in pipes; an empty one says that it is empty."""
    title = f"**{plain(table.title)}**\n\n" if titled else ""
    if not table.rows:
        return f"{title}None."
    heads = [plain(column.title) + (f" {plain(column.note)}" if column.note else "")
             for column in table.columns]  # fmt: skip
    rule = ["---:" if column.align == "right" else "---" for column in table.columns]
    rows = [[_value(value, column) for value, column in zip(row, table.columns, strict=True)]
            for row in table.rows]  # fmt: skip
    lines = [f"| {' | '.join(cells)} |" for cells in (heads, rule, *rows)]
    note = f"\n\n{plain(table.note, quoted='')}" if table.note else ""
    return title + "\n".join(lines) + note


def _value(value: Any, column: Column) -> str:
    return loud(show(value, column))


def loud(text: str) -> str:
    """Bold where something is not explained."""
    return f"**{plain(text)}**" if "UNEXPLAINED" in text else plain(text)


def plain(value: Any, quoted: str = "`") -> str:
    """Text that Markdown and the HTML inside it leave alone; ``quoted`` are further signs to escape."""
    text = re.sub(rf"([\\*_{{}}\[\]#|~$!{quoted}])", r"\\\1", printable(value))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"(://|www\.|@)", lambda found: f"{found[0][:-1]}&#{ord(found[0][-1])};", text)
