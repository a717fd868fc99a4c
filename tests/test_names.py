"""Suites whose names try to be markup, formulas or paths, typed as a user types them."""

from __future__ import annotations

import csv
import json

import pytest

from commands import typed
from flop_harness import store
from runs import HOSTILE

NAMES = [name for name in HOSTILE if "\udc80" not in name]  # which no TOML file can hold
CASE = """
[[case]]
id = {}
model = "torch.nn:Linear"
kwargs = {{ in_features = 4, out_features = 3 }}
inputs = [[2, 4]]
"""
SUITES = [("all ids", NAMES), *((name, [name]) for name in NAMES)]


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def suite_text(name: str, ids: list[str]) -> str:
    head = f"name = {quoted(name)}\nversion = 1\ndescription = {quoted(name)}\n"
    cases = "".join(CASE.format(quoted(each)) for each in ids)
    return head + 'counters = ["numel"]\n' + cases


@pytest.mark.slow
@pytest.mark.parametrize(("name", "ids"), SUITES, ids=range(len(SUITES)))
def test_a_suite_of_any_name_stays_in_its_folder(name, ids, tmp_path, monkeypatch, record_property):
    """2 x 4 x 3 MACs in every case; nothing is written beside ``results``, or under a wild name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wild.toml").write_text(suite_text(name, ids), "utf-8")
    ended = typed("compare", "wild.toml", "--no-timing")
    assert ended.code == 0, ended.err
    assert {path.name for path in tmp_path.iterdir()} == {"wild.toml", "results"}
    (folder,) = (tmp_path / "results").iterdir()
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert all(path.name.isascii() and len(path.name) < 100 for path in written)
    run = store.load(folder)
    assert (run.suite.name, [case.id for case in run.suite.cases]) == (name, ids)
    assert {f.value for f in run.figures if f.convention == "macs"} == {2 * 4 * 3}
    with (folder / "readings.csv").open(encoding="utf-8", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "@", "\t"))]
    record_property("hostile names through a suite into files", len(ids))
