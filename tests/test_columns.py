"""A store in columns gives back the records that went in, and counts them as a report does."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flop_harness.api import collect, open_store
from flop_harness.cli import app
from flop_harness.errors import UserError
from flop_harness.records import Bridge, Reading, Run
from flop_harness.report import verdict
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.verdict import spreads
from flop_harness.report.documents.store import SHOWN
from flop_harness.report.tables.store import SUBJECTS
from flop_harness.store import RUN_SCHEMA, save
from runs import (
    HOSTILE,
    a_bridge,
    a_reading,
    a_run,
    a_suite,
    explained,
    failed_run,
    loud_run,
    small_run,
    wide_run,
)

pytest.importorskip("duckdb")
pytest.importorskip("pyarrow")


def large_run() -> Run:
    """Figures beyond 64 bits, at their edge, and below zero."""
    edges = (2**63 - 1, 2**63, 2**64 + 1, 10**30, -(2**63))
    return a_run([explained(f"edge-{n}", "thop", n, {"bias": n}) for n in edges])


def fraction_run() -> Run:
    """Whole numbers that are floats, and floats that are not."""
    whole = a_reading("whole", "thop", 4e9, figure="4000000000.0")
    return a_run([explained("part", "thop", 7, {"half": 3.125}), (whole, a_bridge(whole, 4, {}))])


def hostile_run() -> Run:
    """Names that a path, a query or an encoding may take for something else."""
    return a_run([explained(name, "thop", 8, {name: 2}) for name in HOSTILE])


RUNS = {make.__name__: make for make in (
    small_run, loud_run, fraction_run, wide_run, failed_run, large_run, hostile_run)}  # fmt: skip


def stored(run: Run, folder: Path, name: str = "small") -> Run:
    """The run as it is found in the store's exchange format, put into the store."""
    cases = (case.id for case in run.suite.cases)
    run = replace(run, schema=RUN_SCHEMA, suite=a_suite(*cases, name=name))
    save(run, folder / "runs" / "one")
    collect([folder / "runs" / "one"], folder / "store")
    return run


def by_counter(records: tuple[Reading | Bridge, ...], case: str) -> list[Reading | Bridge]:
    """In the order of a store: counters by name, else as they come."""
    return sorted((each for each in records if each.case == case), key=lambda each: each.counter)


@pytest.mark.parametrize("name", RUNS)
def test_every_record_comes_back_as_it_went_in(name: str, tmp_path: Path):
    run = stored(RUNS[name](), tmp_path)
    store = open_store(tmp_path / "store")
    for case in run.suite.cases:
        readings, bridges = store.case(case.id, "small")
        assert list(readings) == by_counter(run.readings, case.id)
        assert list(bridges) == by_counter(run.bridges, case.id)


@pytest.mark.parametrize("name", ["small_run", "loud_run", "wide_run"])
def test_the_headline_counts_as_the_report_does(name: str, tmp_path: Path):
    run = stored(RUNS[name](), tmp_path)
    told, found = verdict(run), open_store(tmp_path / "store").headline()
    assert (found.models, found.figures) == (told.cases, told.readings)
    assert (found.explained, found.failed) == (told.explained, told.failed)
    assert found.unavailable == told.unavailable
    wide = spreads(Index(run))
    assert found.widest == (pytest.approx(wide[0].factor) if wide else None)


def test_a_suite_that_is_put_in_again_takes_the_place_of_the_earlier(tmp_path: Path):
    stored(wide_run(), tmp_path)
    stored(loud_run(), tmp_path)
    found = open_store(tmp_path / "store").headline()
    assert (found.models, found.figures, found.explained) == (1, 1, 0)


def test_suites_stand_beside_one_another(tmp_path: Path):
    stored(loud_run(), tmp_path, "one")
    stored(loud_run(), tmp_path, "a/b=c&d")
    store = open_store(tmp_path / "store")
    assert store.headline().figures == 2
    assert store.case("odd", "a/b=c&d") == store.case("odd", "one") != ((), ())


def test_what_is_not_there_is_nothing(tmp_path: Path):
    stored(loud_run(), tmp_path)
    assert open_store(tmp_path / "store").case("no such model", "small") == ((), ())


