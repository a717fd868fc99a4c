"""Names and messages that try to be more than text are text in every form in which they are shown."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from flop_harness.cli.app import fail
from flop_harness.cli.progress import ProgressBar
from flop_harness.reconcile.changes import compare
from flop_harness.records import Context, Failure, Run
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.verdict import verdict_lines
from flop_harness.report.documents.files import RUN
from flop_harness.report.documents.json_documents import comparison
from flop_harness.report.formats.junit import junit
from flop_harness.report.formats.notebook import of_run
from flop_harness.report.formats.step_summary import step_summary
from flop_harness.report.formats.terminal.case import case_table
from flop_harness.report.formats.terminal.suite import suite_table
from flop_harness.run.plan import Cell, Result
from runs import a_reading, a_run, a_suite, explained

TEXTS = {
    "markup": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "attribute": "\"'><svg onload=alert(1)> ]]> -->",
    "formula": "=cmd|' /C calc'!A0",
    "formula at": "@SUM(1+1)*cmd|' /C calc'!A0",
    "formula plus": "+1+1",
    "formula tab": "\t=1+1",
    "latex": r"\input{/etc/passwd} $x_1$ & 100 % # ~ ^ { }",
    "markdown": "[link](javascript:alert(1)) ![x](http://x.test/y) | `code` **b** | <b>",
    "lines": "one\ntwo\r\nthree\u2028four\x85five\x0bsix",
    "nul": "before\x00after",
    "escape": "[bold red]rich[/] \x1b[31mred \x1b]0;title\x07",
    "bidi": "a\u202egnp.exe\u2066b\u200fc\u061c",
    "surrogate": "a\udc80b\ud800",
    "long": "x" * 10_000,
    "long words": "word and <b> " * 800,
    "path": "../../etc/passwd",
    "template": "{{ 7*7 }} {% raw %} ${7*7}",
    "empty": " ",
}
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Signs that steer a terminal, break a line or turn the direction of what follows"""


def run_of(text: str) -> Run:
    """A run in which everything that has a name is called so."""
    other = a_reading(text, "thop", None, status="failed", message=text, output=text)
    return a_run(
        [explained(text, text, 100, {text: 5, "bias": 2}, label=text, figure=text)], (other,),
        suite=a_suite(text, name=text), environment={text: text, "torch": text},
        failures=(Failure(text, text, text),), unsupported={text: {text: 2}}, looks={text: (text,)},
    )  # fmt: skip


def shown(table: object) -> str:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=120)
    console.print(table, crop=False)
    return console.file.getvalue()  # type: ignore[attr-defined]


def progress_lines(run: Run) -> str:
    lines: list[str] = []
    (case,), (reading, *_) = run.suite.cases, run.readings
    bar = ProgressBar(run.suite.name)
    bar.line = lambda text: lines.append(text)  # type: ignore[method-assign]
    failed = Result(failure=run.failures[0])
    bar.begin(2, 1)
    bar.finished(Cell(case.id, reading.counter, Context()), failed)
    bar.finished(Cell(case.id, reading.counter, Context()), Result((run.readings[-1],)))
    return "\n".join(lines)


FORMS: dict[str, Callable[[Run], str]] = {
    **{name: lambda run, name=name: RUN[name](run).decode() for name in RUN
       if not name.endswith(".pdf")},
    "terminal": lambda run: shown(suite_table(run)),
    "terminal, one case": lambda run: shown(case_table(run, run.suite.cases[0].id)),
    "terminal, verdict": lambda run: "\n".join(verdict_lines(run)),
    "notebook": of_run,
    "step summary": step_summary,
    "junit": lambda run: junit(compare(a_run([]), run)).decode(),
    "json": lambda run: json.dumps(comparison(run), indent=2),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", TEXTS)
def test_no_sign_that_cannot_be_seen_gets_through(form, kind, record_property):
    made = FORMS[form](run_of(TEXTS[kind]))
    assert not UNSEEN.search(made), UNSEEN.search(made)
    record_property("hostile names and messages: inert in a form", 1)


class Tags(HTMLParser):
    """The elements of a page that can run or load something, and what their attributes run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attributes):
        if tag in ("img", "iframe", "object", "b") or any(
            name.startswith("on") or (value or "").lower().lstrip().startswith("javascript:")
            for name, value in attributes
        ):
            self.found.append(tag)

    def handle_data(self, data):
        if self.cdata_elem == "script" and data.lstrip().startswith("alert"):
            self.found.append("script")


MARKED = [name for name in FORMS if name.endswith((".html", ".svg")) or name == "notebook"]


@pytest.mark.parametrize("form", MARKED)
@pytest.mark.parametrize("kind", TEXTS)
def test_markup_is_text_on_a_page(form, kind):
    """A page that names nothing has the same elements."""
    found, usual = Tags(), Tags()
    found.feed(FORMS[form](run_of(TEXTS[kind])))
    usual.feed(FORMS[form](run_of("name")))
    assert sorted(set(found.found)) == sorted(set(usual.found))


@pytest.mark.parametrize("form", [name for name in FORMS if name.endswith(".svg")] + ["junit"])
@pytest.mark.parametrize("kind", TEXTS)
def test_xml_is_well_formed(form, kind):
    root = ElementTree.fromstring(FORMS[form](run_of(TEXTS[kind])))
    assert not {each.tag.rpartition("}")[2] for each in root.iter()} & {"script", "img", "a", "b"}


@pytest.mark.parametrize("form", [name for name in FORMS if name.endswith(".csv")])
@pytest.mark.parametrize("kind", TEXTS)
def test_no_cell_is_a_formula(form, kind):
    rows = list(csv.reader(io.StringIO(FORMS[form](run_of(TEXTS[kind])))))
    assert len({len(row) for row in rows}) == 1
    for cell in (cell for row in rows for cell in row):
        assert not re.match(r"\s*[=@]|\s*[+-](?!\d+(\.\d+)?$)", cell), cell


@pytest.mark.parametrize("form", ["table.tex", "appendix.tex"])
@pytest.mark.parametrize("kind", TEXTS)
def test_no_command_of_a_name_reaches_latex(form, kind):
    made = FORMS[form](run_of(TEXTS[kind]))
    assert not re.search(r"\\input\{/etc|\$x_1\$|(?<!\\)# ~", made)
    assert made.count("{") - made.count(r"\{") == made.count("}") - made.count(r"\}")


def test_json_keeps_every_name_as_it_is():
    for text in TEXTS.values():
        told = json.loads(json.dumps(comparison(run_of(text))))
        assert told["cases"][0]["case"] == text


@pytest.mark.parametrize("kind", TEXTS)
def test_progress_and_mistakes_are_one_line(kind, capsys):
    lines = progress_lines(run_of(TEXTS[kind])).split("\n")
    bar = ProgressBar("title")
    for line in lines:
        bar.line(line)
    with pytest.raises(SystemExit):
        fail(TEXTS[kind])
    err = capsys.readouterr().err
    assert len(err.splitlines()) == len(lines) + 1 and not UNSEEN.search(err)


@pytest.mark.parametrize("kind", TEXTS)
def test_a_table_on_a_terminal_has_the_rows_of_a_usual_one(kind):
    """Whatever a name is: it wraps, it does not break out of its cell."""
    made = shown(suite_table(run_of(TEXTS[kind])))
    assert "\x1b" not in made and Index(run_of(TEXTS[kind])).cases
