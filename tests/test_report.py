"""The report: the same numbers in every format, nothing hidden, hostile names inert."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from flop_harness import report
from flop_harness.records import Case, Context, Run, Step, Suite, Tool
from flop_harness.report.analysis import bridges as bridges_analysis
from flop_harness.report.analysis import cells as cells_analysis
from flop_harness.report.analysis import verdict
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.waterfalls import Scale, bars, own_levels
from flop_harness.report.charts import heatmap, waterfall
from flop_harness.report.formats import case_json as details
from flop_harness.report.formats import frames, latex, markdown
from flop_harness.report.formats.terminal import case as terminal
from flop_harness.report.tables import comparison, failures
from flop_harness.report.tables.bridges import bridge_table, bridges, origin
from flop_harness.report.tables.cases import sections
from flop_harness.report.tables.figures import figures
from flop_harness.report.tables.readings import readings
from runs import (
    GRAD,
    HOSTILE,
    NO_GRAD,
    a_bridge,
    a_reading,
    a_run,
    a_suite,
    explained,
    failed_run,
    hostile_run,
    loud_run,
    small_run,
)  # fmt: skip

EMPTY = Run(1, a_suite(), {})
RUNS = {"small": small_run(), "loud": loud_run(), "failed": failed_run(), "empty": EMPTY,
        "hostile": hostile_run()}  # fmt: skip
READINGS = "case,input,counter,version,context,metric,value,unit,label,status,message"
BRIDGES = "case,counter,context,metric,step,term,amount"


@pytest.fixture(scope="module")
def files() -> dict[str, dict[str, str]]:
    """Every file of text of every run."""
    names = [name for name in report.FORMATS if not name.endswith(".pdf")]
    return {run: {name: report.render(RUNS[run], name).decode() for name in names}
            for run in RUNS}  # fmt: skip


def sheet(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content)))


class Page(HTMLParser):
    """What a browser would make of a page: its tags, attributes, ids and words."""

    VOID = ("meta", "input", "br", "img", "link", "hr")

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(content)
        self.text = " ".join(self.words)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.words.append(data)

    def values(self, name: str) -> list[str]:
        return [value or "" for key, value in self.attributes if key == name]

    @property
    def cases(self) -> list[dict[str, Any]]:
        """What the page's script unfolds."""
        return [details.unpacked(data) for data in self.values("data-answers")]

    @property
    def answers(self) -> list[dict[str, Any]]:
        return [answer for case in self.cases for answer in case["answers"]]


# ------------------------------------------------------------------------------------ figures


@pytest.mark.parametrize(("name", "head"), [
    ("readings.csv", READINGS), ("bridges.csv", BRIDGES)])  # fmt: skip
def test_csv_columns_stand_in_the_agreed_order(files, name, head):
    for content in files.values():
        assert content[name].startswith(head)


@pytest.mark.parametrize("run", ["small", "loud"])
def test_the_amounts_of_a_bridge_add_up_to_the_reading(files, run):
    sums: dict[tuple[str, ...], int] = defaultdict(int)
    terms = defaultdict(list)
    for row in sheet(files[run]["bridges.csv"]):
        key = row["case"], row["counter"], row["context"], row["metric"]
        sums[key] += int(row["amount"])
        terms[key].append((int(row["step"]), row["term"]))
    read = {(row["case"], row["counter"], row["context"], row["metric"]): int(row["value"])
            for row in sheet(files[run]["readings.csv"]) if row["status"] == "ok"}  # fmt: skip
    assert dict(sums) == read
    for steps in terms.values():
        assert [number for number, _ in steps] == list(range(len(steps)))
        assert steps[0] == (0, "reference") and steps[-1][1] == "residual"


def test_rows_follow_the_suite(files):
    rows = sheet(files["small"]["readings.csv"])
    assert list(dict.fromkeys(row["case"] for row in rows)) == ["vgg16", "vit"]
    assert [row["counter"] for row in rows if row["case"] == "vit" and row["metric"] == "compute"
            ] == ["analytic", "thop", "ptflops-pytorch", "torch", "torch"]  # fmt: skip


