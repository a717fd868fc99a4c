"""How to cite: one version everywhere, and a suite with its own, in whatever style prints it."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from flop_harness import __version__, report
from flop_harness.records import Suite
from flop_harness.report.formats.bibtex import YEAR, bibtex
from runs import hostile_run, small_run

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAPER = r"""\documentclass{article}
\begin{document}
\nocite{*}\bibliographystyle{plain}\bibliography{citation}
\end{document}
"""
needs_bibtex = pytest.mark.skipif(
    not (shutil.which("pdflatex") and shutil.which("bibtex")),
    reason="pdflatex or bibtex is not installed (apt: texlive-latex-base)",
)


def stated(field: str) -> str:
    """What CITATION.cff says."""
    found = re.search(rf'^{field}: "?(.*?)"?$', (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    assert found, field
    return found[1]


def test_there_is_one_version():
    assert PROJECT["version"] == __version__ == version("flop-harness") == stated("version")


def test_the_citation_file_says_what_the_project_says():
    assert (stated("title"), stated("license")) == (PROJECT["name"], PROJECT["license"])
    authors = [author["name"] for author in PROJECT["authors"]]
    assert re.findall(r"^  - name: (.*)$", (ROOT / "CITATION.cff").read_text(), re.M) == authors
    assert all(f"{{{{{name}}}}}" in bibtex() for name in authors)
    assert stated("date-released").startswith(f"{YEAR}-") and f"year = {{{YEAR}}}" in bibtex()
    assert "its version and the suite's" in stated("message")


def test_an_entry_names_the_version_and_the_suite():
    assert f"Version {__version__}." in bibtex()
    entry = bibtex(Suite("my_suite {x}", 3, "", (), digest="abc"))
    assert entry.startswith("@misc{flop-harness-my-suite--x-,")
    assert r"suite my\_suite x" in entry
    assert f"Version {__version__}; version 3 of the suite, digest abc" in entry
    assert entry.count("{") == entry.count("}")


def test_a_report_has_the_entry_of_its_suite():
    assert report.render(small_run(), "citation.bib").decode() == f"{bibtex(small_run().suite)}\n"


@needs_bibtex
@pytest.mark.parametrize("run", [small_run, hostile_run])
def test_a_bibliography_prints_the_versions(tmp_path: Path, run):
    """By a style that knows no field for a version; without a warning."""
    (tmp_path / "citation.bib").write_bytes(report.render(run(), "citation.bib"))
    (tmp_path / "paper.tex").write_text(PAPER)
    for command in (["pdflatex", "paper"], ["bibtex", "paper"], ["pdflatex", "paper"]):
        done = subprocess.run([*command], cwd=tmp_path, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, errors="replace", check=False)  # fmt: skip
        assert done.returncode == 0, done.stdout
        assert command[0] == "pdflatex" or "Warning" not in done.stdout
    printed = " ".join((tmp_path / "paper.bbl").read_text().split())
    assert f"Version {__version__}; version 1 of the suite" in printed
