"""Runs in columns (Parquet), for questions over many runs; ``store.queries`` asks them.

``readings/suite=S/counter=C/part.parquet`` and ``bridges/...`` hold the fields that are asked for as
columns, and the rest of each record as JSON. Breakdowns are many and often equal: each stands once in
``details/suite=S/part.parquet``, and records hold its number. Rows are sorted by case.
"""

from __future__ import annotations

import io
import json
import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flop_harness.records import Bridge, Reading, Run
from flop_harness.store.documents import lean
from flop_harness.store.files import write_atomically
from flop_harness.store.schema import COLUMNS_SCHEMA

ASKED = ("case", "metric", "unit")
LARGEST = 2**63 - 1
ROWS = 20_000
"""Of a row group: what is read at least, for one case of one counter"""
LEVEL = 12
"""Of zstd"""

TYPES = {"value": "int64", "reference": "int64", "reading": "int64", "residual": "int64",
         "seconds": "float64", "explained": "bool_", "in_context": "bool_",
         "number": "int32"}  # fmt: skip
"""Of columns that are not text"""

COLUMNS = {
    "readings": (*ASKED, "context", "version", "status", "value", "seconds", "rest"),
    "bridges": (
        *ASKED, "context", "reference", "reading", "residual", "explained", "in_context", "rest",
    ),
    "details": ("number", "text"),
}  # fmt: skip


def write_columns(run: Run, folder: Path | str) -> None:
    """Put a run into a store in place of what it holds of that suite."""
    folder, kept = Path(folder), dict[str, int]()
    suite = f"suite={quote(run.suite.name, safe='')}"
    tables = rows_of(run, kept)
    details = [{"number": number, "text": text} for text, number in kept.items()]
    write(folder / "details" / suite, "details", details)
    for kind, by_counter in tables.items():
        home = folder / kind / suite
        fresh = {f"counter={quote(counter, safe='')}": rows for counter, rows in by_counter.items()}
        for name, rows in fresh.items():
            write(home / name, kind, rows)
        for stale in home.glob("counter=*"):
            if stale.name not in fresh:
                shutil.rmtree(stale)
    write_atomically(folder / "columns.json", json.dumps({"schema": COLUMNS_SCHEMA}).encode())


def rows_of(run: Run, kept: dict[str, int]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Kind -> counter -> rows. Case by case, so that what they share has numbers near each other."""
    tables: dict[str, Any] = {kind: defaultdict(list) for kind in ("readings", "bridges")}
    for _, records in sorted(by_case(run).items()):
        for record in records:
            kind = "bridges" if isinstance(record, Bridge) else "readings"
            tables[kind][record.counter].append(row_of(record, kept))
    return tables


def by_case(run: Run) -> dict[str, list[Reading | Bridge]]:
    found: dict[str, list[Reading | Bridge]] = defaultdict(list)
    for record in (*run.readings, *run.bridges):
        found[record.case].append(record)
    return found


def row_of(record: Reading | Bridge, kept: dict[str, int]) -> dict[str, Any]:
    """Columns, and as JSON what they do not hold: an integer beyond 64 bits and a fraction too."""
    columns = COLUMNS["bridges" if isinstance(record, Bridge) else "readings"][:-1]
    rest = lean(record, kept)
    row: dict[str, Any] = {}
    for name in columns:
        value = str(record.context) if name == "context" else getattr(record, name)
        row[name] = value if TYPES.get(name) != "int64" or fits(value) else None
        if row[name] is not None and name != "context":
            rest.pop(name, None)
    return {**row, "rest": json.dumps(rest, separators=(",", ":"))}


def fits(value: Any) -> bool:
    return type(value) is int and abs(value) <= LARGEST


def write(folder: Path, kind: str, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, getattr(pa, TYPES.get(name, "string"))()) for name in COLUMNS[kind]])
    content = io.BytesIO()
    table = pa.Table.from_pylist(rows, schema=schema)
    plain = ("rest", "text")  # long and all different: a dictionary would hold each twice
    pq.write_table(
        table, content, row_group_size=ROWS, compression="zstd", compression_level=LEVEL,
        use_dictionary=[name for name in schema.names if name not in plain],
    )  # fmt: skip
    write_atomically(folder / "part.parquet", content.getvalue())
