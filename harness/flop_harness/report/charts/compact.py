"""Charts as short SVG: what changes nothing of the picture is left out."""

from __future__ import annotations

import re

FONT = ' font-family="Helvetica, Arial, sans-serif"'
"""Of every text that names no other: told once"""
TAG = re.compile(r"<[a-z][^<>]*>")
LONG = re.compile(r"(\d\.\d\d)\d{4,}")
"""A coordinate to more digits than a pixel shows; a figure in words has fewer"""
EMPTY = re.compile(
    r'<path class="(?:fore|back)ground" aria-hidden="true" d="(?:M0,0h0v0h0Z)?"(?: display="none")?/>'
)
UNSEEN = re.compile(r'<text[^<>]* opacity="0"[^<>]*>[^<>]*</text>')
"""A tick without room, which is drawn all the same"""
USUAL = re.compile(r' opacity="1"| transform="translate\(0,0\)"')
WIDTH = re.compile(r' stroke-width="[^"]*"')
POINT = re.compile(
    r'<path([^<>]*) transform="translate\(([^,"]+),([^)"]+)\)"'
    r' d="M([\d.]+),0A\4,\4,0,1,1,-\4,0A\4,\4,0,1,1,\4,0"'
)
"""A circle as two arcs, moved to its place"""


def compact(drawn: str) -> str:
    """A chart with coordinates to a hundredth of a pixel, points as circles, and no attribute that
    says what holds anyway.
    """
    text = UNSEEN.sub("", EMPTY.sub("", LONG.sub(r"\1", drawn)))
    return TAG.sub(_shortened, text).replace("<svg", f"<svg{FONT}", 1)


def _shortened(tag: re.Match[str]) -> str:
    text = USUAL.sub("", tag[0]).replace(FONT, "")
    if ' stroke="' not in text:
        text = WIDTH.sub("", text)
    return POINT.sub(r'<circle\1 cx="\2" cy="\3" r="\4"', text)