@pytest.mark.parametrize("run", ["small", "loud"])
def test_the_page_unfolds_to_the_bridges_of_the_csv(files, run):
    """Line for line, with the sign that is as wide as a digit; the reading closes each bridge."""
    bridges = [answer["bridge"] for answer in Page(files[run]["report.html"]).answers
               if "bridge" in answer]  # fmt: skip
    assert {lines[-1]["term"] for lines in bridges} == {"reading"}
    plain = str.maketrans({",": None, "+": None, "\N{MINUS SIGN}": "-"})
    lines = [[line["term"], line["amount"].translate(plain)]
             for lines in bridges for line in lines[:-1]]  # fmt: skip
    assert lines == [[row["term"], row["amount"]] for row in sheet(files[run]["bridges.csv"])]


def test_every_module_of_a_term_can_be_unfolded(files):
    """Each term of the fixture comes from two modules: all but one of it, and one."""
    [vgg16, _] = Page(files["small"]["report.html"]).cases
    [thop] = [each for each in vgg16["answers"] if each["counter"] == "thop"
              and each["metric"] == "compute"]  # fmt: skip
    [step] = [line for line in thop["bridge"] if "breakdown" in line]
    table = vgg16["breakdowns"][step["breakdown"]]
    names = [vgg16["paths"][number] for number in table[::2]]
    assert dict(zip(names, table[1::2], strict=True)) == {"features.0": 50_175, "features.1": 1}


def test_equal_breakdowns_stand_in_the_page_once():
    breakdowns = details.Breakdowns()
    numbers = [breakdowns.add(each) for each in ({"a": 1, "b": 2}, {"a": 1, "b": 2}, {"b": 2})]
    assert numbers == [0, 0, 1] and breakdowns.tables == [[0, 1, 1, 2], [1, 2]]


def test_what_a_script_would_round_is_text():
    assert details.exactly(2**53) == 2**53 and details.exactly(2**53 + 1) == str(2**53 + 1)
    assert details.exactly(0.5) == 0.5


def test_exact_integers_are_on_demand(files):
    assert "15,470,314,496" in Page(files["small"]["report.html"]).values("title")


def test_flops_are_marked_and_compared_as_half(files):
    heads = [(column.name, column.unit) for column in
             comparison.comparison(Index(small_run()), "compute").columns]  # fmt: skip
    assert ("torch", "FLOP") in heads
    index = Index(small_run())
    [torch, _] = [each for each in index.by_case["vgg16"] if each.counter == "torch"]
    assert index.deviation(torch) == 0


def test_frames_have_the_columns_and_the_values_of_the_csv(files):
    frame = frames.frame(readings(small_run()))
    assert list(frame.columns) == list(sheet(files["small"]["readings.csv"])[0])
    assert frame["value"].dropna().tolist() == [
        int(row["value"]) for row in sheet(files["small"]["readings.csv"]) if row["value"]
    ]
    assert str(frame["value"].dtype) == "Int64"
    assert frames.frame(bridges(small_run()))["amount"].sum() == frame["value"].sum()
    assert len(frames.frame(figures(small_run()))) == 2
    assert list(frames.frame(bridges(EMPTY)).columns)[:7] == BRIDGES.split(",")


# ----------------------------------------------------------------------------------- loudness


def test_a_residual_is_loud_everywhere(files):
    loud = files["loud"]
    assert "UNEXPLAINED: residual +7" in loud["report.html"]
    assert "**UNEXPLAINED: odd, thop" in loud["report.md"]
    assert r"1017 {\rlap{$^{*}$}}" in loud["appendix.tex"]
    assert "1.02 !" in loud["heatmap.svg"]
    assert ">+7<" in loud["waterfall.svg"]
    assert report.verdict_lines(loud_run())[1].endswith("residual +7 MAC")
    [answer] = Page(loud["report.html"]).answers
    assert answer["loud"] and answer["why"].endswith("UNEXPLAINED: residual +7")


