"""Questions to a store in columns: nothing is read but what is asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from flop_harness.errors import UserError, extras_named, raised
from flop_harness.records import Bridge, Reading
from flop_harness.store.columns import COLUMNS, held, place_of
from flop_harness.store.documents import DETAILS, damaged, read, restore_details, restored
from flop_harness.store.schema import COLUMNS_FILE, COLUMNS_SCHEMA, require_schema

OURS = ("analytic", "numel")
"""Counters that restate the reference: what is said of counters is said of the others"""

COUNTS = """
select count(distinct (suite, "case")), count(*) filter (status = 'ok'),
       (select count(*) filter (explained) from bridges),
       count(*) filter (status <> 'ok' and status <> 'unavailable'),
       count(*) filter (status = 'unavailable')
from readings
"""

SPREAD = """
with spread as (
    select suite, "case", count(*) as figures, min(macs) as lowest, max(macs) as highest,
           max(macs) / min(macs) as factor
    from (
        select suite, "case", value / (case unit when 'FLOP' then 2 else 1 end) as macs
        from readings
        where status = 'ok' and metric = 'compute' and value <> 0 and counter <> 'analytic'
    ) group by suite, "case" having count(*) > 1
)
"""
"""Of each model that two counters gave a figure of: MACs at least and at most, and how far apart"""

SPREADS = f"{SPREAD} select quantile_disc(factor, 0.5), max(factor) from spread"


@dataclass(frozen=True, slots=True)
class Headline:
    """A store in figures; ``median`` and ``widest`` are largest / smallest figure of a model."""

    models: int
    figures: int
    explained: int
    failed: int
    unavailable: int
    median: float | None
    widest: float | None


class Columns:
    """A store in columns in a folder. UserError where there is none, or DuckDB is missing."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        file = self.folder / COLUMNS_FILE
        try:
            document = json.loads(read(file))
        except ValueError as error:
            raise damaged(str(file), error) from error
        require_schema(document, str(file), COLUMNS_SCHEMA)

    @cached_property
    def connection(self) -> Any:
        """DuckDB with the views ``readings``, ``bridges`` and ``details``, of all suites."""
        connection = opened()
        for kind in COLUMNS:
            connection.execute(f"create view {kind} as select * from {self._files(kind)}")
        return connection

    def _files(self, kind: str, suite: str = "*") -> str:
        """A kind of all suites, or of one, as a query names it."""
        home = "suite=*" if suite == "*" else place_of(suite)
        inner = "part.parquet" if kind == "details" else "counter=*/part.parquet"
        places = str(self.folder.resolve() / kind / home / inner).replace("'", "''")
        return f"read_parquet('{places}', hive_partitioning = true, hive_types_autocast = false)"

    def query(self, sql: str, given: tuple[Any, ...] = ()) -> Any:
        """What DuckDB answers, to be fetched as rows, arrow or pandas; UserError for bad SQL."""
        return self._answered(self.connection, sql, given)

    def _answered(self, connection: Any, sql: str, given: tuple[Any, ...] = ()) -> Any:
        import duckdb

        try:
            return connection.execute(sql, given)
        except duckdb.Error as error:
            raise UserError(f"{self.folder}: {raised(error)}") from error

    def headline(self) -> Headline:
        counts, spread = self.query(COUNTS).fetchone(), self.query(SPREADS).fetchone()
        return Headline(*counts, *spread)

    def case(self, case: str, suite: str) -> tuple[tuple[Reading, ...], tuple[Bridge, ...]]:
        """All that is known of one model, as records; nothing where the store has no such suite."""
        if not (self.folder / "details" / place_of(suite)).is_dir():
            return (), ()
        readings, bridges = (self._rows(kind, case, suite) for kind in ("readings", "bridges"))
        kept = self._details([*readings, *bridges], suite)
        restore_details([{"readings": readings, "bridges": bridges}], kept, str(self.folder))
        source = str(self.folder)
        return (restored(readings, tuple[Reading, ...], source),
                restored(bridges, tuple[Bridge, ...], source))  # fmt: skip

    def _rows(self, kind: str, case: str, suite: str) -> list[dict[str, Any]]:
        names = ["counter", *COLUMNS[kind]]
        chosen = ", ".join(f'"{name}"' for name in names)
        sql = f'select {chosen} from {self._files(kind, suite)} where "case" = ?'
        return [record_in(dict(zip(names, row, strict=True)))
                for row in self._answered(without_views().cursor(), sql, (held(case),)).fetchall()]  # fmt: skip

    def _details(self, records: list[dict[str, Any]], suite: str) -> dict[int, Any]:
        numbers = {number for record in records for number in numbers_in(record)}
        rows = self._numbered(numbers, suite)
        names = {number: json.loads(text) for number, (_, _, text) in self._numbered(
            {place for place, _, _ in rows.values() if place is not None}, suite).items()}  # fmt: skip
        return {
            number: json.loads(text)
            if place is None
            else dict(zip(names[place], amounts, strict=True))
            for number, (place, amounts, text) in rows.items()
        }

    def _numbered(self, numbers: set[int], suite: str) -> dict[int, tuple[Any, ...]]:
        if not numbers:
            return {}
        listed = ", ".join(map(str, sorted(numbers)))
        names = ", ".join(COLUMNS["details"])
        sql = f"select {names} from {self._files('details', suite)} where number in ({listed})"
        rows = self._answered(without_views().cursor(), sql).fetchall()
        return {number: row for number, *row in rows}


def opened() -> Any:
    with extras_named():
        import duckdb

    connection = duckdb.connect()
    connection.execute("set parquet_metadata_cache = true")
    return connection


@cache
def without_views() -> Any:
    """For questions that name their files: to open it, and to look at all suites, takes a while."""
    return opened()


def record_in(row: dict[str, Any]) -> dict[str, Any]:
    """A record as plain data: its columns, and what stands in JSON beside them."""
    rest = json.loads(row.pop("rest"))
    told = {name: value for name, value in row.items() if value is not None}
    for derived in ("context", "explained", "in_context"):
        told.pop(derived, None)
    if rest.get("figure") is True:
        rest["figure"] = str(row["value"])
    return {**told, **rest}


def numbers_in(record: Mapping[str, Any]) -> list[int]:
    """The details that a reading, or the steps of a bridge, refer to."""
    return [
        holder[name]
        for holder in record.get("steps", [record])
        for name in DETAILS
        if name in holder
    ]