def test_a_question_of_ones_own_is_sql(tmp_path: Path):
    stored(small_run(), tmp_path)
    sql = "select counter, count(*) from readings where status = 'ok' group by counter order by 1"
    # of small_run: two cases under analytic, thop in both metrics, torch in two contexts and one
    assert open_store(tmp_path / "store").query(sql).fetchall() == [
        ("analytic", 2), ("ptflops-pytorch", 1), ("thop", 4), ("torch", 3)
    ]  # fmt: skip


@pytest.mark.parametrize("sql", ["select nothing from readings", "selekt", "select * from runs"])
def test_sql_that_cannot_be_answered_is_one_line(sql: str, tmp_path: Path):
    stored(loud_run(), tmp_path)
    with pytest.raises(UserError):
        open_store(tmp_path / "store").query(sql)


def test_a_folder_that_holds_no_store_is_told(tmp_path: Path):
    with pytest.raises(UserError, match=r"cannot read .*columns\.json"):
        open_store(tmp_path)
    (tmp_path / "columns.json").write_text('{"schema": 0}')
    with pytest.raises(UserError, match="schema 0"):
        open_store(tmp_path)


# ------------------------------------------------------------------------------------ its report


def sheets(folder: Path) -> dict[str, list[dict[str, str]]]:
    """The report of the store in ``folder`` as a user gets it: rows of each of its sheets."""
    invoked = CliRunner().invoke(app, ["report", str(folder / "store")])
    assert invoked.exit_code == 0, invoked.output
    written = [Path(line) for line in invoked.output.splitlines()]
    assert {path.name for path in written} == {"report.md", *(f"{each}.csv" for each in SUBJECTS)}
    return {
        path.stem: list(csv.DictReader(path.open())) for path in written if path.suffix == ".csv"
    }


def test_the_report_of_a_store_tells_suites_counters_and_models(tmp_path: Path):
    stored(small_run(), tmp_path, "one")
    stored(small_run(), tmp_path, "two")
    told = sheets(tmp_path)
    # Of small_run: 10 figures, all explained, and 2 cells without one
    suites = [tuple(row.values())[:6] for row in told["suites"]]
    assert suites == [(name, "2", "10", "2", "0", "10") for name in ("one", "two")]
    by_name = {row["counter"]: row for row in told["counters"]}
    torch = by_name["torch"]  # in each suite 2 figures of vgg16, equal to 2 FLOP a MAC; 1 of vit
    assert (torch["models"], torch["figures"], torch["failed"]) == ("4", "6", "2")
    assert (torch["explained"], torch["equal to the reference"]) == ("6", "4")
    vit = 17_563_828_224
    thop, counted = vit - 6_277_573_632, vit - 1_430_654_976 / 2
    assert [row["case"] for row in told["models"]] == ["vit", "vit", "vgg16", "vgg16"]
    assert float(told["models"][0]["factor"]) == pytest.approx(counted / thop)
    assert {row["term"] for row in told["terms"] if row["counter"] == "thop"} == {
        "adaptive pool", "attention products not seen", "MultiheadAttention left out"
    }  # fmt: skip
    assert told["unexplained"] == []


def test_the_report_of_a_store_names_what_is_not_explained(tmp_path: Path):
    stored(loud_run(), tmp_path)
    (row,) = sheets(tmp_path)["unexplained"]
    assert (row["case"], row["counter"], row["residual"]) == ("odd", "thop", "7")
    page = (tmp_path / "store" / "report.md").read_text()
    assert "On 1 model, no two counters gave a figure of the same model; 0 of 1 figure" in page


def test_a_page_of_a_store_shows_the_first_rows_and_names_the_rest(tmp_path: Path):
    terms = {f"term {n}": n for n in range(1, SHOWN + 4)}
    stored(a_run([explained("wide", "thop", 8, terms)]), tmp_path)
    assert len(sheets(tmp_path)["terms"]) == SHOWN + 3
    assert "3 more in terms.csv." in (tmp_path / "store" / "report.md").read_text()


@pytest.mark.parametrize("name", RUNS)
def test_a_report_of_any_store_is_made(name: str, tmp_path: Path):
    run = stored(RUNS[name](), tmp_path)
    unexplained = sum(not bridge.explained for bridge in run.bridges)
    assert len(sheets(tmp_path)["unexplained"]) == unexplained


def test_a_format_that_a_store_has_not_is_told(tmp_path: Path):
    stored(loud_run(), tmp_path)
    invoked = CliRunner().invoke(app, ["report", str(tmp_path / "store"), "--format", "pdf"])
    assert isinstance(invoked.exception, UserError)
    assert not (tmp_path / "store" / "report.md").exists()
