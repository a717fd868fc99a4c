"""A run in one row for each case, its step summary, and its report written again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from commands import results_of, typed
from flop_harness import report, store
from flop_harness.errors import UserError
from flop_harness.records import Run
from flop_harness.report.analysis.index import Index
from flop_harness.report.documents.files import endings, files_of
from flop_harness.report.formats import step_summary
from flop_harness.report.formats.terminal import suite
from flop_harness.report.tables import deviations
from runs import GRAD, a_reading, a_run, explained, failed_run, hostile_run, loud_run, small_run


def row(run: Run, case: str) -> dict[str, str]:
    table = deviations.deviation_table(Index(run))
    return next(dict(zip(table.names, row, strict=True)) for row in table.rows if row[0] == case)


@pytest.mark.parametrize(
    ("share", "told"),
    [(0, "="), (1e-9, "≈"), (-1e-9, "≈"), (0.0109, "+1.1"), (-0.5, "−50.0"), (1.0, "+100"),
     (9.99, "+999"), (10.0, "×11"), (701, "×702"), (-1, "−100"), (float("inf"), "×∞")],
)  # fmt: skip
def test_a_deviation_in_a_few_signs(share: float, told: str):
    assert deviations.apart(share) == told


def test_a_row_for_each_case_and_a_column_for_each_counter():
    told = row(small_run(), "vgg16")
    assert told == {"case": "vgg16", "reference": "15.5 G", "thop": "≈", "ptflops-pytorch": "+0.3",
                    "torch": "=", "not counted": ""}  # fmt: skip


def test_work_without_a_formula_stands_in_the_row_of_its_case():
    assert row(small_run(), "vit")["not counted"] == "aten.mystery × 3"


def test_no_figure_is_told_by_a_word_and_an_open_one_is_marked():
    assert row(small_run(), "vit")["ptflops-pytorch"] == "failed"
    assert row(loud_run(), "odd")["thop"] == "+1.7!"
    assert row(failed_run(), "net")["fvcore"] == "memory"


def test_a_counter_that_says_otherwise_elsewhere_is_marked():
    pairs = [explained("net", "torch", 100), explained("net", "torch", 100, {"x": 5}, context=GRAD)]
    assert row(a_run(pairs), "net")["torch"].endswith("~")
    silent = a_reading("net", "torch", None, status="failed", context=GRAD)
    assert row(a_run(pairs[:1], (silent,)), "net")["torch"] == "=~"


def test_parameters_take_a_line_where_a_counter_departs():
    lines = list(deviations.parameter_lines(Index(small_run())))
    assert len(lines) == 1
    assert "thop departs on 1 of 2 cases, most on vit (−32.9 %)" in lines[0]


@pytest.mark.parametrize("width", [60, 100, 200])
def test_no_figure_is_cut_on_a_narrow_terminal(width: int):
    pairs = [explained(f"a-case-with-a-long-name-{place}", f"a-counter-named-{name}", 1000,
                       {"ReLU": 109 * (place + 1)})
             for place in range(2) for name in "abcdef"]  # fmt: skip
    console = Console(width=width)
    with console.capture() as captured:
        console.print(suite.suite_table(a_run(pairs)), crop=False)
    assert captured.get().count("+10.9") == captured.get().count("+21.8") == 6


def test_a_hostile_run_stays_a_table():
    text = step_summary.step_summary(hostile_run())
    assert "<script>" not in text and "\x1b" not in text
    Console(width=100, file=sys.stderr).print(suite.suite_table(hostile_run()))


def test_a_step_summary_opens_with_the_headline():
    text = step_summary.step_summary(small_run())
    assert text.index("differ by a factor") < text.index("| vgg16 | 15.5 G |")


def test_a_step_summary_stays_within_what_github_takes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(step_summary, "SUMMARY_BYTES", 400)
    text = step_summary.step_summary(small_run())
    assert "too long" in text and "| vgg16" not in text


# ----------------------------------------------------------------------------- report, written again


def test_every_format_there_is():
    assert set(endings()) >= {"html", "md", "tex", "csv", "svg", "pdf"}
    assert files_of([]) == files_of(["all"]) == list(report.FORMATS)
    assert files_of(["latex", "MD"]) == [n for n in report.FORMATS if n.endswith((".tex", ".md"))]
    with pytest.raises(UserError, match="did you mean 'html'"):
        files_of(["htm"])


def test_a_report_is_written_again_as_it_was(tmp_path: Path):
    folder = results_of(small_run(), tmp_path)
    ended = typed("report", folder, "--format", "md,tex,csv")
    assert ended.code == 0
    written = [Path(line) for line in ended.out.splitlines()]
    assert {path.suffix for path in written} == {".md", ".tex", ".csv"}
    run = store.load(folder)
    for path in written:
        assert path.read_bytes() == report.render(run, path.name)
    assert not (folder / "report.html").exists()


def test_the_figures_of_a_paper_are_written_again(tmp_path: Path):
    folder = results_of(small_run(), tmp_path)
    ended = typed("report", folder, "--format", "pdf")
    names = {Path(line).name for line in ended.out.splitlines()}
    assert ended.code == 0 and names == {
        "heatmap.pdf", "spread.pdf", "waterfall.pdf", "sizes.pdf"
    }  # fmt: skip
    assert all((folder / name).read_bytes().startswith(b"%PDF-") for name in names)


def test_no_torch_is_needed(tmp_path: Path):
    folder = results_of(small_run(), tmp_path)
    code = "import sys; sys.modules['torch'] = None; from flop_harness import cli; cli.main()"
    for words in (["report", "--format", "md,csv,tex"], ["explain", "vgg16", "thop", "--dir"]):
        subprocess.run([sys.executable, "-c", code, *words, str(folder)], check=True)


def test_github(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = results_of(small_run(), tmp_path)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    ended = typed("report", folder, "--format", "csv", "--github")
    summary = step_summary.step_summary(store.load(folder))
    assert ended.code == 0 and ended.out.endswith(summary) and summary.startswith("#")
    page = tmp_path / "summary.md"
    page.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(page))
    assert typed("report", folder, "--format", "csv", "--github").code == 0
    assert page.read_text() == "before\n" + summary
