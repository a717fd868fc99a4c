"""The commands that README and pages show: each is one that a user can type, at two widths."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import typer

from commands import typed
from flop_harness.cli import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "results" / "README.md",
         *sorted((ROOT / "docs" / "pages").glob("*.md"))]  # fmt: skip
COMMAND = typer.main.get_command(app)
TOOLS = ROOT / "docs" / "pages" / "tools.md"

NET = """
import torch

def net():
    layers = torch.nn.Conv2d(3, 40, 3, groups=1), torch.nn.BatchNorm2d(40), torch.nn.Flatten()
    return torch.nn.Sequential(*layers, torch.nn.Linear(40 * 28 * 28, 10)), (torch.rand(1, 3, 30, 30),)
"""


def shown(page: Path) -> list[str]:
    """Lines of a page that are typed, and what is put into it when the site is built."""
    text = page.read_text().replace("\\\n", " ")
    lines = re.findall(r"^\s*\$ (flop-harness .+)$", text, re.MULTILINE)
    lines += re.findall(r"^<!-- run: (flop-harness .+) -->$", text, re.MULTILINE)
    lines += re.findall(r"`(flop-harness [a-z]+(?: [^`]+)?)`", text)
    return [line.partition("  #")[0] for line in lines]


TYPED = [(page.stem, line) for page in PAGES for line in dict.fromkeys(shown(page))]


@pytest.mark.parametrize(("page", "line"), TYPED)
def test_what_a_page_shows_can_be_typed(page: str, line: str):
    parsed(shlex.split(line)[1:])


def parsed(words: list[str]) -> None:
    """Typer takes the words: the command, its options and their values are those that there are."""
    if words and words[0].startswith("--"):
        assert words[0] in ("--version", "--install-completion", "--help")
        return
    name = words[0].split("/")[0]
    assert name in COMMAND.commands, name  # type: ignore[attr-defined]
    given = [word for word in words[1:] if word != "..."]
    if given:  # a page may name a command alone
        COMMAND.commands[name].make_context(name, given)  # type: ignore[attr-defined]


# ------------------------------------------------------------------- the page beside other tools

PREFIXES = tuple(f"{name} " for name in COMMAND.commands)  # type: ignore[attr-defined]


def beside_tools() -> list[str]:
    """What the last column of the page says to type."""
    last = [
        row.rpartition(" | ")[2] for row in TOOLS.read_text().splitlines() if row.startswith("| ")
    ]
    return list(dict.fromkeys(
        line for cell in last for line in re.findall(r"`([^`]+)`", cell) if line.startswith(PREFIXES)
    ))  # fmt: skip


PLACES = {"M": "my.py:net", "A": "my.py:net", "B": "torchvision:alexnet", "SUITE": "seeds",
          "DIR": "results/seeds"}  # fmt: skip
AT_ONCE = ("count", "layers", "formulas", "list")
"""Commands that run nothing"""


def as_typed(line: str) -> list[str]:
    return [PLACES.get(word, word) for word in shlex.split(line)]


def test_the_page_beside_other_tools_holds_commands():
    assert len(beside_tools()) > 25


@pytest.mark.parametrize("line", beside_tools())
def test_what_stands_beside_other_tools_can_be_typed(line: str):
    parsed(as_typed(line))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.py").write_text(NET)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("line", [line for line in beside_tools() if line.startswith(AT_ONCE)])
def test_it_says_the_same_at_two_widths(here: None, line: str, monkeypatch: pytest.MonkeyPatch):
    words = [word for word in as_typed(line) if word != "--json"]
    figures = []
    for width in (80, 120):
        monkeypatch.setenv("COLUMNS", str(width))
        ended = typed(*words)
        assert ended.code == 0, ended.err
        assert "…" not in ended.out
        figures.append(set(re.findall(r"\d[\d,]{3,}", ended.out)))
    assert figures[0] == figures[1]
