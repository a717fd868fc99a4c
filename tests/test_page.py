"""The pages in a real browser, opened from files with no network, as a reader uses them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flop_harness import report
from flop_harness.records import Run, Step
from flop_harness.report.words.text import anchor
from pages import NAMES as PAGES
from pages import OwnTime, Pages, laid_out
from runs import HOSTILE, a_run, a_suite, explained, failed_run, hostile_run, loud_run, small_run

BROWSERS = ("chromium", "chromium-headless-shell", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no browser is installed (apt install chromium)"),
]


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> Pages:
    return Pages(tmp_path_factory.mktemp("pages") / "results")


@pytest.fixture
def zoo(pages) -> Path:
    return pages["torchvision"]


@pytest.fixture
def seeds(pages) -> Path:
    return pages["seeds"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="pip install '.[browser]'")
    with api.sync_playwright() as started:
        running = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser) -> Iterator[Any]:
    """A tab without network; ``page.complaints`` is what it says on its console."""
    context = browser.new_context(viewport={"width": 1400, "height": 950}, bypass_csp=True)
    context.set_offline(True)
    tab = context.new_page()
    tab.complaints = []
    tab.on("console", lambda said: tab.complaints.append(said.text))
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.on(
        "request", lambda asked: asked.url.startswith("file:") or tab.complaints.append(asked.url)
    )
    yield tab
    context.close()


@pytest.fixture
def shown(page, tmp_path) -> Callable[..., Any]:
    """A run's page in the tab."""

    def go(content: bytes, place: str = "") -> Any:
        file = tmp_path / "report.html"
        file.write_bytes(content)
        page.goto(f"{file.as_uri()}#{place}")
        page.wait_for_timeout(200)
        return page

    return go


def page_of(run: Run) -> bytes:
    return report.render(run, "report.html")


def test_a_complaint_would_be_heard(shown):
    assert shown(b"<script>nothing.there()</script>").complaints


@pytest.mark.parametrize("run", [small_run(), loud_run(), failed_run(), Run(1, a_suite(), {})])
def test_a_page_opens_without_complaint(shown, run):
    page = shown(page_of(run))
    assert page.complaints == [] and "Who counts what, and why" in page.content()


@pytest.mark.parametrize("name", PAGES)
def test_pages_of_results_open_in_two_seconds_without_complaint(page, pages, name):
    file = pages[name]
    own = OwnTime(page)
    page.goto(file.as_uri())
    assert own.seconds() < 2
    assert page.complaints == []
    assert file.stat().st_size < 6_000_000


# ---------------------------------------------------------------------------- a reader's questions


def visible_rows(page) -> list[str]:
    rows = page.locator(".quantity:visible table.heat tbody tr:not([hidden]) th a")
    return rows.all_inner_texts()


def test_models_and_counters_are_searched(page, zoo):
    page.goto(zoo.as_uri())
    page.fill("[data-narrows]", "ViT-B/16, VGG-16")
    assert set(visible_rows(page)) >= {"vit_b_16", "vgg16", "vgg16_bn"}
    assert all(name.startswith(("vit_b_16", "vgg16", "fcn", "ssd")) for name in visible_rows(page))
    page.fill("[data-narrows]", "VisionTransformer b_16")  # by its class too
    assert visible_rows(page) == ["vit_b_16"]
    page.fill("[data-narrows]", "no such model")
    assert visible_rows(page) == []


def test_the_words_of_a_search_stand_in_the_address(page, zoo):
    page.goto(zoo.as_uri())
    page.fill("[data-narrows]", "vit b 16")
    address = page.url
    assert address.endswith("#q=vit+b+16")
    page.goto("about:blank")
    page.goto(address)
    assert "vit_b_16" in visible_rows(page) and "vgg16" not in visible_rows(page)


def test_one_counter_is_chosen_and_a_telephone_shows_it_beside_the_reference(page, zoo):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(zoo.as_uri())
    page.get_by_role("combobox", name="Counter").select_option(label="torchinfo")
    heads = page.locator(".quantity:visible table.heat thead th:visible")
    assert [head.split("\n")[0].split()[0] for head in heads.all_inner_texts()] == ["case", "reference", "torchinfo"]  # fmt: skip
    row = page.locator(".quantity:visible tr", has=page.locator("a:text-is('vit_b_16')"))
    cell = row.locator("td:visible").last
    assert cell.inner_text() == "1/101"
    box = cell.bounding_box()
    assert box["x"] + box["width"] <= 390
    page.get_by_role("combobox", name="Counter").select_option(label="all")
    assert heads.count() > 10


def test_of_what_is_long_the_first_lines_show_and_all_on_demand(page, zoo):
    page.goto(zoo.as_uri())
    cases, shown = page.locator("details.case"), page.locator("details.case:visible")
    every, last = cases.count(), cases.last.get_attribute("id")
    assert every > 100 and shown.count() == 20
    page.fill("[data-narrows]", last.removeprefix("case--"))
    assert page.locator(f"details[id='{last}']").is_visible()
    page.fill("[data-narrows]", "")
    page.get_by_label(f"all {every} cases").check()
    assert shown.count() == every
    page.goto("about:blank")
    page.goto(f"{zoo.as_uri()}#{last}")
    page.wait_for_timeout(300)
    assert shown.count() == 21
    table = page.locator(".long:has(table.causes)").first
    assert table.locator("tbody tr:visible").count() == 12
    table.get_by_label("rows").check()
    assert table.locator("tbody tr:visible").count() == table.locator("tbody tr").count() > 12


