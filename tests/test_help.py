"""``--help`` of every command says all that was written for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import typer

from commands import typed
from flop_harness import __version__, cli
from flop_harness.cli import app

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
FRAME = re.compile(r"[│╭╮╰╯─]")


def written(command) -> Iterator[str]:
    """What the author wrote: of the command, of each of its options, and of their defaults."""
    yield command.help
    for parameter in command.params:
        yield parameter.help or ""
        if isinstance(getattr(parameter, "show_default", None), str):
            yield f"[default: ({parameter.show_default})]"


def spoken(text: str) -> list[str]:
    return FRAME.sub(" ", text).split()


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_lost_from_the_help_of_a_command(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 400)
    ended = typed(name, "--help")
    assert ended.code == 0
    shown = " ".join(spoken(ended.out))
    lost = [text for text in written(COMMANDS[name]) if " ".join(text.split()) not in shown]
    assert lost == []


@pytest.mark.parametrize("name", COMMANDS)
def test_no_word_of_the_help_is_cut_off_on_80_columns(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("typer.rich_utils.MAX_WIDTH", 80)
    shown = typed(name, "--help").out
    assert [line for line in shown.splitlines() if "…" in line] == []


def test_commands_stand_in_the_order_in_which_they_are_learnt():
    shown = [command.callback.__wrapped__.__module__ for command in COMMANDS.values()]
    assert shown == [module.__name__ for module in cli.COMMANDS]


def test_every_option_and_argument_is_explained():
    silent = [
        (name, parameter.name)
        for name, command in COMMANDS.items()
        for parameter in command.params
        if parameter.name != "help" and not getattr(parameter, "help", None)
    ]
    assert silent == []


def test_the_version_is_told():
    ended = typed("--version")
    assert (ended.code, ended.out) == (0, f"flop-harness {__version__}\n")


@pytest.mark.parametrize("width", [80, 100, 120])
def test_tables_are_as_wide_as_columns_says(width: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = typed("list", "conventions").out.splitlines()
    assert max(map(len, lines)) <= width
