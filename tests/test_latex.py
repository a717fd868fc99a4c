"""``table.tex`` compiles as it is, and as a part of a paper."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from runs import a_run, explained, failed_run, hostile_run, small_run

from harness.records import Run
from harness.report import latex

LATEX = shutil.which("pdflatex")
needs_latex = pytest.mark.skipif(LATEX is None, reason="pdflatex is not installed")
PAPER = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp,booktabs,graphicx}
\begin{document}
Before.
\input{table}
After.
\end{document}
"""


def long_run() -> Run:
    return a_run([explained(f"case{n}", "thop", 1000 + n, {"ReLU": n}) for n in range(90)])


def compiled(folder: Path, name: str) -> str:
    """The log of a run that has to end well."""
    assert LATEX
    done = subprocess.run(
        [LATEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", name],
        cwd=folder, capture_output=True, text=True, errors="replace", timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    return done.stdout


@needs_latex
@pytest.mark.parametrize("run", [small_run, hostile_run, failed_run, long_run])
def test_a_table_compiles_alone(tmp_path: Path, run):
    (tmp_path / "table.tex").write_bytes(latex.render(run()))
    compiled(tmp_path, "table.tex")
    assert (tmp_path / "table.pdf").stat().st_size > 1000


@needs_latex
def test_a_table_is_a_part_of_a_paper(tmp_path: Path):
    (tmp_path / "table.tex").write_bytes(latex.render(small_run()))
    (tmp_path / "paper.tex").write_text(PAPER)
    compiled(tmp_path, "paper.tex")


def test_the_caption_states_unit_and_convention():
    text = latex.render(small_run()).decode()
    captions = [line for line in text.splitlines() if line.startswith(r"\caption")]
    assert len(captions) == 2
    assert "one MAC for each multiplication" in captions[0] and "a MAC is two FLOPs" in captions[0]
    assert "distinct parameter elements" in captions[1]
