"""Runs in columns (Parquet), for questions over many runs; ``store.queries`` asks them.

``readings/suite=S/counter=C/part.parquet`` and ``bridges/...`` hold the fields that are asked for as
columns, and the rest of each record as JSON. Breakdowns are many and often equal: each stands once in
``details/suite=S/part.parquet``, and records hold its number; the names in it, which breakdowns of a
model share, are a detail of their own. Rows are sorted by case.
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
from flop_harness.store.documents import compact, lean
from flop_harness.store.files import write_atomically
from flop_harness.store.schema import COLUMNS_FILE, COLUMNS_SCHEMA

ASKED = ("case", "metric", "unit")
LARGEST = 2**63 - 1
ROWS = 2048
"""Of a row group: what is read at least, for one case of one counter"""
NOTHING: dict[str, list[dict[str, Any]]] = {"none": []}
"""A file without rows: a question finds the columns even where nothing was read"""
PAGE = 1 << 23
"""Bytes that are compressed as one"""
LEVEL = 15
"""Of zstd"""

TYPES = {"value": "int64", "reference": "int64", "reading": "int64", "residual": "int64",
         "seconds": "float64", "explained": "bool_", "in_context": "bool_",
         "number": "int32", "names": "int32"}  # fmt: skip
"""Of columns that are not text"""

COLUMNS = {
    "readings": (*ASKED, "context", "version", "status", "value", "seconds", "rest"),
    "bridges": (
        *ASKED, "context", "reference", "reading", "residual", "explained", "in_context", "rest",
    ),
    "details": ("number", "names", "amounts", "text"),
}  # fmt: skip


def write_columns(run: Run, folder: Path | str) -> None:
    """Put a run into a store in place of what it holds of that suite."""
    folder, kept = Path(folder), dict[str, int]()
    suite = place_of(run.suite.name)
    tables = rows_of(run, kept)
    write(folder / "details" / suite, "details", details_in(kept))
    for kind, by_counter in tables.items():
        home = folder / kind / suite
        fresh = {
            f"counter={quote(counter, safe='')}": rows
            for counter, rows in (by_counter or NOTHING).items()
        }
        for name, rows in fresh.items():
            write(home / name, kind, rows)
        for stale in home.glob("counter=*"):
            if stale.name not in fresh:
                shutil.rmtree(stale)
    write_atomically(folder / COLUMNS_FILE, json.dumps({"schema": COLUMNS_SCHEMA}).encode())


def place_of(suite: str) -> str:
    """The folder of a suite, as hive-partitioned files are called."""
    return f"suite={quote(suite, safe='')}"


def rows_of(run: Run, kept: dict[str, int]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Kind -> counter -> rows. Case by case, so that what they share has numbers near each other."""
    tables: dict[str, Any] = {kind: defaultdict(list) for kind in ("readings", "bridges")}
    for _, records in sorted(by_case(run).items()):
        for record in records:
            kind = "bridges" if isinstance(record, Bridge) else "readings"
            tables[kind][record.counter].append(row_of(record, kept))
    return tables


def details_in(kept: dict[str, int]) -> list[dict[str, Any]]:
    """A row for each detail: names and amounts of a mapping to integers, else its JSON."""
    rows, names = [], dict[str, int]()
    for text, number in kept.items():
        value = json.loads(text)
        if isinstance(value, dict) and value and all(map(fits, value.values())):
            place = names.setdefault(compact(list(value)), len(kept) + len(names))
            rows.append({"number": number, "names": place, "amounts": list(value.values())})
        else:
            rows.append({"number": number, "text": text})
    return rows + [{"number": number, "text": text} for text, number in names.items()]


def by_case(run: Run) -> dict[str, list[Reading | Bridge]]:
    found: dict[str, list[Reading | Bridge]] = defaultdict(list)
    records: tuple[Reading | Bridge, ...] = (*run.readings, *run.bridges)
    for record in records:
        found[record.case].append(record)
    return found


def row_of(record: Reading | Bridge, kept: dict[str, int]) -> dict[str, Any]:
    """Columns, and as JSON what they do not hold: an integer beyond 64 bits and a fraction too."""
    rest = lean(record, kept)
    row: dict[str, Any] = {}
    for name in COLUMNS["bridges" if isinstance(record, Bridge) else "readings"][:-1]:
        value = str(record.context) if name == "context" else getattr(record, name)
        row[name] = held(value) if TYPES.get(name) != "int64" or fits(value) else None
        if row[name] is not None and row[name] == value and name != "context":
            rest.pop(name, None)
    rest.pop("counter")
    if row.get("value") is not None and rest.get("figure") == str(row["value"]):
        rest["figure"] = True  # as the value is written
    return {**row, "rest": compact(rest)}


def held(value: Any) -> Any:
    """Text without what UTF-8 does not know; anything else as it is."""
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def fits(value: Any) -> bool:
    return type(value) is int and -LARGEST - 1 <= value <= LARGEST


def write(folder: Path, kind: str, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {name: getattr(pa, TYPES.get(name, "string"))() for name in COLUMNS[kind]}
    schema = pa.schema({**kinds, "amounts": pa.list_(pa.int64())} if "amounts" in kinds else kinds)
    content = io.BytesIO()
    table = pa.Table.from_pylist(rows, schema=schema)
    plain = ("rest", "text", "amounts")  # all different: a dictionary would hold each twice
    pq.write_table(
        table, content, row_group_size=ROWS, compression="zstd", compression_level=LEVEL,
        data_page_size=PAGE,
        use_dictionary=[name for name in schema.names if name not in plain],
    )  # fmt: skip
    write_atomically(folder / "part.parquet", content.getvalue())
