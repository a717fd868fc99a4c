"""Figures for a paper: vector PDF beside SVG, the same each time, read in grey in a column."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from flop_harness import report, store
from flop_harness.records import Run
from flop_harness.report.analysis import bridges
from flop_harness.report.charts import drawing, heatmap, waterfall
from flop_harness.report.documents import files
from flop_harness.report.tables.partition import at_most, evenly
from flop_harness.store import load_times
from runs import a_suite, failed_run, hostile_run, loud_run, small_run

RESULTS = Path(__file__).parent.parent / "results"
RUNS = {"small": small_run, "loud": loud_run, "failed": failed_run, "hostile": hostile_run,
        "empty": lambda: Run(1, a_suite(), {})}  # fmt: skip
NAMES = [name for name in report.FORMATS if name.endswith(".pdf")]
COLUMN = 241
"""Points of a column of 8.5 cm"""


def drawings(folder: Path) -> dict[str, str]:
    """Every chart of the seed suite, as SVG."""
    run = store.load(folder)
    found = {name: report.render(run, name).decode()
             for name in report.FORMATS if name.endswith(".svg")}  # fmt: skip
    for machine in sorted(folder.glob("*/times.json.xz")):
        timed = load_times(machine)
        found |= {name: write(timed).decode() for name, write in files.TIMES.items()
                  if name.endswith(".svg")}  # fmt: skip
    return found


@pytest.fixture(scope="module")
def seeds() -> dict[str, str]:
    return drawings(RESULTS / "seeds")


# ---------------------------------------------------------------------------------------- PDF


def test_every_chart_is_written_as_svg_and_as_pdf():
    for names in (report.FORMATS, files.TIMES):
        drawn = {name.rpartition(".")[0] for name in names if name.endswith(".svg")}
        assert drawn and drawn == {n.rpartition(".")[0] for n in names if n.endswith(".pdf")}
    assert len(NAMES) == 4


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("name", NAMES)
def test_a_pdf_is_of_vectors_and_small_and_has_no_date(run: str, name: str):
    content = report.render(RUNS[run](), name)
    assert content.startswith(b"%PDF-") and len(content) < 100_000
    assert b"/Subtype /Image" not in content and b"Date" not in content
    if run not in ("failed", "empty"):
        assert b"/FontFile" in content  # letters that can be found and copied


def test_a_pdf_is_the_same_every_time(seeds: dict[str, str]):
    """In this process, and in another one."""
    for drawn in seeds.values():
        assert len({drawing.pdf(drawn) for _ in range(4)}) == 1
    code = ("import sys; from flop_harness.report.charts.drawing import pdf; from hashlib import sha256; "
            "print(sha256(pdf(sys.stdin.read())).hexdigest())")  # fmt: skip
    for name in ("spread.svg", "waterfall.svg"):
        done = subprocess.run([sys.executable, "-c", code], input=seeds[name], text=True,
                              capture_output=True, check=True)  # fmt: skip
        assert done.stdout.strip() == hashlib.sha256(drawing.pdf(seeds[name])).hexdigest()


def test_a_page_has_the_size_of_its_drawing(seeds: dict[str, str]):
    for drawn in seeds.values():
        width = re.search(r' width="([\d.]+)"', drawn)
        box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ", drawing.pdf(drawn))
        assert width and box and float(box[1]) == pytest.approx(float(width[1]), abs=1)


# --------------------------------------------------------------------------- in a column, in grey


def test_letters_are_printed_in_six_points_in_a_column(seeds: dict[str, str]):
    assert len(seeds) >= 6
    for name, drawn in seeds.items():
        width = re.search(r' width="([\d.]+)"', drawn)
        sizes = {float(size) for size in re.findall(r'font-size="([\d.]+)px"', drawn)}
        assert width and sizes
        assert min(sizes) * COLUMN / float(width[1]) > 6, name


def lightness(colour: str) -> float:
    """How light a colour is in grey, from 0 to 255."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


@pytest.mark.parametrize("side", [2, 3])
def test_the_steps_of_the_heat_map_are_apart_in_grey(side: int):
    """Lighter to darker; below and above are told apart by the number in the cell."""
    greys = [lightness(each[side]) for each in heatmap.CLASSES]
    assert all(light - dark >= 15 for light, dark in pairwise(greys))


def test_more_and_less_are_apart_in_grey():
    assert abs(lightness(waterfall.TONES["more"]) - lightness(waterfall.TONES["less"])) > 40


def test_series_are_told_apart_without_colour():
    """By shape, and from the ninth on by being hollow."""
    names = [f"series {place}" for place in range(16)]
    told = drawing.telling("name", names, None)
    shapes, fills = (told[key].to_dict()["scale"]["range"] for key in ("shape", "fill"))
    hollow = [fill == "transparent" for fill in fills]
    assert len(set(zip(shapes, hollow, strict=True))) == 16


def test_an_amount_stands_where_there_is_room():
    """Right of a bar at the left, left of one at the right; of one in between the axis is longer."""
    steps = waterfall.waterfall_steps(bridges.instructive(small_run()))
    assert [waterfall.side(step, 0, 100) for step in (
        {"left": 0, "right": 30}, {"left": 70, "right": 100})] == ["right", "left"]  # fmt: skip
    low, high = waterfall.fall_ends(steps)
    assert all(waterfall.room(step, low, high) > -1e-9 for step in steps[1:-1])


# -------------------------------------------------------------------------------------- parts


def test_parts_are_even_and_as_few_as_can_be():
    assert [len(part) for part in at_most(range(121), 45)] == [40, 40, 41]
    assert [len(part) for part in at_most(range(45), 45)] == [45]
    assert at_most([], 5) == [[]] and evenly("abcde", 2) == ["ab", "cde"]
