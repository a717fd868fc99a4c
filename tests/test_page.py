"""The page in a real browser, opened from a file with no network."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from runs import (
    HOSTILE,
    a_run,
    a_suite,
    explained,
    failed_run,
    hostile_run,
    loud_run,
    small_run,
)

from harness import report
from harness.records import Run, Step
from harness.report.text import anchor

NAMES = ("chromium", "chromium-headless-shell", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no browser is installed (apt install chromium)"),
]
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=5000", "--dump-dom",
)  # fmt: skip


@dataclass(frozen=True)
class Opened:
    dom: str
    complaints: list[str]
    seconds: float


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., Opened]:
    """What the browser makes of a page, and what it says on its console."""

    def go(content: bytes, place: str = "") -> Opened:
        file = tmp_path / "report.html"
        file.write_bytes(content)
        profile = f"--user-data-dir={tmp_path / 'profile'}"
        command = [str(BROWSER), *OPTIONS, profile, f"{file.as_uri()}#{place}"]
        started = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        seconds = time.monotonic() - started
        return Opened(done.stdout, re.findall(r"CONSOLE.*", done.stderr), seconds)

    return go


def page_of(run: Run) -> bytes:
    return report.render(run, "report.html")


def test_a_complaint_would_be_heard(opened):
    assert opened(b"<script>nothing.there()</script>").complaints


@pytest.mark.parametrize("run", [small_run(), loud_run(), failed_run(), Run(1, a_suite(), {})])
def test_a_page_opens_without_complaint(opened, run):
    found = opened(page_of(run))
    assert found.complaints == [] and "Who counts what, and why" in found.dom


def test_a_link_to_a_figure_unfolds_its_bridge(opened):
    place = anchor("why", "compute", "vit", "thop", "cpu no_grad")
    found = opened(page_of(small_run()), place)
    assert found.complaints == []
    [article] = re.findall(rf'<article id="{place}".*?</article>', found.dom, re.DOTALL)
    words = re.sub(r"<[^>]*>", " ", article)
    for amount in ("17,563,828,224", "\N{MINUS SIGN}6,277,573,632", "11,286,254,592"):
        assert amount in words
    assert "attention products not seen" in words and "2 modules" in words
    assert '<article id="why--compute--vgg16' not in found.dom  # nobody opened that case


def test_what_is_not_explained_is_loud(opened):
    place = anchor("why", "compute", "odd", "thop", "cpu no_grad")
    dom = opened(page_of(loud_run()), place).dom
    assert re.search(r'<tr class="loud"><th scope="row">residual</th><td class="num">\+7</td>', dom)


def test_hostile_names_stay_text_when_a_case_is_unfolded(opened):
    for name in HOSTILE[:5]:
        found = opened(page_of(hostile_run()), anchor("case", name))
        assert found.complaints == []
        assert "<img" not in found.dom and found.dom.count("<script") == 1


# ---------------------------------------------------------------------------------------- size


def zoo_run() -> Run:
    """As large as the zoo: 121 cases, 27 contexts of counters, eight terms of 150 modules each."""
    pairs = []
    for case in range(121):
        for counter in range(27):
            reading, bridge = explained(f"model_{case}", f"counter-{counter}", 10**9 + case)
            steps = tuple(
                Step(f"term {term}", 1000 * case + counter, {
                    f"layer{n % 4}.{n}.block": case * n + term for n in range(150)
                }) for term in range(8)
            )  # fmt: skip
            value = bridge.reference + sum(step.amount for step in steps)
            moved = replace(bridge, steps=steps, reading=value)
            pairs.append((replace(reading, value=value), moved))
    return a_run(pairs)


def test_the_zoo_fits_a_page_that_opens_at_once(opened):
    content = page_of(zoo_run())
    assert len(content) < 4_000_000
    base = opened(b"<p>nothing</p>")
    found = opened(content)
    assert found.complaints == [] and found.seconds - base.seconds < 2