def test_a_total_that_fits_does_not_hide_modules_that_do_not():
    reading, bridge = explained("net", "thop", 10)
    run = a_run([(reading, replace(bridge, modules=3, off={"a": 5, "b": -5}))])
    assert report.verdict(run).unexplained == 1
    assert "2 of 3 figures by module differ, 'a' by +5" in report.verdict_lines(run)[1]
    [line] = verdict.unknowns(Index(run))
    assert line.startswith("UNEXPLAINED: net, thop") and "2 of 3 figures by module" in line
    [answer] = Page(report.render(run, "report.html").decode()).answers
    assert answer["loud"] and answer["modules"] == "Figures by module: 3 compared, 2 differ"
    assert answer["off"] == [["a", "+5"], ["b", "\N{MINUS SIGN}5"]]


def test_modules_that_fit_are_said_to():
    reading, bridge = explained("net", "thop", 10)
    run = a_run([(reading, replace(bridge, modules=1_234))])
    [answer] = Page(report.render(run, "report.html").decode()).answers
    assert answer["modules"] == "Figures by module: 1,234 compared, all equal"
    assert "1,234 compared, all equal" in report.render(run, "report.md").decode()


def test_no_figure_is_a_word_and_never_a_zero(files):
    for name in ("report.html", "report.md", "appendix.tex"):
        assert "out of memory" in files["failed"][name]
    cells = {cell["label"]: cell["class"] for cell in heatmap.heat_cells(Index(failed_run()))}
    assert cells == {"refused": "no figure", "failed": "no figure", "–": "no figure"}
    zero = a_run([explained("net", "torch", 10, {"not seen": -10})])
    [cell] = heatmap.heat_cells(Index(zero))
    assert (cell["label"], cell["class"]) == ("0", "over 50 % below")


def test_what_is_not_known_is_listed():
    lines = verdict.unknowns(Index(small_run()))
    assert "vit: operators without a formula: aten.mystery × 3." in lines
    assert verdict.unknowns(Index(a_run([explained("net", "thop", 1)]))) == []
    assert len(failures.silent(Index(small_run())).rows) == 2


def test_a_value_that_is_no_number_is_no_figure():
    run = a_run([], (a_reading("net", "thop", float("nan")),))
    assert report.verdict(run).readings == 0
    assert b"no figure" in report.render(run, "report.html")


# ------------------------------------------------------------------------------------ bridges


def test_the_heaviest_modules_of_a_term_are_named():
    step = Step("bias", 10, {"": 1, "a": 2, "b": 3, "c": 4})
    assert origin(step) == "c 4; b 3; a 2; and 1 other"


def test_a_bridge_table_goes_from_reference_to_reading():
    reading, bridge = explained("net", "thop", 100, {"bias": 10, "unseen": -20}, residual=1)
    rows = [row[:2] for row in bridge_table(bridge).rows]
    assert rows == [("reference", 100), ("bias", "+10"), ("unseen", "\N{MINUS SIGN}20"),
                    ("residual", "+1"), ("reading", reading.value)]  # fmt: skip
    places = own_levels(bridge)
    drawn = bars(bridge, places, Scale.of([places]))
    assert len(drawn) == len(rows)
    assert [bar.tone for bar in drawn] == ["base", "up", "down", "loud", "base"]
    assert drawn[2].left == 0 and drawn[2].width == 100


def test_the_waterfalls_of_a_case_stand_on_one_scale_with_an_axis():
    """From 20 below the reference to 60 above it: 40 MAC are half of the width, for each counter.

    Of a figure of FLOPs the unit is no distance, and 80 FLOP are 40 MAC.
    """
    run = a_run([
        explained("net", "thop", 100, {"ReLU": -20, "batch normalisation": 80}),
        explained("net", "torch", 100, {"2 FLOPs per MAC": 100, "ReLU": 80}, unit="FLOP"),
    ])  # fmt: skip
    thop, torch = details.contents(Index(run), *sections(Index(run)))["answers"]
    drawn = {each["counter"]: {line["term"]: line["bar"][:2] for line in each["bridge"]}
             for each in (thop, torch)}  # fmt: skip
    assert drawn["thop"]["ReLU"] == [0, 25]
    assert drawn["thop"]["batch normalisation"] == [0, 100]
    assert drawn["torch"]["2 FLOPs per MAC"] == [25, 0]
    assert drawn["torch"]["ReLU"] == [25, 50]
    assert thop["scale"] == torch["scale"]
    assert [left for left, _ in thop["scale"]] == [0, 25, 100]
    assert [share for _, share in thop["scale"]] == ["−20.0 %", "0", "+60.0 %"]


