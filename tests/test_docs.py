"""The documentation: its examples run as they stand there, and it says what the code says."""

from __future__ import annotations

import contextlib
import functools
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

from flop_harness.audit import claims
from flop_harness.counters import counters
from flop_harness.counters.versions.catalogue import CATALOGUE
from flop_harness.formulas.registry import FORMULAS
from flop_harness.reconcile.bridges import bridge
from flop_harness.records import Call, Context, Reading
from flop_harness.suite import files as suites
from flop_harness.trace.attempts import recorded
from flop_harness.trace.walk import operators

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted((DOCS / "pages").glob("*.md"))
WRITTEN = [*ROOT.glob("*.md"), ROOT / "results" / "README.md", *PAGES]
COMMITTED = [*WRITTEN, *(ROOT / "results").rglob("*.md"), *(ROOT / "tests").rglob("*.md")]
FENCED = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = re.compile(r"keys: \w+|end of keys|(end of )?families|Written by docs/refresh.py .*")
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
def lookup() -> ModuleType:
    return loaded(DOCS / "lookup.py")


@pytest.fixture(scope="module")
def blocks() -> ModuleType:
    return loaded(DOCS / "blocks.py")


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
def test_the_readme_shows_what_a_command_prints(command: str, blocks: ModuleType):
    text = (ROOT / "README.md").read_text()
    (block,) = [each[0] for each in blocks.SHOWN.finditer(text) if each[1].split()[1] == command]
    assert blocks.with_output(block) == block, "written anew by: python docs/refresh.py"


@pytest.mark.slow
@pytest.mark.parametrize("page", ["bridges", "convert", "layers", "tutorial"])
def test_a_page_shows_what_its_commands_print(page: str, refresh: ModuleType):
    text = (DOCS / "pages" / f"{page}.md").read_text()
    assert refresh.current(text) == text, "written anew by: python docs/refresh.py"


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_reads_whole_in_the_repository(page: Path):
    text = page.read_text()
    assert [
        said for said in re.findall(r"<!-- *(.*?) *-->", text) if not MARK.fullmatch(said)
    ] == []
    assert re.findall(r":\n+(?=#|\Z)", text) == []  # what is announced stands there
    blocks = CONSOLE.findall(text)
    assert all(block.startswith("$ ") for block in blocks)
    printed = [line for block in blocks for line in block.splitlines() if not line.startswith("$ ")]
    assert [line for line in printed if len(line) > 80] == []
    assert str(ROOT) not in text


@pytest.mark.parametrize(
    "page", ["conventions", "counters", "commands", "json", pytest.param("reported", marks=SLOW)]
)
def test_a_page_to_look_things_up_says_what_the_code_says(page: str, lookup: ModuleType):
    text = (DOCS / "pages" / f"{page}.md").read_text()
    assert lookup.page(f"{page}.md") == text, "written anew by: python docs/refresh.py"


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


@pytest.mark.parametrize("page", COMMITTED, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_and_path_leads_somewhere(page: Path):
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"(?:\]\(|href=\"|src=\")(?!https?:|#)([^)#\"]+)", text):
        assert (page.parent / target).resolve() in committed(), target
    for path in re.findall(r"`((?:harness|suites|docs|tests)/[\w/.-]*)`", text):
        assert (ROOT / path).exists() or (page.parent / path).exists(), path


@functools.cache
def committed() -> set[Path]:
    """Files of the repository and their folders. Where git is missing, all that lie there."""
    try:
        asked = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
        files = [ROOT / line for line in done.stdout.splitlines()]
    except (OSError, subprocess.CalledProcessError):
        files = list(ROOT.rglob("*"))
    return {*files, *(folder for file in files for folder in file.parents)}


def test_the_house_in_contributing_is_the_house():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    drawn = re.findall(r"^  (\w+)/ ", text, re.MULTILINE)
    package = ROOT / "harness" / "flop_harness"
    assert set(drawn) == {each.parent.name for each in package.glob("*/__init__.py")}
    layers = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    order = [name.rpartition(".")[2] for name in reversed(layers["contracts"][0]["layers"])]
    assert drawn == [name for name in order if name in drawn]


