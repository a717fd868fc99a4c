"""The site in a real browser, opened from files with no network, as a reader uses it."""

from __future__ import annotations

import csv
import json
import os
import re
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any

import pytest

from flop_harness.errors import UserError
from flop_harness.records import Case, Input, Reference, Run, Suite
from flop_harness.report.site.build import files
from flop_harness.report.site.contents import Site
from flop_harness.report.site.sources import Results, results_in
from flop_harness.report.site.vendor import libraries
from pages import OwnTime, laid_out
from runs import explained
from test_page import BROWSER

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no browser is installed (apt install chromium)"),
]
ROOT = Path(__file__).parents[1]
PAGES = ("index.html", "model/vit_b_16.html#thop", "model/vgg16.html", "counter/thop.html", "table.html", "time.html",
         "convert.html#q=resnet50", "claims.html", "method.html")  # fmt: skip
A4 = 794
"""Pixels of a sheet's width"""
DOCS = tuple(f"docs/{page.stem}.html" for page in sorted((ROOT / "docs" / "pages").glob("*.md")))


def written(results: Results, folder: Path) -> Path:
    """A site of these results without sample code, with its libraries; skips where none can be had."""
    try:
        kept = libraries(ROOT / "build" / "libraries")
    except UserError as error:
        pytest.skip(str(error))
    for path, content in (
        *((f"assets/{name}", each) for name, each in kept.items()),
        *files(Site(results)),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """``FLOP_HARNESS_SITE`` names one that is built already."""
    known = os.environ.get("FLOP_HARNESS_SITE")
    if known:
        return Path(known)
    return written(results_in(ROOT / "results"), tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="pip install '.[browser]'")
    with api.sync_playwright() as started:
        running = started.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser) -> Iterator[Any]:
    """A tab without network that says nothing on its console."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_offline(True)
    tab = context.new_page()
    complaints: list[str] = []
    tab.on("console", lambda said: complaints.append(said.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.on(
        "request",
        lambda asked: asked.url.startswith(("file:", "data:")) or complaints.append(asked.url),
    )
    yield tab
    context.close()
    assert complaints == []


def opened(page, site: Path, path: str = "index.html") -> None:
    if path in DOCS and not (site / "docs").is_dir():
        pytest.skip("the site was built without its documentation: make site")
    page.goto(
        (site / path.partition("#")[0]).as_uri() + path.partition("#")[1] + path.partition("#")[2]
    )


def asked(page, words: str) -> None:
    """Two actions: words into the search box, and what is found first."""
    page.fill("#find", words)
    page.locator("#found a").first.click()


# ----------------------------------------------------------------- a reader's questions, from home


def test_who_agrees_on_vgg16(page, site):
    opened(page, site)
    asked(page, "VGG-16")
    page.wait_for_selector("h1:text-is('vgg16')")
    assert "15,470,264,320" in page.locator("tr.reference").first.inner_text()
    assert "torch" in page.locator("tr.reference").first.inner_text()


def test_why_thop_says_what_it_says_of_a_vision_transformer(page, site):
    opened(page, site)
    asked(page, "why does thop say that of ViT-B/16")
    why = page.locator("#why")
    why.locator("table").wait_for()
    assert "Why thop says 11,286,254,592 MAC" in why.inner_text()
    assert (
        "attention projection not seen" in why.inner_text() and "−5,577,375,744" in why.inner_text()
    )
    assert why.locator("td.axis u.down").count() >= 2 and why.locator(".icicle button").count()


def test_a_figure_of_ptflops_as_one_of_fvcore(page, site):
    opened(page, site)
    asked(page, "ptflops to fvcore ResNet-50")
    page.wait_for_selector("#converted table")
    assert "4,111,512,576 MAC" in page.locator("#converted").inner_text()
    assert "4,132,436,968" in page.locator("#converted").inner_text()


def test_an_example_shows_what_can_be_converted(page, site):
    """Each is answered, and what is shown first stands over what follows, on any width."""
    opened(page, site)
    page.click("nav >> text=Convert")
    examples = page.locator("#converted a").all_inner_texts()
    for line in examples:
        opened(page, site, "convert.html")
        page.click(f"#converted a:text-is('{line}')")
        page.wait_for_selector("#converted table")
        assert page.input_value("#asked") == line
        head, table = (
            page.locator(f"#converted {each}").first.bounding_box() for each in ("p.lead", "table")
        )
        assert head["y"] + head["height"] <= table["y"]
    assert len(examples) > 1


def test_how_a_figure_was_measured(page, site):
    opened(page, site)
    page.click("nav >> text=Method")
    assert "process of its own" in page.locator("#measured + p").inner_text()


def test_which_families_part_most(page, site):
    opened(page, site)
    row = page.locator("table.heat tr", has_text="vision transformer")
    assert "1/639" in row.inner_text()


def test_whether_counts_predict_time(page, site):
    opened(page, site)
    page.click(".doors >> text=Choose by speed")
    lead = page.locator(".lead:visible").inner_text()
    assert re.search(r"MACs predict this machine’s time within a factor of \d\.\d", lead)
    page.wait_for_selector("#scatter svg")


def test_what_is_said_of_times_follows_the_suite(page, site):
    opened(page, site, "time.html")
    page.wait_for_selector("#scatter svg")
    told = []
    for suite in page.locator("#suite option").all():
        before = page.locator("#scatter figcaption").element_handle()
        page.select_option("#suite", suite.get_attribute("value"))
        if told:
            page.wait_for_function("old => !old.isConnected", arg=before)
        assert page.locator("#series option").count() and page.locator("#counting option").count()
        told.append(page.locator("#leads").inner_text())
    assert len(told) > 1 and len(set(told)) == len(told)
    names = page.locator("#counting option").all_inner_texts()
    assert len(set(names)) == len(names)


def test_what_is_wrong_with_the_figure_of_a_readme(page, site):
    opened(page, site)
    asked(page, "torchinfo README resnet50 error")
    page.wait_for_selector("tr:target")
    assert "resnet152" in page.locator("tr:target").inner_text()


def test_a_count_of_claims_shows_those_alone(page, site):
    page.goto((site / "claims.html").as_uri())
    groups = page.locator("details.fold:visible")
    every = groups.count()
    assert every > 2
    page.get_by_role("link", name=re.compile("^Reproduced:")).click()
    assert groups.count() == 1 and "Reproduced:" in groups.inner_text()
    page.get_by_role("searchbox", name="Claims").fill("resnet50")  # words are looked for in all
    assert groups.count() == every
    shown = page.locator(".audit tbody tr:not([hidden])").count()
    told = page.locator("details.fold .found").all_inner_texts()
    assert sum(int(count.replace(",", "")) for count in told) == shown
    assert page.locator("#told").inner_text().startswith(f"{shown:,} of ")
    page.get_by_role("searchbox", name="Claims").fill("")
    page.get_by_role("link", name=re.compile("^All")).click()
    assert groups.count() == every


def test_the_words_of_a_search_among_claims_stand_in_the_address(page, site):
    opened(page, site, "claims.html")
    page.get_by_role("searchbox", name="Claims").fill("vgg16 thop")
    page.wait_for_function("document.getElementById('told').textContent")
    told, address = page.locator("#told").inner_text(), page.url
    assert address.endswith("#q=vgg16+thop")
    opened(page, site)
    page.goto(address)
    assert page.get_by_role("searchbox", name="Claims").input_value() == "vgg16 thop"
    assert page.locator("#told").inner_text() == told


def test_what_thop_changed_in_2019(page, site):
    opened(page, site)
    asked(page, "thop 2019")
    page.wait_for_selector(".drift svg")
    assert page.url.endswith("#releases")
    days = page.locator(".releases tr", has_text="2019-").all_inner_texts()
    assert any("no longer charges ReLU" in day for day in days)


def test_a_table_of_five_models_as_latex(page, site):
    opened(page, site)
    asked(page, "alexnet, vgg16, resnet50, swin_t, vit_b_16")
    page.wait_for_selector(".tabulator-row")
    assert page.locator("#export").is_hidden()  # nothing opens unasked
    page.click("#latex")
    text = page.locator("#export code")
    text.wait_for()
    body = text.inner_text()
    assert (
        body.count(r" \\") == 6
        and r"vit\_b\_16" in body
        and r"\caption{" in body
        and "thop" in body
        and body.startswith(r"% \usepackage{booktabs,graphicx}")
    )
    heads = re.findall(r"\\rotatebox\{90\}\{(.*?)\}", body)
    assert heads[:2] == ["M parameters", "reference GMAC"]
    assert 2 < len(heads[2:]) < 7  # counters that a page has room for
    assert "86.57 & 17.56 &" in body  # 86,567,656 parameters, 17,563,828,224 MAC
    assert "Suites: torchvision 1 " in body and "timm" not in body  # of those in it alone
    typed = ["alexnet", "vgg16", "resnet50", "swin_t", "vit_b_16"]
    assert page.locator(".tabulator-row .tabulator-cell:first-child").all_inner_texts() == typed
    row, seen = (
        page.locator(f".tabulator-{each}").last.bounding_box() for each in ("row", "tableholder")
    )
    assert row["y"] + row["height"] <= seen["y"] + seen["height"]
    page.click("#latex")
    assert page.locator("#export").is_hidden()


def test_what_one_sees_is_taken_away_as_csv(page, site):
    opened(page, site, "table.html#models=vgg16,alexnet&figures=exact")
    page.wait_for_selector(".tabulator-row")
    with page.expect_download() as download:
        page.click("#csv")
    caption, *lines = download.value.path().read_text().splitlines()
    assert caption.startswith("# Compute of 2 models by ") and "thop 0.1" in caption
    rows = list(csv.DictReader(lines))
    assert {row["model"]: row["thop"] for row in rows} == {
        "alexnet": "714206912",
        "vgg16": "15470314496",
    }
    assert {row["input"] for row in rows} == {"1×3×224×224"}


def test_chosen_counters_stand_in_the_address_and_are_taken_away_alone(page, site):
    opened(page, site, "table.html#models=vit_b_16,vgg16")
    page.wait_for_selector(".tabulator-row")
    page.click(".choice button")
    for name in ("thop", "torchinfo"):
        page.get_by_role("checkbox", name=name, exact=True).check()
    page.keyboard.press("Escape")
    assert page.locator("#chosen").is_hidden()
    address = page.url
    opened(page, site)
    page.goto(address)
    page.wait_for_selector(".tabulator-row")
    heads = page.locator(".tabulator-col:visible .tabulator-col-title").all_inner_texts()
    assert heads == ["Model", "GMAC", "thop", "torchinfo", "M parameters", "Input", "Suite"]
    page.click("#latex")
    text = page.locator("#export code").inner_text()
    heads = re.findall(r"\\rotatebox\{90\}\{(.*?)\}", text)
    assert heads == ["M parameters", "reference GMAC", "thop", "torchinfo"]
    with page.expect_download() as download:
        page.click("#csv")
    caption, *lines = download.value.path().read_text().splitlines()
    assert "thop 0.1" in caption and "fvcore" not in caption
    (row,) = [row for row in csv.DictReader(lines) if row["model"] == "vit_b_16"]
    assert list(row)[4:] == ["thop", "torchinfo"]
    assert float(row["torchinfo"]) == pytest.approx(173_232_616 / 17_563_828_224)
    shown = page.locator(".tabulator-row", has_text="vit_b_16").inner_text()
    assert (
        "1/101" in shown and "1/101" in text
    )  # as on the first page; in numbers for a spreadsheet


@pytest.mark.parametrize("figure", ["4.09 GMACs", "4.1 GFLOPs"])
def test_a_figure_finds_its_models_and_its_claims_and_no_words(page, site, figure):
    """Whoever writes 4.1 GFLOPs of ResNet-50 means MACs; a claim that holds a 4 and a 1 is no answer."""
    opened(page, site)
    page.fill("#find", figure)
    page.wait_for_selector("#found li")
    (first, name), *others = found(page)
    assert first == "figure" and "resnet50" in name
    assert {kind for kind, _ in others} == {"figure", "claim"}
    claims = [title for kind, title in others if kind == "claim"]
    assert all(re.search(r"\b4[.,][01]\d*", title) for title in claims)


def found(page) -> list[tuple[str, str]]:
    """(kind, title) of what the search box shows."""
    page.wait_for_selector("#found li a")
    lines = page.locator("#found li a").all()
    return [(line.locator(".kind").inner_text(), line.inner_text()) for line in lines]


def test_a_model_and_a_figure_find_the_model_and_its_figures_and_claims(page, site):
    opened(page, site)
    page.fill("#find", "resnet50 4.1 GFLOPs")
    (first, name), *others = found(page)
    assert (first, name.split()[0]) == ("model", "resnet50")
    figures = [title for kind, title in others if kind == "figure"]
    assert figures[0].startswith("resnet50") and all("resnet50" in title for title in figures)
    claims = [title for kind, title in others if kind == "claim"]
    assert claims and all(
        "resnet50" in title and re.search(r"\b4[.,]\d", title) for title in claims
    )


def test_a_slip_of_the_pen_finds_what_is_near_and_nothing_else(page, site):
    opened(page, site)
    page.fill("#find", "vggg16")
    told = [title for kind, title in found(page) if kind in ("model", "claim")]
    assert told[0].startswith("vgg16") and all("vgg16" in title.lower() for title in told)


@pytest.mark.parametrize(
    "words, kind, title",
    [
        ("15.5 GFLOPs", "claim", "vgg16 15.5 GMACs"),
        ("how was it measured", "page", "How a figure is measured"),
        ("quantised resnet50", "model", "quantized_resnet50"),
        ("readme resnet101 calflops", "claim", "resnet101 15,690,900,000 FLOPs: error"),
        ("attention", "family", "vision transformer"),
    ],
)
def test_what_is_meant_stands_first_of_its_kind(page, site, words, kind, title):
    opened(page, site)
    page.fill("#find", words)
    answers = found(page)
    of_kind = [told for each, told in answers if each == kind]
    assert any(told.startswith(title) for told in of_kind[:3])
    kinds = [each for each, _ in answers]
    assert "network" not in kinds or kinds.index("network") > kinds.index(kind)


@pytest.mark.parametrize(
    "words, told",
    [("yolov5", "Nothing is called so."), ("777 TFLOPs", "No figure near 777 TFLOPs.")],
)
def test_digits_alone_find_no_words(page, site, words, told):
    opened(page, site)
    page.fill("#find", words)
    page.locator("#found .soft").wait_for()
    assert page.locator("#found").inner_text() == told


@pytest.mark.parametrize(
    "line, told, command",
    [
        (
            "ptflops to fvcore resnet50",
            "4,111,512,576 MAC by fvcore",
            "--from ptflops-pytorch --to fvcore",
        ),
        (
            "resnet50 ptflops fvcore",
            "4,111,512,576 MAC by fvcore",
            "--from ptflops-pytorch --to fvcore",
        ),
        ("resnet50 llama", "Not understood: llama.", "flop-harness convert"),
        (
            "5 GFLOPs thop resnet50",
            "is 4,133,742,592 MAC by thop, not 5 GFLOPs",
            "flop-harness convert",
        ),
        ("1.82 GMac resnet18", "may also be of", "--model resnet18"),
        (
            "1.82 GMac reference resnet18",
            "1,814,073,344 MAC of resnet18: 1.82 GMac, rounded up.",
            "--from reference",
        ),
    ],
)
def test_words_are_understood_in_any_order_and_what_is_not_is_named(
    page, site, line, told, command
):
    opened(page, site, "convert.html#q=4.13 GFLOPs ptflops resnet50")
    page.wait_for_selector("#converted table")
    page.fill("#asked", line)
    page.locator(f"#converted[data-answers={line!r}]").wait_for()
    assert told in page.locator("#converted").inner_text()
    said = page.locator("#command").inner_text()
    assert command in said and (command != "flop-harness convert" or said == command)


def test_a_figure_of_no_named_tool_is_of_those_that_it_is_nearest_to(page, site):
    """The reference of ResNet-18, 1,814,073,344 MAC, is 1.81 G: 1.82 would be rounded up."""
    opened(page, site, "convert.html#q=1.82 GMac resnet18")
    page.wait_for_selector("#converted table")
    told = page.locator("#converted > p").all_inner_texts()
    assert "torchscan" in " ".join(told) and "reference" not in " ".join(told)


LINES = """all => all.map(each => {
    const range = new Range();
    range.selectNodeContents(each);
    return new Set([...range.getClientRects()].map(box => box.top)).size; })"""
"""On how many lines the text of each element stands"""


@pytest.mark.parametrize("asked", ["resnet50", "4.13 GFLOPs ptflops resnet50 to fvcore"])
def test_the_tables_of_convert_fit_a_telephone_and_break_no_number(page, site, asked):
    page.set_viewport_size({"width": 390, "height": 900})
    opened(page, site, f"convert.html#q={asked}")
    page.wait_for_selector("#converted table")
    assert set(page.locator("#converted td.num").evaluate_all(LINES)) == {1}
    wide = "all => all.filter(each => each.scrollWidth > each.clientWidth).length"
    assert page.locator("#converted .scroll").evaluate_all(wide) == 0


def test_five_models_as_latex_in_two_actions(page, site):
    opened(page, site)
    page.fill("#find", "alexnet, vgg16, resnet50, swin_t, vit_b_16")
    page.click("#found a:has-text('LaTeX of these 5')")
    text = page.locator("#export code")
    text.wait_for()
    assert text.inner_text().count(r" \\") == 6


def test_each_way_of_counting_is_held_against_the_figure_that_is_asked(page, site):
    opened(page, site, "convert.html#q=4.13 GFLOPs ptflops resnet50")
    page.wait_for_selector("#converted table")
    source = int(re.search(r"says ([\d,]+) MAC", page.locator("#converted").inner_text())[1].replace(",", ""))  # fmt: skip
    rows = [row.split("\t") for row in page.locator("#converted tbody tr").all_inner_texts()]
    assert "padding" not in {name for name, *_ in rows}
    for name, figure, unit, against in rows:
        share = 100 * (int(figure.replace(",", "")) / {"MAC": 1, "FLOP": 2}[unit] / source - 1)
        told = 0.0 if against == "=" else float(re.sub("[,% ]", "", against).replace("−", "-"))
        assert told == pytest.approx(share, rel=0.005), name
    assert len(rows) > 10


def test_of_two_contexts_the_documented_one_is_named(page, site):
    opened(page, site, "convert.html#q=thop vit_b_16 to fvcore")
    page.wait_for_selector("#converted table")
    told = page.locator("#converted").inner_text()
    ways = re.findall(r"by fvcore \((.*?)\)", told)
    assert len(ways) > 1 and sum("as documented" in way for way in ways) == 1


def test_other_contexts_unfold(page, site):
    opened(page, site, "model/vit_b_16.html")
    others = page.locator(".strip").first.locator("tr.elsewhere")
    assert others.count() > 2 and not any(row.is_visible() for row in others.all())
    page.locator(".every input").first.check()
    assert all(row.is_visible() for row in others.all())
    link = others.first.locator("a.who").first.get_attribute("href")
    opened(page, site)
    opened(page, site, f"model/vit_b_16.html{link}")
    page.wait_for_selector("tr.elsewhere.chosen")
    assert sum(row.is_visible() for row in others.all()) == 1


def test_pages_stand_before_claims_in_the_search(page, site):
    opened(page, site)
    page.fill("#find", "thop")
    page.wait_for_selector("#found li")
    kinds = page.locator("#found .kind").all_inner_texts()
    assert kinds[0] == "counter" and "releases" in kinds and kinds.count("claim") <= 5
    assert "claim" not in kinds[: kinds.index("releases")]


def test_the_search_box_is_used_by_keys(page, site):
    opened(page, site)
    page.focus("#find")
    page.keyboard.type("vgg16")
    page.wait_for_selector("#found a")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.closest('#found') !== null")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:text-is('vgg16')")


def test_the_address_keeps_what_a_table_shows(page, site):
    opened(page, site, "table.html")
    page.wait_for_selector(".tabulator-row")
    page.fill("#filter", "vgg")
    page.select_option("#figures", "exact")
    address = page.url
    opened(page, site)
    page.goto(address)
    page.wait_for_selector(".tabulator-row:has-text('vgg16')")
    assert page.input_value("#filter") == "vgg" and page.input_value("#figures") == "exact"
    assert "15,470,314,496" in page.locator(".tabulator-row", has_text="vgg16").first.inner_text()


def test_a_module_becomes_the_whole_and_gives_way_again(page, site):
    opened(page, site, "model/vit_b_16.html#thop")
    bars = page.locator("#why .icicle button")
    bars.first.wait_for()
    whole, part = bars.all_inner_texts()[:2]
    bars.nth(1).focus()
    page.keyboard.press("Enter")
    assert bars.first.inner_text() == f"‹ {part}"
    assert page.evaluate("document.activeElement.innerText") == f"‹ {part}"
    page.keyboard.press("Enter")
    assert bars.first.inner_text() == whole


def test_the_counter_that_is_farthest_is_explained_unasked(page, site):
    opened(page, site, "model/vit_b_16.html")
    page.locator("#why table").wait_for()
    assert "Why flopth says" in page.locator("#why").inner_text()
    assert page.evaluate("scrollY") == 0


@pytest.mark.parametrize("path", ["model/vgg16.html#thop", "model/vit_b_16.html#thop"])
def test_the_axis_of_terms_holds_its_labels_and_is_filled_by_its_bars(page, site, path):
    """No label is cut at the right; the longest distance of any counter takes the whole width."""
    page.set_viewport_size({"width": 1400, "height": 900})
    opened(page, site, path)
    page.locator("#why table").wait_for()
    over = page.evaluate("""() => {
        const right = each => each.getBoundingClientRect().right, head = document.querySelector('#why th.axis');
        return Math.max(...[...head.children].map(right)) - right(head); }""")
    assert over <= 0
    name = path.partition("#")[0].removesuffix(".html")
    model = json.loads((site / f"data/{name}.js").read_text().partition(",")[2].strip().removesuffix(")"))  # fmt: skip
    levels = [0, *(level for each in model["answers"] if each["metric"] == "compute"
                   for level in accumulate(step["macs"] for step in each["steps"]))]  # fmt: skip
    zero = float(page.evaluate("document.querySelector('#why td.axis i.one').style.left").rstrip("%"))  # fmt: skip
    assert zero == pytest.approx(-100 * min(levels) / (max(levels) - min(levels)), abs=0.01)


def test_times_of_two_suites_are_told_apart_on_a_telephone(page, site):
    """Both were timed with one thread: without the suite the rows would contradict each other."""
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, site, "model/vgg16.html")
    suites = [
        part.locator("th").all_inner_texts() for part in page.locator("table.times tbody").all()
    ]
    heads, settings = zip(*((head, rows) for head, *rows in suites), strict=True)
    assert len(set(heads)) == len(heads) > 1 and all(head.startswith("Suite ") for head in heads)
    assert all(len(set(rows)) == len(rows) > 0 for rows in settings)
    every = [row for rows in settings for row in rows]
    assert len(set(every)) < len(every)


def test_parameters_of_a_figure_are_many(page, site):
    opened(page, site)
    page.fill("#find", "138357544 parameters")
    assert any("138,357,544 parameters" in title for _, title in found(page))


def test_a_table_is_printed_whole_and_on_light_paper(page, site):
    page.emulate_media(media="print", color_scheme="dark")
    opened(page, site, "table.html")
    page.wait_for_selector(".tabulator-row")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    models = int(page.locator("#count").inner_text().split(" of ")[0])
    assert page.locator(".tabulator-print-table tbody tr").count() == models
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(252, 252, 250)"


@pytest.mark.parametrize("path", PAGES)
def test_words_of_the_glossary_lead_to_their_meaning(page, site, path):
    opened(page, site, path)
    page.wait_for_timeout(300)
    for word in page.locator("main a.word").all():
        assert word.get_attribute("title")
        name = word.get_attribute("href").partition("#")[2]
        assert f'id="{name}"' in (site / "method.html").read_text()


def test_documentation_and_results_lead_to_one_another(page, site):
    if not (site / "docs").is_dir():
        pytest.skip("the site was built without its documentation: make site")
    opened(page, site, "counter/thop.html")
    page.click(".parts >> text=Its rules")
    page.wait_for_selector("h2#thop")
    page.click("text=What it says of every model >> nth=0")
    page.wait_for_selector("h1:text-is('thop')")
    opened(page, site)
    asked(page, "how to read a bridge")
    assert "/docs/" in page.url


def test_the_documentation_is_searched_from_a_file(page, site):
    opened(page, site, "docs/index.html")
    page.locator("input.md-search__input").fill("residual")
    page.locator(".md-search-result__link").first.wait_for()


def test_code_of_the_documentation_is_copied(page, site):
    opened(page, site, "docs/bridges.html")
    page.locator(".copy").first.click()
    page.wait_for_selector(".copy:has-text('Copied'), .copy:has-text('Selected')")
    assert page.evaluate("getSelection().toString()").strip().startswith("reference + term")


# ----------------------------------------------------------------------- for everyone, at any width


def test_the_first_screen_has_the_search_and_the_begin_of_the_map(page, site):
    page.set_viewport_size({"width": 1280, "height": 900})
    opened(page, site)
    lead, search, row = (
        page.locator(each).first.bounding_box()
        for each in (".lead", "#find", ".heat tbody tr:nth-child(2)")
    )
    assert lead["y"] < search["y"] < row["y"] < 900 - row["height"]


def test_examples_below_the_search_are_answered(page, site):
    opened(page, site)
    links = page.locator(".find + .note a")
    assert links.count() == 3
    for link in links.all():
        target = link.get_attribute("href").partition("#")[0]
        assert (site / target).exists(), target
    page.goto((site / "index.html").as_uri())
    links.last.click()
    page.locator("#converted table").wait_for()


def test_keys_lead_past_the_map_of_families(page, site):
    """It has hundreds of links; what follows it is two keys away."""
    opened(page, site)
    page.locator(".past").focus()
    assert page.locator(".past").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#how-far, #counters ~ *') !== null")


def test_a_bar_of_a_module_shows_its_name_where_it_has_room(page, site):
    """The key stands above the bars; a name of which one letter would fit is left to the tooltip."""
    opened(page, site, "model/vit_b_16.html#thop")
    page.locator("#why .icicle button").first.wait_for()
    key, bars = (page.locator(f"#why {each}").bounding_box() for each in ("figcaption", ".icicle"))
    assert key["y"] + key["height"] <= bars["y"]
    shown = page.locator("#why .icicle button").evaluate_all(
        "all => all.map(each => [each.clientWidth, parseFloat(getComputedStyle(each).textIndent) >= 0])"
    )
    assert {seen for width, seen in shown if width < 30} == {False}
    assert {seen for width, seen in shown if width > 60} == {True}


def test_a_bridge_from_macs_to_flops_names_both_units(page, site):
    """torch counts FLOPs: its terms begin at MAC, and the doubling is one of them."""
    opened(page, site, "model/vit_b_16.html#torch")
    rows = page.locator("#why .terms tbody th")
    rows.first.wait_for()
    texts = rows.all_inner_texts()
    assert texts[0].split() == ["reference", "in", "MAC"] and "2 FLOPs per MAC" in texts[1]
    assert texts[-1].split() == ["reading", "in", "FLOP"]
    assert page.locator("#why .terms thead th").all_inner_texts()[1] == "Amount"


@pytest.mark.parametrize("path", (*PAGES, "convert.html#q=4.13 GFLOPs ptflops resnet50"))
def test_no_value_of_a_script_stands_where_words_should(page, site, path):
    opened(page, site, path)
    page.wait_for_timeout(800)
    told = page.locator("main").inner_text()
    assert re.findall(r"(?m)^(?:false|null|NaN)$|\bundefined\b|\[object", told) == []


@pytest.mark.parametrize("path", PAGES + DOCS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page, site, path, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page.emulate_media(color_scheme=scheme)
    opened(page, site, path)
    page.wait_for_timeout(800)
    found = axe.run(page, options={"preload": False}).response["violations"]
    told = [(each["id"], [node["html"][:120] for node in each["nodes"][:3]]) for each in found]
    assert told == []


SHEETS = [*(("screen", each) for each in (390, 820, 1400, 2560)), ("print", A4)]


@pytest.mark.parametrize("path", PAGES + DOCS)
@pytest.mark.parametrize("media, width", SHEETS)
def test_no_page_is_wider_than_its_window_and_no_text_is_overprinted(
    page, site, path, media, width
):
    page.emulate_media(media=media)
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, site, path)
    page.wait_for_timeout(500)
    assert laid_out(page, width) == (0, [])


def test_an_overprinted_text_would_be_seen(page):
    page.set_content("<main><p>one</p><p style='margin-top:-2em'>two</p></main>")
    assert laid_out(page, 1280) == (0, ["one | two"])


# ------------------------------------------------------------------------------------------ scale


def large(models: int, counters: int) -> Run:
    """A suite of many models and counters, each figure led to by four terms."""
    cases = tuple(
        Case(f"model_{n:04}", f"timm:model_{n:04}", (Input((1, 3, 224, 224)),))
        for n in range(models)
    )
    terms = {f"term {n}": n + 1 for n in range(4)}
    pairs = [explained(case.id, f"counter-{n:02}", 10**9 + place, terms)
             for place, case in enumerate(cases) for n in range(counters)]  # fmt: skip
    references = tuple(Reference(case.id, f"timm.models.kind{place % 25}.Net", {"convolution": 10**9 + place}, {}, "1x3x224x224")
                       for place, case in enumerate(cases))  # fmt: skip
    return Run(1, Suite("large", 1, "Made by hand", cases), {}, tuple(r for r, _ in pairs),
               tuple(b for _, b in pairs), references=references)  # fmt: skip


FRAMES = 180
SCROLLED = """frames => new Promise(done => {
    const holder = document.querySelector('.tabulator-tableholder');
    const step = () => {
        holder.scrollTop += 60;
        frames-- ? requestAnimationFrame(step) : done();
    };
    step(); })"""
"""Two rows a frame"""


def busy(page: Any) -> float:
    """Milliseconds of the page's thread for each frame while its table is scrolled."""
    own = OwnTime(page)
    page.evaluate(SCROLLED, FRAMES)
    return 1e3 * own.seconds() / FRAMES


def test_three_thousand_models_and_twenty_counters(page, tmp_path):
    run = large(3000, 20)
    started = time.process_time()
    site = written(Results({Path("results/large"): run}), tmp_path)
    assert time.process_time() - started < 180
    loaded = ["index.html", "assets/site.css", "assets/site.js", "assets/minisearch.js"]
    assert sum((site / path).stat().st_size for path in loaded) < 1_000_000
    own = OwnTime(page)
    opened(page, site)
    assert own.seconds() < 1
    page.goto((site / "model/model_1234.html").as_uri())
    click = """() => new Promise(done => {
        const started = performance.now();
        new MutationObserver(() => document.querySelector('#why tbody') && done(performance.now() - started))
            .observe(document.getElementById('why'), {childList: true, subtree: true});
        document.querySelector('a.who[href]').click(); })"""
    assert page.evaluate(click) < 200
    opened(page, site, "table.html")
    page.wait_for_selector(".tabulator-row")
    assert "3000 of 3000" in page.locator("#count").inner_text()
    assert page.locator(".tabulator-row").count() < 200
    assert busy(page) < 1000 / 60
