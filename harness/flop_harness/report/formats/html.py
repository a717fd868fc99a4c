"""Pages that need no network: our templates, and the filters that their macros use."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from flop_harness.report.analysis.cells import Cell
from flop_harness.report.charts.heatmap import CLASSES, brief, class_of
from flop_harness.report.tables.table import show
from flop_harness.report.words.links import Link
from flop_harness.report.words.text import group, is_number, printable, slug

PAGES = Path(__file__).parents[1] / "pages"


def render(template: str, **contents: Any) -> bytes:
    """A page of these contents."""
    text: str = pages().get_template(template).render(**contents)
    return text.encode("utf-8", "replace")


def pages() -> Any:
    """Our templates, with the filters and tests that their macros need."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(loader=FileSystemLoader(PAGES), autoescape=True, trim_blocks=True,
                       lstrip_blocks=True, undefined=StrictUndefined)  # fmt: skip
    made.filters.update(show=show, group=group, exact=_exact, printable=printable, tone=tone, ratio=brief,
                        drawn=drawn, slug=slug)  # fmt: skip
    made.globals.update(script=script)
    made.tests.update(number=is_number, link=lambda value: isinstance(value, Link))
    return made


def script(name: str) -> Any:
    """A script that the site uses too, as it stands."""
    from markupsafe import Markup

    return Markup((PAGES / "site" / name).read_text("utf-8"))


def drawn(svg: str) -> Any:
    """An SVG as part of a page; who cannot see it has the table beside it."""
    from markupsafe import Markup

    hidden = '<svg aria-hidden="true" focusable="false"'
    return Markup(re.sub(r"^.*?<svg", hidden, svg, count=1, flags=re.S))


def tone(cell: Cell) -> str:
    """The CSS classes of a cell: side and strength of its deviation, as in the heat map."""
    loud = " loud" if cell.loud else ""
    if cell.value is None:
        return "silent"
    name = class_of(cell)
    for strength, (_, words, _, _) in enumerate(CLASSES, 1):
        if name.startswith(words):
            return f"{'high' if name.endswith('above') else 'low'} d{strength}{loud}"
    return f"equal{loud}"


def _exact(value: Any) -> str:
    """The number itself, for the title of a cell and for sorting."""
    return repr(value) if is_number(value) else ""