def test_every_convention_has_its_worked_example():
    page = (DOCS / "pages" / "conventions.md").read_text()
    assert re.findall(r"^## (\S+)$", page, re.MULTILINE) == list(CATALOGUE)
    sections = page.split("\n## ")[1:]
    assert all("*Source:*" in each and "*Of the example" in each for each in sections)
    macs = 8 * 8 * 8 * 27 + 8 * 5
    assert f"*Of the example:* {macs:,} MAC" in sections[0]


def test_every_counter_has_its_rules_and_source():
    page = (DOCS / "pages" / "counters.md").read_text()
    assert re.findall(r"^## (\S+)$", page, re.MULTILINE) == list(counters())
    assert page.count("| its rules follow |") == len(counters())


def test_every_counter_is_told_by_its_own_file(lookup: ModuleType):
    """A fork or a second backend shares how it is called with another, not what it charges."""
    told = {name: lookup.rules_told(counter) for name, counter in counters().items()}
    assert told["ultralytics-thop"].startswith("ultralytics-thop 2.2.3: a fork of thop")
    assert len(set(told.values())) == len(told) and all(told.values())


def test_every_command_stands_with_its_options():
    page = (DOCS / "pages" / "commands.md").read_text()
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
    rows += [
        f"thop,thop does thing {n}.,{generate.SHOWN - n},net" for n in range(generate.SHOWN + 2)
    ]
    (folder / "findings.csv").write_text("\n".join(rows) + "\n")
    page = "\n\n".join(generate.findings_of(folder / "findings.csv"))
    assert "Two counters differ." in page
    assert f"thop does thing 0. {generate.SHOWN} figures;" in page
    assert f"thop does thing {generate.SHOWN - 1}. 1 figure;" in page
    assert f"thing {generate.SHOWN}" not in page and "and 2 more" in page


def test_a_block_with_output_is_run_and_one_without_stays(blocks: ModuleType):
    alone = "```console\n$ flop-harness compare mine.toml\n```\n"
    page = blocks.with_output(f"{alone}```console\n$ flop-harness list suites\nold\n```\nafter")
    assert page.startswith(f"{alone}```console\n$ flop-harness list suites\n")
    assert "seeds" in page and "\nold\n" not in page and page.endswith("```\nafter")
    told = "```console\n$ flop-harness list nothing\n{}\n```"
    assert "cannot list 'nothing'" in blocks.with_output(told.format("flop-harness: no"))
    with pytest.raises(RuntimeError, match="ended with 2"):
        blocks.with_output(told.format("something"))


def test_the_built_pages_lead_to_results_and_findings(generate: ModuleType, tmp_path: Path):
    text = "![Map](../../results/seeds/heatmap.svg) [Findings](../../results/README.md)"
    assert (
        generate.with_results(text, tmp_path) == "![Map](seeds-heatmap.svg) [Findings](findings.md)"
    )
    assert (tmp_path / "seeds-heatmap.svg").is_file()
    page = generate.with_counters("## thop\n\n## unheard-of")
    assert page.startswith("## thop\n\n<a href") and page.endswith("</a>\n\n## unheard-of")


def test_the_documentation_has_the_bar_and_the_colours_of_the_pages_of_results(
    generate: ModuleType,
):
    pages = ROOT / "harness" / "flop_harness" / "report" / "pages" / "site"
    names = re.compile(r"\('(\w+)', '(\w+)'\)")
    bar, ours = (
        names.findall(file.read_text())
        for file in (pages / "base.html.j2", DOCS / "theme" / "partials" / "header.html")
    )
    assert bar == ours and len(bar) > 3
    tokens, own = (style.read_text() for style in generate.STYLES)
    assert re.findall(r"#[0-9a-f]{3,8}\b|rgb|hsl", own) == []
    assert set(re.findall(r"var\((--\w+)\)", own)) <= set(re.findall(r"(--\w+):", tokens))


def test_every_page_is_in_the_navigation():
    written = {page.name for page in PAGES}
    navigation = set(re.findall(r"(\w+\.md)", (ROOT / "mkdocs.yml").read_text().split("nav:")[1]))
    assert navigation == written | {"findings.md"}


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("mkdocs"), reason="mkdocs is not installed: pip install '.[docs]'"
)
def test_the_site_is_built(tmp_path: Path):
    pages = ROOT / "build" / "docs"
    subprocess.run([sys.executable, DOCS / "generate.py", pages], check=True, cwd=ROOT)
    subprocess.run(["mkdocs", "build", "--strict", "-d", tmp_path], check=True, cwd=ROOT)
    assert (tmp_path / "index.html").is_file()
