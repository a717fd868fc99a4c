"""The page that converts figures, in a browser, against the command: one answer to one question."""

from __future__ import annotations

import sys
from itertools import product

import pytest

from flop_harness.ask.convert import Conversion, case_of, convert
from flop_harness.ask.ways import Rules, resolve
from flop_harness.errors import UserError
from flop_harness.report.words.text import group, human, signed
from test_site_browser import browser, opened, page, pytestmark, site  # noqa: F401

NOT_SEEN = " not seen"
"""What the page adds to a term of the reference that a counter has not"""
MODELS = ("alexnet", "mobilenet_v2", "vit_b_16")
SOURCES = ("reference", "thop", "ptflops", "torch", "fvcore")
TARGETS = ("macs", "flops", "torchinfo", "thop", "torch", "calflops")


@pytest.fixture(scope="module", autouse=True)
def rules():
    """Each model is traced once for all questions."""
    module, known = sys.modules["flop_harness.ask.convert"], {}

    def kept(case, folder=""):
        if case.model not in known:
            known[case.model] = Rules(case, folder)
        return known[case.model]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "Rules", kept)
        yield kept


def written(total: int, unit: str) -> list[str]:
    """A figure as people write it: whole, rounded, called by the other unit, and one that is wrong."""
    short = human(total, unit)
    other = "FLOPs" if unit == "MAC" else "MACs"
    return [f"{total:,}", f"{short}s", f"{human(total).replace(' ', '')}", f"{human(total)}{other}",
            f"{short.split()[0]}", human(total * 1.31, unit)]  # fmt: skip


def by_command(text: str, source: str, model: str, target: str) -> list[Conversion]:
    """What the command says; nothing where it refuses."""
    case, folder = case_of(model, [])
    try:
        return convert(text, case, source, target, folder)
    except UserError:
        return []


@pytest.mark.parametrize("model", MODELS)
def test_the_page_answers_as_the_command_does(page, site, rules, model):  # noqa: F811
    opened(page, site, "convert.html")
    questions = 0
    for place, source in enumerate(SOURCES):
        first = next(iter(rules(*case_of(model, [])).amounts(resolve(source)[0])))
        for text, target in product(written(first.total, first.unit), TARGETS[place % 2 :: 2]):
            question = f"{text} {source} {model} to {target}"
            page.fill("#asked", question)
            page.locator(f"#converted[data-answers={question!r}]").wait_for()
            told = page.locator("#converted strong").all_inner_texts()
            expected = by_command(text, source, model, target)
            said = [f"{group(each.target.total)} {each.target.unit}" for each in expected]
            further = set(told) - set(said)  # of contexts that were run beyond those of the tool
            assert told[: len(said)] == said and (said or not further), question
            if expected and page.locator("#converted table").count():
                rows = page.locator("#converted table").first.locator("tr").all_inner_texts()
                terms = {tuple(row.replace(NOT_SEEN, "").split("\t")) for row in rows[2:-1]}
                assert terms == {
                    (step.term, signed(step.amount)) for step in expected[0].bridge.steps
                }, question
            questions += 1
    assert questions == 6 * 15
