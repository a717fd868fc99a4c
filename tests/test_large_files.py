"""Suites and claims of megabytes, of deep nesting, with huge numbers: one line each, and soon."""

from __future__ import annotations

import time

import pytest

from commands import typed

HEAD = 'name = "b"\nversion = 1\n'
CASE = '[[case]]\nid = "a"\nmodel = "torch.nn:Linear"\n'
MEGABYTES = 10_000_000

SUITES = {
    "a comment": HEAD + CASE + "# " + "x" * MEGABYTES,
    "a string": f'{HEAD}description = "{"y" * MEGABYTES}"\n{CASE}',
    "cases": HEAD + CASE * (MEGABYTES // len(CASE)),
    "a key": f"{HEAD}{'k' * MEGABYTES} = 1\n{CASE}",
    "a key of half a megabyte": f"{HEAD}{'k' * 500_000} = 1\n{CASE}",
    "a list": f"{HEAD}{CASE}inputs = [{'[1],' * 2_000_000}]",
    "lists in lists": f"{HEAD}{CASE}inputs = {'[' * 100_000}{']' * 100_000}",
    "lists in lists that can be read": f"{HEAD}{CASE}inputs = {'[' * 100}{']' * 100}",
    "tables in tables": f"{HEAD}{CASE}kwargs.{'a.' * 2_000}b = 1\n",
    "empty tables": HEAD + "".join(f"[t{number}]\n" for number in range(1_000_000)),
    "a size of twenty digits": f"{HEAD}{CASE}inputs = [[{'9' * 20}]]",
    "a size of 4,000 digits": f"{HEAD}{CASE}inputs = [[{'9' * 4_000}]]",
    "a size of 5,000 digits": f"{HEAD}{CASE}inputs = [[{'9' * 5_000}]]",
    "no time limit": f"{HEAD}timeout_s = inf\n{CASE}",
    "a limit that is no number": f"{HEAD}timeout_s = nan\n{CASE}",
    "bytes of nothing": "\0" * MEGABYTES,
    "a counter of a long name": f'{HEAD}counters = ["{"m" * 50_000}"]\n{CASE}',
}


@pytest.mark.parametrize("command", ["compare", "claims"])
@pytest.mark.parametrize("name", SUITES)
def test_a_file_that_is_too_much_is_refused_in_one_line(
    name, command, tmp_path, monkeypatch, record_property
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "big.toml").write_text(SUITES[name])
    begun = time.process_time()
    ended = typed(command, "big.toml", "--out", tmp_path / "out")
    took = time.process_time() - begun
    assert (ended.code, ended.out) == (2, "")
    (line,) = ended.err.splitlines()
    assert line.startswith("flop-harness: big.toml: ")
    assert len(line) < 1_000
    assert took < 2
    record_property("suites and claims that are too much: one line each", 1)