def test_the_waterfall_shown_first_has_the_most_terms():
    assert bridges_analysis.instructive(small_run()).counter == "ptflops-pytorch"
    steps = waterfall.waterfall_steps(bridges_analysis.instructive(small_run()))
    assert steps[-1]["end"] == 13_555_712 + 27_111_424 + 12_294_122


def test_analytic_is_left_out_only_where_it_restates_the_reference():
    labels = [
        column.label for column in cells_analysis.shown_columns(Index(small_run()), "compute")
    ]
    assert labels == ["thop", "ptflops-pytorch", "torch (cpu grad)", "torch (cpu no_grad)"]
    apart = a_reading("net", "analytic", 11)
    run = a_run([(apart, a_bridge(apart, 10, {"odd": 1}))])
    assert [column.label for column in cells_analysis.shown_columns(Index(run), "compute")] == [
        "analytic"
    ]


def test_the_mode_of_a_case_parts_no_columns():
    suite = Suite("modes", 1, "", (Case("a", "m:a"), Case("b", "m:b", mode="train")))
    pairs = [explained(case, "thop", 10, context=Context(mode=mode))
             for case, mode in (("a", "eval"), ("b", "train"))]  # fmt: skip
    columns = Index(a_run(pairs, suite=suite)).columns("compute")
    assert [column.label for column in columns] == ["thop"]


def test_contexts_in_which_a_counter_says_the_same_share_a_column():
    """On b the counter says another thing under grad: then the contexts stand apart."""
    pairs = [explained("a", "torch", 10, context=context) for context in (NO_GRAD, GRAD)]
    [column] = Index(a_run(pairs)).columns("compute")
    assert column.label == "torch" and column.under == "cpu grad, cpu no_grad"
    pairs += [explained("b", "torch", 10, {"bias": n}, context=context)
              for n, context in ((1, NO_GRAD), (2, GRAD))]  # fmt: skip
    labels = [column.label for column in Index(a_run(pairs)).columns("compute")]
    assert labels == ["torch (cpu grad)", "torch (cpu no_grad)"]


def test_counters_stand_in_the_order_of_the_run():
    pairs = [explained("a", name, 10) for name in ("zeta", "alpha", "mid")]
    tools = (Tool("mid"), Tool("alpha"))
    assert list(Index(a_run(pairs)).counters) == ["zeta", "alpha", "mid"]
    assert list(Index(a_run(pairs, tools=tools)).counters) == ["mid", "alpha", "zeta"]


# ------------------------------------------------------------------------------------ hostile


def test_no_hostile_name_becomes_markup(files):
    """The page has the tags of its template and no handler, whatever the names are."""
    page = Page(files["hostile"]["report.html"])
    assert page.open == [] and "img" not in page.tags
    assert page.tags.count("script") == 1
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert all(link.startswith("#") for link in page.values("href"))
    assert "<script>alert(1)</script>" in page.text and "{{ 7*7 }}" in page.text
    assert set(HOSTILE[:2]) <= {answer["counter"] for answer in page.answers}


def test_the_page_asks_for_nothing_from_outside(files):
    for content in files.values():
        page = Page(content["report.html"])
        assert page.values("src") == []
        assert not re.search(r"url\(|@import", content["report.html"])
        # Names of XML vocabularies are no requests.
        assert set(re.findall(r"https?://[^\"' ]+", content["report.html"])) <= {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xlink",
        }


def test_ids_are_unique_and_links_lead_somewhere(files):
    for content in files.values():
        page = Page(content["report.html"])
        ids = [*page.values("id"), *(answer["id"] for answer in page.answers)]
        assert len(ids) == len(set(ids))
        assert {link[1:] for link in page.values("href")} <= set(ids)


