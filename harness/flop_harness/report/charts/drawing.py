"""How charts look, and how they become SVG and PDF: altair and vl-convert, without a browser.

They are drawn for a column of a paper (8.5 cm): about 420 pixels wide where the data allow it, so
that letters of 11 pixels are printed in more than 6 points. What colour tells, a word, a sign or a
shape tells too, and the lightness of colours differs in grey.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from xml.sax.saxutils import escape

from flop_harness.report.charts.compact import compact

Shown = TypeVar("Shown")
INK = "#1c1c1a"
LINE, PALE = "#6b6b64", "#b5b5ae"
"""What is drawn beside the series; seen on a dark page too"""
GRID = {"grid": True, "gridColor": "#8a8a84", "gridOpacity": 0.3}
LETTER = 11
"""Pixels of the letters"""
# Apart in grey too: the lightness of neighbours differs.
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right",
          "triangle-left")  # fmt: skip
SERIES = ("#3a78b5", "#eaa560", "#5c8f5c", "#b0507a", "#86b0d4", "#a8602a", "#b9b04a", "#8478bd",
          "#b5b5ae", "#77776f")  # fmt: skip
RESOURCES = re.compile(rb"(?:^ +/\S+ \d+ 0 R\n){2,}", re.MULTILINE)
LOUD = "#c4161c"
"""What is not explained"""
PANEL = 340
"""Pixels of a panel that fills a column"""


def telling(field: str, names: Sequence[str], legend: Any) -> dict[str, Any]:
    """The encodings of points by which series are told apart: shape, colour, and filled or hollow."""
    import altair as alt

    places = range(len(names))
    tints = [SERIES[place % len(SERIES)] for place in places]
    hollow = [place // len(SHAPES) % 2 for place in places]
    filled = ["transparent" if hollow[place] else tints[place] for place in places]

    def scale(values: list[str]) -> Any:
        return alt.Scale(domain=list(names), range=values)

    return {
        "shape": alt.Shape(f"{field}:N", legend=legend,
                           scale=scale([SHAPES[place % len(SHAPES)] for place in places])),
        "stroke": alt.Stroke(f"{field}:N", scale=scale(tints), legend=legend),
        "fill": alt.Fill(f"{field}:N", scale=scale(filled), legend=legend),
    }  # fmt: skip


def styled(chart: Any, title: str = "") -> Any:
    if title:
        lines = [row for line in title.split("\n") for row in textwrap.wrap(line, 64)]
        chart = chart.properties(title={"text": lines, "anchor": "start", "frame": "bounds",
                                        "fontSize": LETTER + 1})  # fmt: skip
    return (
        chart.configure(font="Helvetica, Arial, sans-serif", background="white", padding=6)
        .configure_view(stroke=None)
        .configure_axis(domain=False, ticks=False, labelPadding=5, grid=False, labelColor=INK,
                        labelFontSize=LETTER, titleColor=INK, titleFontSize=LETTER,
                        titleFontWeight="normal")
        .configure_legend(columnPadding=24, labelColor=INK, labelFontSize=LETTER, titleColor=INK,
                          titleFontSize=LETTER, titleFontWeight="normal")
        .configure_title(color=INK, fontSize=LETTER, fontWeight="normal")
    )  # fmt: skip


def svg(chart: Any) -> str:
    """A chart as SVG, as short as it can be."""
    import vl_convert

    return compact(str(vl_convert.vegalite_to_svg(chart.to_json())))


def pdf(drawn: str) -> bytes:
    """A chart, drawn as SVG, as a page of its own size; equal charts give equal files."""
    import vl_convert

    # The resources of a page are written in an order that changes from call to call.
    return RESOURCES.sub(
        lambda found: b"".join(sorted(found[0].splitlines(keepends=True))),
        bytes(vl_convert.svg_to_pdf(drawn)),
    )


WRITTEN: Mapping[str, Callable[[str], bytes]] = {"svg": str.encode, "pdf": pdf}


def files(charts: Mapping[str, Callable[[Shown], str]]) -> dict[str, Callable[[Shown], bytes]]:
    """Names of charts and what draws them -> names of files and what writes them."""

    def file(
        draw: Callable[[Shown], str], written: Callable[[str], bytes]
    ) -> Callable[[Shown], bytes]:
        return lambda shown: written(draw(shown))

    return {f"{name}.{ending}": file(draw, written)
            for ending, written in WRITTEN.items() for name, draw in charts.items()}  # fmt: skip


def blank(words: str) -> str:
    """A chart of nothing that says so."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 360 60" width="360" height="60">'
        f'<text x="16" y="35" font-family="sans-serif" font-size="14">{escape(words)}</text></svg>'
    )


def lookup(names: dict[str, str]) -> str:
    """A Vega object literal of strings in which every sign beyond plain ones is a code."""
    pairs = (f"'{key}':'{''.join(map(_coded, name))}'" for key, name in names.items())
    return "{" + ",".join(pairs) + "}"


def _coded(sign: str) -> str:
    if sign.isascii() and (sign.isalnum() or sign in " ._-,()/"):
        return sign
    return f"\\u{ord(sign):04x}" if ord(sign) < 0x10000 else "?"


def data(alt: Any, records: list[dict[str, Any]]) -> Any:
    return alt.Data(values=records)
