"""A chart that is written shorter is the same picture."""

from __future__ import annotations

import io
from operator import itemgetter

import pytest

from flop_harness.report.charts.compact import FONT, LONG, compact

vl_convert = pytest.importorskip("vl_convert")

POINTS = [
    {"x": x, "y": x * x, "of": name} for x in range(9) for name in ("a <b>", 'a " opacity="1"')
]
MARKS = [
    {"type": "point", "filled": True},
    {"type": "circle", "opacity": 0.7},
    {"type": "line", "strokeWidth": 3},
    {"type": "rect"},
    {"type": "text", "stroke": "red", "strokeWidth": 1},
    {"type": "square"},
]


TYPE = itemgetter("type")


def chart(mark: dict) -> str:
    encoding = {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"},
                "color": {"field": "of", "type": "nominal"}, "text": {"field": "of", "type": "nominal"}}  # fmt: skip
    config = {"font": "Helvetica, Arial, sans-serif"}
    return vl_convert.vegalite_to_svg({"data": {"values": POINTS}, "mark": mark, "encoding": encoding, "config": config})  # fmt: skip


ROUND = ("point", "circle")


@pytest.mark.parametrize("mark", [mark for mark in MARKS if mark["type"] not in ROUND], ids=TYPE)
def test_every_pixel_is_as_before(mark):
    drawn = chart(mark)
    assert pixels(compact(drawn)) == pixels(LONG.sub(r"\1", drawn))


@pytest.mark.parametrize("mark", [mark for mark in MARKS if mark["type"] in ROUND], ids=TYPE)
def test_the_edges_of_points_alone_are_smoothed_otherwise(mark):
    image, chops = pytest.importorskip("PIL.Image"), pytest.importorskip("PIL.ImageChops")
    before, after = (
        image.open(io.BytesIO(pixels(text))).convert("RGB")
        for text in (LONG.sub(r"\1", chart(mark)), compact(chart(mark)))
    )
    assert max(most for _, most in chops.difference(before, after).getextrema()) < 16  # of 255


def pixels(drawn: str) -> bytes:
    return vl_convert.svg_to_png(drawn, scale=2)


@pytest.mark.parametrize("mark", MARKS, ids=TYPE)
def test_it_is_shorter(mark):
    assert len(compact(chart(mark))) < 0.95 * len(LONG.sub(r"\1", chart(mark)))


def test_points_are_circles_and_the_font_is_told_once():
    short = compact(chart(MARKS[0]))
    assert short.count("<circle ") == len(POINTS) + 2  # and in the legend
    assert short.count(FONT) == 1


def test_what_labels_say_is_left_as_it_is():
    text = '<svg><text font-size="9">a opacity="1" 3.14</text></svg>'
    assert compact(text) == text.replace("<svg", f"<svg{FONT}")


def test_a_tick_without_room_is_left_out_and_the_picture_stays():
    """On 90 pixels of two decades some ticks have no room; vega draws them, unseen."""
    x = {"field": "x", "type": "quantitative", "scale": {"type": "log", "domain": [1, 100]}}
    spec = {"data": {"values": POINTS[2:]}, "mark": "rule", "encoding": {"x": x}, "width": 90}
    drawn = vl_convert.vegalite_to_svg(spec)
    unseen = drawn.count('opacity="0"')
    assert unseen and compact(drawn).count("<text") == drawn.count("<text") - unseen
    assert pixels(compact(drawn)) == pixels(LONG.sub(r"\1", drawn))