def test_charts_are_well_formed(files):
    for content in files.values():
        for name in ("heatmap.svg", "spread.svg", "waterfall.svg"):
            tags = {
                element.tag.rpartition("}")[2]
                for element in ElementTree.fromstring(content[name]).iter()
            }
            assert tags <= {"svg", "g", "path", "circle", "text", "tspan", "rect", "line", "defs", "clipPath",
                            "title", "desc", "style"}  # fmt: skip


def test_no_cell_of_a_csv_is_a_formula(files):
    for name in ("readings.csv", "bridges.csv"):
        for row in csv.reader(io.StringIO(files["hostile"][name])):
            assert not [cell for cell in row if cell.startswith(("=", "@"))]
        assert "\x1b" not in files["hostile"][name]
    lines = files["hostile"]["readings.csv"].splitlines()
    assert len(lines) == 1 + 2 * len(HOSTILE)


def test_a_negative_amount_stays_a_number(files):
    amounts = [row["amount"] for row in sheet(files["small"]["bridges.csv"])]
    assert "-6277573632" in amounts


def test_markdown_and_latex_escape_what_they_would_act_on(files):
    live = re.sub(r"(?m)^    .*$", "", files["hostile"]["report.md"])  # not the indented code
    assert "<script" not in live
    assert markdown.plain("a|b*c_[x](http://y)") == r"a\|b\*c\_\[x\](http:/&#47;y)"
    for block in re.findall(r"(?m)(?:^\|.*\n)+", files["hostile"]["report.md"]):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block
    assert r"\input{/etc" not in files["hostile"]["table.tex"]
    assert latex.escape(r"50 % of $x_1$ & \y{#}") == (
        r"50 \% of \$x\_1\$ \& \textbackslash{}y\{\#\}"
    )


def test_terminal_markup_and_control_signs_are_text():
    words = show(terminal.case_table(hostile_run(), HOSTILE[6]))
    assert "[bold red]rich[/]" in words and "\x1b" not in words


# ----------------------------------------------------------------------------- other renderers


def show(renderable: object) -> str:
    from rich.console import Console

    console = Console(width=160, file=io.StringIO(), color_system=None)
    console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_terminal_says_who_says_what_and_why():
    words = show(terminal.case_table(small_run(), "vit"))
    assert re.search(r"thop +11,286,254,592 +11.29 GMAC +−35.7 % +attention products", words)
    assert re.search(r"ptflops-pytorch +refused: told below", words)
    assert "residual +7" in show(terminal.case_table(loud_run(), "odd"))
    assert "UNEXPLAINED" in show(terminal.case_table(loud_run(), "odd"))


def test_latex_tables_are_split_by_pages_and_state_their_convention(files):
    content = files["small"]["appendix.tex"]
    assert content.count(r"\begin{table*}") == content.count(r"\end{table*}") == 4
    assert r"\toprule" in content and "one MAC for each multiplication" in content
    many = a_run([explained(f"case{number}", "thop", 10) for number in range(latex.ROWS + 1)])
    assert latex.appendix(many).decode().count(r"\begin{table*}") == 4


def test_the_page_has_landmarks_scopes_and_captions(files):
    page = Page(files["small"]["report.html"])
    assert {"header", "nav", "main", "footer", "h1"} <= set(page.tags)
    assert page.tags.count("table") == page.tags.count("caption")
    assert page.tags.count("th") == len(page.values("scope"))


def test_write_puts_every_file_and_nothing_else(tmp_path: Path):
    paths = report.write(small_run(), tmp_path / "results").paths
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == sorted(report.FORMATS)
    assert [path.name for path in paths] == list(report.FORMATS)


def test_a_report_is_the_same_every_time(files):
    for name, content in files["small"].items():
        assert report.render(small_run(), name).decode() == content


def test_importing_the_report_is_cheap():
    heavy = ("torch", "pandas", "altair", "jinja2", "vl_convert", "rich")
    code = f"import sys, flop_harness.report; print([n for n in {heavy!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