def test_a_column_is_sorted_by_its_numbers(page, zoo):
    page.goto(zoo.as_uri())
    head = page.locator(".quantity:visible table.heat thead th").nth(2)
    for direction, first in (("ascending", min), ("descending", max)):
        head.locator("button").click()
        assert head.get_attribute("aria-sort") == direction
        cells = page.locator(".quantity:visible table.heat tbody td:nth-child(3)")
        figures = [int(text.replace(",", "")) for text in cells.all_inner_texts() if text]
        assert figures[0] == first(figures)


def test_a_figure_leads_to_its_bridge_and_its_modules_unfold(shown):
    page = shown(page_of(small_run()))
    page.click("a[href='#why--compute--vit--thop--cpu_no_grad']")
    page.wait_for_timeout(200)
    article = page.locator("article[id='why--compute--vit--thop--cpu_no_grad']")
    words = article.inner_text()
    for amount in ("17,563,828,224", "\N{MINUS SIGN}6,277,573,632", "11,286,254,592"):
        assert amount in words
    assert "attention products not seen" in words
    assert (
        page.locator("article[id^='why--compute--vgg16']").count() == 0
    )  # nobody opened that case
    article.get_by_text("2 modules").click()
    page.wait_for_timeout(100)
    assert article.locator(".tree li").count() == 2


def test_a_link_to_a_figure_opens_it_in_a_fresh_tab(shown):
    place = anchor("why", "compute", "vit", "thop", "cpu no_grad")
    page = shown(page_of(small_run()), place)
    assert page.complaints == []
    assert page.locator(f"article[id='{place}']").is_visible()


def test_who_agrees_is_told_first(page, seeds):
    page.goto(f"{seeds.as_uri()}#case--vgg16")
    page.wait_for_timeout(300)
    table = page.locator("details[id='case--vgg16'] table").first
    assert "reference, torch" in table.inner_text()
    assert "15,470,264,320" in table.inner_text()


def test_exact_figures_and_parameters_on_demand(page, seeds):
    page.goto(seeds.as_uri())
    link = page.locator("a[href='#why--compute--vgg16--thop--cpu_no_grad_eval']").first
    assert link.inner_text() == "≈1"
    page.check("#exact")
    assert link.inner_text() == "15,470,314,496"
    page.check("input[name=quantity][value='1']")
    assert not link.is_visible()
    assert "138,357,544" in page.locator(".quantity:visible").inner_text()


def test_the_code_of_a_figure_is_copied(page, seeds):
    page.goto(f"{seeds.as_uri()}#why--compute--vgg16--thop--cpu_no_grad_eval")
    article = page.locator("article[id='why--compute--vgg16--thop--cpu_no_grad_eval']")
    if not article.locator(".code-of").count():
        pytest.skip("this run was stored without code")
    article.locator(".code-of summary").click()
    article.locator(".copy").click()
    page.wait_for_selector(".copy:has-text('Copied'), .copy:has-text('Selected')")
    assert "profile" in page.evaluate("getSelection().toString()")


def test_a_table_is_copied_with_its_head(page, seeds):
    page.goto(seeds.as_uri())
    page.evaluate("navigator.clipboard.writeText = text => { window.copied = text; }")
    table = page.locator("table:has(caption .copy)").first
    table.hover()
    table.locator(".copy").click()
    head, first, *_ = page.evaluate("window.copied").splitlines()
    assert head.split("\t") == table.locator("thead th").all_inner_texts()
    assert first.split("\t") == table.locator("tbody tr").first.locator("th, td").all_inner_texts()


def test_the_evidence_of_a_verdict_unfolds(page, pages):
    page.goto(pages["claims"].as_uri())
    row = page.locator(".claims tr.reproduced", has_text="gpt3-2.1/gpt3-small/params").first
    row.locator("summary").click()
    row.locator("table").wait_for()
    assert "What gives it" in row.inner_text() and page.complaints == []


# ---------------------------------------------------------------------------- loud, inert, readable


def test_what_is_not_explained_is_loud(shown):
    page = shown(page_of(loud_run()), anchor("why", "compute", "odd", "thop", "cpu no_grad"))
    row = page.locator("tr.loud", has_text="residual").first
    assert "+7" in row.inner_text()


def test_hostile_names_stay_text_when_a_case_is_unfolded(shown):
    for name in HOSTILE[:5]:
        page = shown(page_of(hostile_run()), anchor("case", name))
        assert page.complaints == []
        dom = page.content()
        assert "<img" not in dom and dom.count("<script") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(page, pages, name, scheme):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="pip install '.[browser]'"
    )
    page.emulate_media(color_scheme=scheme)
    place = "#case--vgg16" if name in ("torchvision", "seeds") else ""
    page.goto(f"{pages[name].as_uri()}{place}")
    page.wait_for_timeout(300)
    found = axe.Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:120]) for each in found] == []


@pytest.mark.parametrize("width", [390, 820, 1400, 2560])
@pytest.mark.parametrize("name", PAGES)
def test_only_tables_and_charts_scroll_sideways_and_no_text_is_overprinted(
    page, pages, name, width
):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(pages[name].as_uri())
    assert laid_out(page, width) == (0, [])


def test_the_keyboard_reaches_everything(page, seeds):
    """From the top: skip link, contents, search; a head sorts and a case opens on Enter."""
    page.goto(seeds.as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.locator(".quantity:visible table.heat thead button").nth(1).focus()
    page.keyboard.press("Enter")
    assert page.locator("th[aria-sort=ascending]").count() == 1
    page.locator("details[id='case--vgg16'] > summary").focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(300)
    assert page.locator("details[id='case--vgg16'] article").count() > 5


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


def test_the_zoo_fits_a_page_that_opens_at_once(page, shown):
    content = page_of(zoo_run())
    assert len(content) < 4_000_000
    own = OwnTime(page)
    shown(content)
    assert page.complaints == [] and own.seconds() < 2
    assert re.search(r"121 models", page.inner_text("h1 + p"))
