"""The documentation: its example of a counter works, and its pages come from the code."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

from flop_harness.ask.convert import Rules, case_of
from flop_harness.counters import counters
from flop_harness.counters.versions.catalogue import CATALOGUE
from flop_harness.reconcile.bridges import bridge
from flop_harness.records import Context, Reading
from flop_harness.trace.recorder import record

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def loaded(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"docs_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    return loaded(DOCS / "generate.py")


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules(*case_of(f"{DOCS / 'examples' / 'net.py'}:net", []))


def test_the_example_of_a_counter_is_explained():
    counter = loaded(DOCS / "examples" / "outputs.py").COUNTER
    module, args, kwargs = loaded(DOCS / "examples" / "net.py").net()
    answer = counter.read(module, args, kwargs, Context())
    assert answer.compute == 2 * 8 * 8 * 8  # two for each output of the convolution
    with torch.no_grad():
        trace = record(module, args, kwargs)
    reading = Reading("net", counter.id, "", trace.context, "compute", "MAC", "ok", answer.compute)
    assert bridge(reading, counter, trace, trace).residual == 0


def test_every_convention_has_its_worked_example(generate: ModuleType, rules: Rules):
    page = "\n\n".join(generate.conventions_page(rules))
    assert re.findall(r"^## (\S+)$", page, re.MULTILINE) == list(CATALOGUE)
    sections = page.split("\n## ")[1:]
    assert all("*Source:*" in each and "*Of the example" in each for each in sections)
    macs = 8 * 8 * 8 * 27 + 8 * 5
    assert f"*Of the example:* {macs:,} MAC" in sections[0]


def test_every_counter_has_its_rules_and_source(generate: ModuleType, rules: Rules):
    page = "\n\n".join(generate.counters_page(rules))
    assert re.findall(r"^## (\S+)$", page, re.MULTILINE) == list(counters())
    assert page.count("| its rules follow |") == len(counters())


def test_every_command_stands_with_its_options(generate: ModuleType):
    page = "\n\n".join(generate.commands_page())
    for word in ("## explain", "## convert", "## report", "--from", "--github", "--depth"):
        assert word in page


def test_findings_come_from_the_results(generate: ModuleType, tmp_path: Path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "report.md").write_text("# A title\n\n**Two counters differ.**\n")
    rows = ["counter,sentence,figures,smallest_case"]
    rows += [f"thop,thop does thing {n}.,{9 - n},net" for n in range(generate.SHOWN + 2)]
    (folder / "findings.csv").write_text("\n".join(rows) + "\n")
    page = "\n\n".join(generate.findings_of(folder / "findings.csv"))
    assert "Two counters differ." in page and "thop does thing 0. 9 figures" in page
    assert f"thing {generate.SHOWN}" not in page and "and 2 more" in page


def test_a_page_runs_its_commands(generate: ModuleType):
    page = generate.filled("before\n\n<!-- run: flop-harness list suites -->\n\nafter")
    assert page.startswith("before\n\n```console\n$ flop-harness list suites\n")
    assert "seeds" in page and page.endswith("```\n\nafter")
    told = generate.filled("<!-- fail: flop-harness list nothing -->")
    assert "cannot list 'nothing'" in told
    with pytest.raises(RuntimeError, match="ended with 2"):
        generate.filled("<!-- run: flop-harness list nothing -->")


def test_every_page_is_in_the_navigation_and_every_link_leads_somewhere():
    written = {page.name for page in (DOCS / "pages").glob("*.md")}
    made = {"conventions.md", "counters.md", "findings.md", "commands.md"}
    navigation = set(re.findall(r"(\w+\.md)", (ROOT / "mkdocs.yml").read_text().split("nav:")[1]))
    assert navigation == written | made
    for page in (DOCS / "pages").glob("*.md"):
        assert set(re.findall(r"\]\((\w+\.md)\)", page.read_text())) <= navigation


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("mkdocs"), reason="mkdocs is not installed: pip install '.[docs]'"
)
def test_the_site_is_built(tmp_path: Path):
    pages = ROOT / "build" / "docs"
    subprocess.run([sys.executable, DOCS / "generate.py", pages], check=True, cwd=ROOT)
    subprocess.run(["mkdocs", "build", "--strict", "-d", tmp_path], check=True, cwd=ROOT)
    assert (tmp_path / "index.html").is_file()
