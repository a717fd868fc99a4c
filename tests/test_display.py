"""In a notebook suites, accounts, bridges and results show themselves."""

from __future__ import annotations

import subprocess
import sys
from html.parser import HTMLParser

import pytest

from flop_harness.api import Results
from flop_harness.errors import UserError
from flop_harness.records.account import Account
from flop_harness.report.analysis import index
from flop_harness.report.formats import display, notebook
from flop_harness.report.tables import deviations
from flop_harness.suite.files import load
from runs import HOSTILE, hostile_run, small_run


class Formatter:
    """What IPython's HTML formatter is asked."""

    def __init__(self) -> None:
        self.known: dict = {}

    def for_type_by_name(self, module: str, name: str, function) -> None:
        self.known[module, name] = function

    def show(self, value: object) -> str:
        return self.known[type(value).__module__, type(value).__name__](value)


class Shell:
    def __init__(self) -> None:
        self.formatter = Formatter()
        self.display_formatter = type("D", (), {"formatters": {"text/html": self.formatter}})


@pytest.fixture
def shown():
    shell = Shell()
    display.register(shell)
    return shell.formatter.show


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)


def test_a_suite_shows_its_cases(shown):
    html = shown(load("seeds"))
    assert "vgg16" in html and "torchvision:vgg16" in html


def test_an_account_shows_its_terms_and_modules(shown):
    html = shown(Account.of([("a", "linear", 300), ("b", "linear", 100), ("b", "bias", 600)]))
    for told in ("linear", "400", "40.0 %", "600", "700", "1,000"):
        assert told in html


def test_a_bridge_shows_a_waterfall_its_terms_and_sentences(shown):
    bridge = Results(small_run()).bridge("vgg16", "ptflops-pytorch")
    html = shown(bridge)
    assert "<svg" in html and "+12,294,122" in html and "ptflops-pytorch charges" in html


def test_results_show_the_headline_and_a_row_for_each_case(shown):
    run = small_run()
    html = Results(run)._repr_html_()
    assert shown(run) == html
    assert "differ by a factor" in html and "15.5 G" in html and "<svg" in html


def test_a_figure_without_a_bridge_is_refused():
    with pytest.raises(UserError, match="no figure"):
        Results(small_run()).bridge("vit", "ptflops-pytorch")


def test_names_stay_text():
    run = hostile_run()
    shown = notebook.of_bridge(run.bridges[0]) + notebook.grid(
        deviations.compact_table(index.Index(run))
    )
    assert not {"script", "img"} & set(Tags(shown).found)
    assert HOSTILE[0] not in shown


def test_long_tables_are_cut_and_say_so():
    account = Account.of((f"layer{n}", "linear", n + 1) for n in range(notebook.ROWS + 5))
    assert "6 more rows." in notebook.of_account(account)


def test_the_import_asks_nothing_of_ipython_where_there_is_none():
    code = "import sys; import flop_harness; sys.exit('flop_harness.report.formats.display' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_import_in_a_notebook_tells_ipython():
    code = (
        "import sys, types; made = []\n"
        "html = types.SimpleNamespace(for_type_by_name=lambda *a: made.append(a[:2]))\n"
        "shell = types.SimpleNamespace(display_formatter="
        "types.SimpleNamespace(formatters={'text/html': html}))\n"
        "sys.modules['IPython'] = types.SimpleNamespace(get_ipython=lambda: shell)\n"
        "import flop_harness; sys.exit(('flop_harness.records.run', 'Bridge') not in made)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
