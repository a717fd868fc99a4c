"""What tests counted, as GitHub shows it below a step: a row for each model, and what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flop_harness.report.formats.markdown import grid, plain
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import plural

PROPERTY = "flop_account"
"""The property of a test that holds what it counted; JUnit files show it too"""
HEADS = (
    Column("test"), Column("model"), Column("input"), Column("convention"),
    Column("figure", "integer"), Column("unit"), Column("MAC", "integer"),
    Column("parameters", "integer"), Column("not counted"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one test ended, and what it counted."""

    test: str
    outcome: str
    counted: Sequence[Mapping[str, Any]] = ()
    told: str = ""


def markdown(outcomes: Sequence[Outcome]) -> str:
    """A headline, a table of what was counted, and the message of each test that failed."""
    failed = [each for each in outcomes if each.outcome == "failed"]
    blocks = [
        "## What the models cost",
        f"**{plural(len(outcomes), 'test')}, {len(failed):,} failed.**"
        if outcomes
        else "No test uses `flop_account` or `flop_reading`.",
    ]
    rows = tuple(row(each.test, said) for each in outcomes for said in each.counted)
    if rows:
        blocks.append(grid(Table("", HEADS, rows), titled=False))
    blocks += [f"### {plain(each.test)}\n\n{fenced(each.told)}" for each in failed]
    return "\n\n".join(blocks) + "\n\n"


def row(test: str, said: Mapping[str, Any]) -> tuple[Any, ...]:
    return (test, said["model"], said["input"], said["convention"], said["total"], said["unit"],
            said["macs"], said["params"], said["unsupported"])  # fmt: skip


def fenced(text: str) -> str:
    """Text that stands as it is, whatever it holds."""
    longest = max((len(line) - len(line.lstrip("`")) for line in text.splitlines()), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text}\n{fence}"
