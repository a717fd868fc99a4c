"""The documentation: its examples run as they stand there, and it says what the code says."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import torch

from flop_harness.ask.convert import case_of
from flop_harness.ask.ways import Rules
from flop_harness.audit import claims
from flop_harness.counters import counters
from flop_harness.counters.versions.catalogue import CATALOGUE
from flop_harness.formulas.registry import FORMULAS
from flop_harness.reconcile.bridges import bridge
from flop_harness.records import Call, Context, Reading
from flop_harness.suite import files as suites
from flop_harness.trace.recorder import recorded
from flop_harness.trace.walk import operators

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
WRITTEN = [*ROOT.glob("*.md"), ROOT / "results" / "README.md", *(DOCS / "pages").glob("*.md")]
FENCED = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
GENERATED = {
    "json.md",
    "conventions.md",
    "counters.md",
    "findings.md",
    "commands.md",
    "reported.md",
}
sys.path.insert(0, str(DOCS))  # its scripts import one another, as where they are run


CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SLOW = pytest.mark.slow


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


@pytest.fixture(scope="module")
def refresh() -> ModuleType:
    return loaded(DOCS / "refresh.py")


def pasted(page: Path, number: int) -> dict[str, object]:
    """What an example defines, run as it stands on a page."""
    names: dict[str, object] = {"__name__": "pasted"}
    exec(FENCED.findall(page.read_text())[number], names)
    return names


def test_the_example_of_a_counter_runs_as_pasted_and_is_explained():
    counter = pasted(DOCS / "pages" / "adding.md", 0)["COUNTER"]
    module, args, kwargs = loaded(DOCS / "examples" / "net.py").net()
    answer = counter.read(module, args, kwargs, Context())
    assert answer.compute == 2 * 8 * 8 * 8  # two for each output of the convolution
    with torch.no_grad():
        trace = recorded(lambda: (module, args, kwargs))
    reading = Reading("net", counter.id, "", trace.context, "compute", "MAC", "ok", answer.compute)
    assert bridge(reading, counter, trace, trace).residual == 0


def test_the_example_of_a_formula_runs_as_pasted(monkeypatch: pytest.MonkeyPatch):
    known = {name: each for name, each in FORMULAS.items() if name != "aten.mv"}
    monkeypatch.setattr("flop_harness.formulas.registry.FORMULAS", known)
    mv = pasted(DOCS / "pages" / "adding.md", 1)["mv"]
    (call,) = calls_of(torch.mv, torch.rand(3, 5), torch.rand(5))
    assert mv(call).products[0].macs == 3 * 5


def calls_of(function, *args: torch.Tensor) -> list[Call]:
    class Once(torch.nn.Module):
        def forward(self, *given):
            return function(*given)

    trace = recorded(lambda: (Once(), args, {}))
    return [visit.call for visit in operators(trace) if visit.call.packet == "aten.mv"]


def test_the_examples_of_the_readme_run_as_pasted(tmp_path: Path):
    in_a_script, in_a_test = FENCED.findall((ROOT / "README.md").read_text())
    names: dict[str, object] = {}
    only_counting = [line for line in in_a_script.splitlines() if "compare" not in line]
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec("\n".join(only_counting), names)
    assert said.getvalue() == "1814073344\n"
    (tmp_path / "test_budget.py").write_text(in_a_test)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "1 passed" in ended.stdout


@pytest.mark.parametrize("command", ["count", "explain", pytest.param("compare", marks=SLOW)])
def test_the_readme_shows_what_a_command_prints(command: str, refresh: ModuleType):
    text = (ROOT / "README.md").read_text()
    (block,) = [each[0] for each in refresh.BLOCK.finditer(text) if each[1].split()[1] == command]
    assert refresh.with_output(block) == block, "written anew by: python docs/refresh.py"


def test_the_readme_is_short_and_as_wide_as_a_terminal():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert len(lines) <= 150
    shown = [line for block in CONSOLE.findall("\n".join(lines)) for line in block.splitlines()]
    tables = [line for line in shown if not line.startswith("$ ") and not line.endswith(".")]
    assert [line for line in tables if len(line) > 80] == []


@pytest.mark.parametrize("page", ["suites", "claims"])
def test_every_key_of_a_file_stands_in_the_documentation(page: str, refresh: ModuleType):
    text = (DOCS / "pages" / f"{page}.md").read_text()
    assert refresh.with_keys(text) == text, "written anew by: python docs/refresh.py"
    for table in refresh.reference.__globals__["FILES"][page]:
        for key in table.__struct_fields__:
            escaped = key.replace("_", r"\_")
            rows = re.findall(
                rf"^\| {re.escape(escaped)} \| .+ \| .* \| (.+) \|$", text, re.MULTILINE
            )
            assert rows and all(rows), f"{key} has no meaning"


def test_the_example_of_a_suite_and_of_claims_are_read(tmp_path: Path):
    toml = re.compile(r"^```toml\n(name = .*?|source = .*?)^```$", re.MULTILINE | re.DOTALL)
    for page, load in (
        ("suites.md", suites.load),
        ("tutorial.md", suites.load),
        ("claims.md", claims.load),
    ):
        (text,) = toml.findall((DOCS / "pages" / page).read_text())
        (tmp_path / "mine.toml").write_text(text)
        assert load(tmp_path / "mine.toml")


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_path_leads_somewhere(page: Path):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        known = page.parent == DOCS / "pages" and target in GENERATED
        assert known or (page.parent / target).exists(), target
    for path in re.findall(r"`((?:harness|suites|docs|tests)/[\w/.-]*)`", text):
        assert (ROOT / path).exists(), path


def test_the_house_in_contributing_is_the_house():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    drawn = re.findall(r"^  (\w+)/ ", text, re.MULTILINE)
    package = ROOT / "harness" / "flop_harness"
    assert set(drawn) == {each.parent.name for each in package.glob("*/__init__.py")}
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    order = [name.rpartition(".")[2] for name in reversed(layers["contracts"][0]["layers"])]
    assert drawn == [name for name in order if name in drawn]


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
    for word in (
        "## explain",
        "## convert",
        "## report",
        "--from",
        "--github",
        "--depth",
        "Default: ",
    ):
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


def test_every_page_is_in_the_navigation():
    written = {page.name for page in (DOCS / "pages").glob("*.md")}
    navigation = set(re.findall(r"(\w+\.md)", (ROOT / "mkdocs.yml").read_text().split("nav:")[1]))
    assert navigation == written | GENERATED


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("mkdocs"), reason="mkdocs is not installed: pip install '.[docs]'"
)
def test_the_site_is_built(tmp_path: Path):
    pages = ROOT / "build" / "docs"
    subprocess.run([sys.executable, DOCS / "generate.py", pages], check=True, cwd=ROOT)
    subprocess.run(["mkdocs", "build", "--strict", "-d", tmp_path], check=True, cwd=ROOT)
    assert (tmp_path / "index.html").is_file()
