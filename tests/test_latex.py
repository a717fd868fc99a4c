"""``table.tex`` and ``appendix.tex`` compile alone and in a paper: rounded figures, and exact ones."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from flop_harness import store
from flop_harness.records import Run
from flop_harness.report.formats import latex
from runs import (
    a_run,
    explained,
    failed_run,
    float_run,
    hostile_run,
    loud_run,
    small_run,
    wide_run,
)

LATEX = shutil.which("pdflatex")


def there(file: str) -> bool:
    """Whether TeX finds a file."""
    found = LATEX and subprocess.run(["kpsewhich", file], capture_output=True, check=False)
    return bool(found) and found.returncode == 0


needs_latex = pytest.mark.skipif(
    not there("siunitx.sty"), reason="pdflatex or siunitx is not installed (apt: texlive-science)"
)
needs_text = pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="pdftotext is not installed (apt: poppler-utils)"
)
PAPER = r"""\documentclass[LAYOUT]{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp,booktabs,graphicx}
\usepackage{siunitx}RELEASE
\usepackage[letterpaper,margin=1in]{geometry}
\sisetup{round-mode=places,round-precision=2,group-digits=decimal,group-separator={\,}}
\begin{document}
Before.
\input{table}
After. \num{3.14159}
\end{document}
"""
RELEASES = pytest.mark.parametrize("release", [
    "", pytest.param("[=v2]", marks=pytest.mark.skipif(
        not there("siunitx-v2.sty"), reason="siunitx comes without its version 2"))])  # fmt: skip


def paper(release: str, layout: str = "onecolumn") -> str:
    return PAPER.replace("RELEASE", release).replace("LAYOUT", layout)


def long_run() -> Run:
    return a_run([explained(f"case{n}", "thop", 1000 + n, {"ReLU": n}) for n in range(90)])


def compiled(folder: Path, name: str) -> str:
    """The log of a run that has to end well, with nothing undefined and nothing in the margin."""
    assert LATEX
    done = subprocess.run(
        [LATEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", name],
        cwd=folder, capture_output=True, text=True, errors="replace", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    wide = re.findall(r"Overfull \\[hv]box \(([\d.]+)pt", done.stdout)
    assert max(map(float, wide), default=0) < 3, wide
    assert "Warning" not in done.stdout
    return done.stdout


def words(pdf: Path) -> list[str]:
    """What a PDF says."""
    done = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True)
    return done.stdout.split()


# ----------------------------------------------------------------------------------- compiled


@needs_latex
@pytest.mark.parametrize(
    "run", [small_run, hostile_run, failed_run, loud_run, long_run, wide_run, float_run]
)
@pytest.mark.parametrize("render", [latex.render, latex.appendix])
def test_a_table_compiles_alone(tmp_path: Path, run, render):
    (tmp_path / "table.tex").write_bytes(render(run()))
    compiled(tmp_path, "table.tex")
    assert (tmp_path / "table.pdf").stat().st_size > 1000


@needs_latex
@RELEASES
@pytest.mark.parametrize("layout", ["onecolumn", "twocolumn"])
@pytest.mark.parametrize("run", [small_run, wide_run])
@pytest.mark.parametrize("render", [latex.render, latex.appendix])
def test_a_table_is_a_part_of_a_paper(tmp_path: Path, run, render, layout: str, release: str):
    """Whichever siunitx the paper loads; what is wider than its text is turned."""
    (tmp_path / "table.tex").write_bytes(render(run()))
    (tmp_path / "paper.tex").write_text(paper(release, layout))
    compiled(tmp_path, "paper.tex")


@needs_latex
@needs_text
@RELEASES
def test_what_is_printed_is_exact_whatever_the_paper_rounds_to(tmp_path: Path, release: str):
    run = small_run()
    (tmp_path / "table.tex").write_bytes(latex.appendix(run))
    (tmp_path / "paper.tex").write_text(paper(release))
    compiled(tmp_path, "paper.tex")
    told = words(tmp_path / "paper.pdf")
    values = {f"{each.value:,}" for each in run.readings if each.value is not None}
    assert values <= set(told) and "3.14" in told


@needs_latex
@needs_text
def test_floats_keep_their_digits(tmp_path: Path):
    (tmp_path / "table.tex").write_bytes(latex.appendix(float_run()))
    compiled(tmp_path, "table.tex")
    told = set(words(tmp_path / "table.pdf"))
    assert {"4,000,000,000", "10.125", "13.75", "0.00000025", "\N{MINUS SIGN}19"} <= told


# --------------------------------------------------------------------------------------- text


def tables(text: str) -> list[list[str]]:
    """The lines of each table."""
    return [part.partition(r"\end{table*}")[0].splitlines()
            for part in text.split(r"\begin{table*}")[1:]]  # fmt: skip


def captions(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith(r"\flopharnesstable{")]


def exact(run: Run) -> str:
    """The tables of the appendix that hold figures; each is followed by one of deviations."""
    parts = latex.appendix(run).decode().split(r"\begin{table*}")[1:]
    return "".join(rf"\begin{{table*}}{part}" for part in parts if DEVIATIONS not in part)


DEVIATIONS = "deviations from the reference"


def test_the_caption_states_unit_and_convention():
    compute, params = captions(exact(small_run()))
    assert "one MAC for each multiplication" in compute and "a MAC is two FLOPs" in compute
    assert "distinct parameter elements" in params


def test_no_figure_overflows_its_column():
    """The format has room for the most digits before and after the point, and for a sign."""
    [table] = tables(exact(float_run()))
    assert "S[table-format=10]S[table-format=-10.8]S[table-format=2.2]" in table[3]


def test_digits_are_plain_and_siunitx_groups_them():
    text = latex.appendix(small_run()).decode()
    assert "& 15470264320 & 15470314496 &" in text and "15,470" not in text
    assert "group-separator={,}" in text and "group-minimum-digits=4" in text


def test_words_and_marks_stand_in_braces():
    assert r"{\emph{out of memory}}" in latex.appendix(failed_run()).decode()
    loud = latex.appendix(a_run([explained("odd", "thop", 1_000, residual=7)])).decode()
    assert r"odd &  & 1000 & 1007 {\rlap{$^{*}$}} \\" in loud


def test_a_wide_table_is_parted_by_columns_and_each_part_names_its_rows():
    run = wide_run()
    found = tables(exact(run))
    rows = [[line.split(" & ") for line in table if line.startswith("model")] for table in found]
    assert len(found) > 1 and all(len(part) == 3 for part in rows)
    assert {part[0][2] for part in rows} == {"100000000000"}
    figures = [cell.removesuffix(r" \\") for part in rows for row in part for cell in row[3:]]
    assert sorted(map(int, figures)) == sorted(each.value for each in run.readings)
    assert [f"part {n} of {len(found)}" in line for n, line in
            enumerate(captions(exact(run)), 1)] == [True] * len(found)  # fmt: skip


def test_parts_are_of_even_length():
    sizes = [sum(line.startswith("case") for line in table)
             for table in tables(exact(long_run()))]  # fmt: skip
    assert sum(sizes) == 90 and max(sizes) - min(sizes) <= 1 and max(sizes) <= latex.ROWS


# ------------------------------------------------------------------------------------ summary

RESULTS = Path(__file__).parents[1] / "results"


def test_the_summary_is_rounded_and_says_of_what_by_whom_and_how():
    text = latex.render(small_run()).decode()
    [caption] = captions(text)
    for words in ("exact figures", "one MAC for each multiplication", "thop 1.0", "cpu no\\_grad"):
        assert words in caption
    [row] = [line for line in text.splitlines() if line.startswith("vgg16 &")]
    assert r"15.5\,G" in row and "15470314496" not in row


def test_the_summary_has_one_column_for_each_counter_and_marks_what_other_contexts_say():
    text = latex.render(small_run()).decode()
    assert text.count(r"\rotatebox{90}{torch}") == 1
    [row] = [line for line in text.splitlines() if line.startswith("vit &")]
    assert r"\rlap{\textsuperscript{\textdagger{}}}" in row


def test_the_summary_names_the_inputs():
    text = latex.render(store.load(RESULTS / "seeds")).decode()
    [row] = [line for line in text.splitlines() if line.startswith("vgg16 &")]
    assert "& 1x3x224x224 &" in row


@needs_latex
@pytest.mark.slow
def test_the_zoo_is_three_pages(tmp_path: Path):
    """121 models, 13 counters."""
    (tmp_path / "table.tex").write_bytes(latex.render(store.load(RESULTS / "torchvision")))
    log = compiled(tmp_path, "table.tex")
    assert re.search(r"Output written on table.pdf \(([123]) pages?,", log)


def test_a_small_table_stands_above_the_text_and_a_large_one_on_a_page_of_its_own():
    def placed(cases: int) -> str:
        names = [f"net{number}" for number in range(cases)]
        return latex.render(a_run([explained(name, "thop", 100) for name in names])).decode()

    assert r"\begin{table*}[tp]" in placed(2) and r"\begin{table*}[p]" not in placed(2)
    assert r"\begin{table*}[p]" in placed(30) and r"\begin{table*}[tp]" not in placed(30)
