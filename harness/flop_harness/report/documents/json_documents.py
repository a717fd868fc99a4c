"""What the commands print with ``--json``: one object each, its keys told in ``SCHEMAS``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from flop_harness.reconcile.changes import Comparison
from flop_harness.records import Bridge, Run
from flop_harness.records.transformer import FormulaBridge
from flop_harness.records.utilisation import Held, Phase, Utilisation
from flop_harness.report.analysis.cells import Cell
from flop_harness.report.analysis.figures import plain
from flop_harness.report.analysis.index import Index
from flop_harness.report.analysis.verdict import verdict
from flop_harness.report.analysis.versions import newer
from flop_harness.report.tables.bridges import BRIDGES, bridges
from flop_harness.report.tables.check import table as moves
from flop_harness.report.tables.readings import MEASURED, READINGS, measured_readings
from flop_harness.report.tables.table import Table
from flop_harness.report.words.links import Link


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a document: what stands under it, and what that means."""

    name: str
    kind: str
    meaning: str


def listed(table: tuple[Any, ...]) -> str:
    return "objects with " + ", ".join(column.name for column in table)


def fields_of(record: type) -> str:
    return "objects with " + ", ".join(each.name for each in fields(record))


SCHEMA = Key("schema", "text", "the command and the version of this form, such as compare/1")
LOOKS = Key("hangs_on_values", "texts", "lines of the model that looked at values, as file:line")
ROWS = (
    SCHEMA,
    Key("title", "text", "what the table is about"),
    Key("units", "object", "the unit of the columns that have one"),
    Key("rows", "objects", "one for each row, its keys the names of the columns"),
    Key("note", "text", "what a reader has to know"),
)
"""Tables as they are shown, every figure exact"""

COUNT = (
    SCHEMA,
    Key("model", "text", "the model reference, and its size in a sweep"),
    Key("convention", "text", "id of the convention"),
    Key("unit", "text", "what it counts"),
    Key("input", "text", "shapes of the inputs"),
    Key("context", "text", "device, grad mode and mode"),
    Key("total", "number", "the figure"),
    Key("params", "integer", "parameters, each once"),
    Key("by_term", "object", "what the figure is made of; by_module and so on with --by"),
    Key("unsupported", "object", "operators without a formula, and how often each ran"),
    Key("hangs_on_values", "object", "lines of the model that looked at values, and the seed"),
)

LENGTH = Key("length", "integer", "tokens of a sequence")
SHAPE = Key(
    "shape", "object", "the model: layers, width, heads and so on, as a file of shapes has them"
)
FORMULA = fields_of(FormulaBridge) + ", residual"

SCHEMAS: Mapping[str, tuple[Key, ...]] = {
    "compare": (
        SCHEMA,
        Key("suite", "text", "name of the suite, or of the model"),
        Key("cases", "objects", "case, model, inputs, macs, params (the reference's; null without "
            "one), not_counted: operators without a formula and how often each ran, and "
            "hangs_on_values: lines of the model that looked at values"),
        Key("readings", listed(READINGS + MEASURED), "what each counter said in each context"),
        Key("bridges", listed(BRIDGES), "each reading from the reference to the figure: the amounts "
            "of a bridge add up to the reading"),
        Key("failures", "objects", "case, stage, message of what failed on our side"),
        Key("newer", "objects", "counter, version, rules_of where a counter is newer than the version "
            "whose rules were read"),
        Key("verdict", "object", "readings, explained, unexplained, failed, unavailable, incomplete"),
    ),
    "explain": (
        SCHEMA,
        Key("bridges", "objects", "case, counter, context, metric, unit, reference, terms (term, "
            "amount, modules: path and amount), residual, reading"),
        Key("not_counted", "object", "operators of the case without a formula, and how often each ran"),
        LOOKS,
        Key("silent", "objects", "case, counter, context, status, message where no figure came"),
    ),
    "convert": (
        SCHEMA,
        Key("model", "text", "the model reference"),
        Key("figure", "text", "the figure as it was given"),
        Key("conversions", "objects", "from, to, context, unit, exact (the figure to the last digit), "
            "value (what it becomes), terms (term, amount)"),
        Key("not_counted", "object", "operators without a formula, and how often each ran"),
        LOOKS,
        Key("remarks", "texts", "how the figure was read, and what it leaves out"),
    ),
    "check": (
        SCHEMA,
        Key("suite", "text", "name of the suite"),
        Key("unchanged", "integer", "figures that are as they were"),
        Key("models", "objects", "case, and changes: what changed in its model, a text each"),
        Key("moved", "objects with counter, version, case, what, golden, now, why, terms",
            "figures that moved"),
    ),
    "layers": (
        SCHEMA,
        Key("model", "text", "the model reference"),
        Key("totals", "object", "figures of the whole model, by name"),
        Key("layers", "objects", "path, type, depth, calls, input, output, parameters, trainable, "
            "macs, share, bytes, output_bytes, kernel, weights (name, shape, trainable), and the figure of each counter that was asked for"),
        Key("not_counted", "object", "operators without a formula, and how often each ran"),
        LOOKS,
    ),
    "ways": (*ROWS, Key("model", "text", "the model reference"),
             Key("figure", "text", "what convert was given, without --from")),
    "list": ROWS, "claims": ROWS, "verify": ROWS,
    "time": (
        *ROWS,
        Key("ratios", "objects", "each case but the first beside it in each series: MACs and time as "
            "multiples, the 95 % interval of time, and whether a difference is shown"),
    ),
    "formulas": (
        SCHEMA, SHAPE,
        LENGTH,
        Key("batch", "integer", "sequences at once"),
        Key("tokens", "integer", "tokens of a training run; null without --tokens"),
        Key("formulas", FORMULA, "FLOPs for each token: from the reference, by terms, to what the "
            "formula says"),
        Key("phases", fields_of(Phase), "FLOPs and bytes of a training step, of a prompt and of one "
            "step of decoding; with --peak what bounds it"),
        Key("memory", fields_of(Held), "what the model takes in memory"),
    ),
    "formulas --drift": (
        SCHEMA, SHAPE,
        Key("versions", FORMULA.replace("with", "with project, date, commit,"),
            "the formula of each dated version of a project"),
    ),
    "mfu": (
        SCHEMA, SHAPE,
        LENGTH,
        Key("tokens_per_second", "number", "of all devices together"),
        Key("gpus", "integer", "devices"),
        Key("peak", "object", "the device's peak, as list peaks has it"),
        Key("utilisation", fields_of(Utilisation), "by each formula of training: FLOPs for each token, "
            "FLOP/s of a device, and their share of the peak"),
        Key("days", "number", "what a run of --tokens takes; null without"),
    ),
    "count": COUNT,
    "counts": (SCHEMA, Key("models", "objects", "of several models: for each the keys of count")),
}  # fmt: skip
"""Command -> the keys of what it prints with ``--json``"""


def comparison(run: Run) -> dict[str, Any]:
    index, ended = Index(run), verdict(run)
    counts = ("readings", "explained", "unexplained", "failed", "unavailable", "incomplete")
    return {
        "schema": "compare/1",
        "suite": run.suite.name,
        "cases": [case_in(index, case.id, case.model) for case in run.suite.cases],
        "readings": rows(measured_readings(run)),
        "bridges": rows(bridges(run)),
        "failures": [{"case": each.case, "stage": each.stage, "message": each.message}
                     for each in run.failures],
        "newer": [each._asdict() for each in newer(run)],
        "verdict": {name: getattr(ended, name) for name in counts},
    }  # fmt: skip


def case_in(index: Index, case: str, model: str) -> dict[str, Any]:
    reference = index.reference_of.get(case)
    macs, params = (index.reference(case, metric) for metric in ("compute", "params"))
    return {
        "case": case,
        "model": model,
        "inputs": reference.inputs if reference else "",
        "macs": None if macs is None else plain(macs),
        "params": None if params is None else plain(params),
        "not_counted": dict(index.run.unsupported.get(case, {})),
        "hangs_on_values": list(index.run.looks.get(case, ())),
    }


def explanation(index: Index, found: Iterable[Bridge], silent: Iterable[Any], case: str) -> dict:
    return {
        "schema": "explain/1",
        "bridges": [bridge_in(bridge) for bridge in found],
        "not_counted": dict(index.run.unsupported.get(case, {})),
        "hangs_on_values": list(index.run.looks.get(case, ())),
        "silent": [{"case": each.case, "counter": each.counter, "context": str(each.context),
                    "status": each.status, "message": each.message} for each in silent],
    }  # fmt: skip


def bridge_in(bridge: Bridge) -> dict[str, Any]:
    return {
        "case": bridge.case, "counter": bridge.counter, "context": str(bridge.context),
        "metric": bridge.metric, "unit": bridge.unit, "reference": bridge.reference,
        "terms": [{"term": step.term, "amount": step.amount, "modules": dict(step.modules)}
                  for step in bridge.steps],
        "residual": bridge.residual, "reading": bridge.reading,
    }  # fmt: skip


def document(command: str, table: Table) -> dict[str, Any]:
    """A table as it is shown, every figure exact."""
    units = {column.name: column.unit for column in table.columns if column.unit}
    return {"schema": f"{command}/1", "title": table.title, "units": units,
            "rows": rows(table), "note": table.note}  # fmt: skip


def rows(table: Table) -> list[dict[str, Any]]:
    return [dict(zip(table.names, map(value_in, row), strict=True)) for row in table.rows]


def value_in(value: Any) -> Any:
    """Plain values as they are; what a table shows in a richer way by its text."""
    if isinstance(value, Cell | Link):
        return value.text
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def conversions(found: Sequence[Any]) -> dict[str, Any]:
    """Of what ``ask.convert`` gives for one figure."""
    first = found[0]
    return {
        "schema": "convert/1",
        "model": first.model,
        "figure": first.figure.text,
        "conversions": [
            {
                "from": each.source.way, "to": each.target.way,
                "context": str(each.target.context or ""), "unit": each.target.unit,
                "exact": each.source.total, "value": each.target.total,
                "terms": [{"term": step.term, "amount": step.amount} for step in each.bridge.steps],
            }
            for each in found
        ],
        "not_counted": dict(first.unsupported),
        "hangs_on_values": list(first.looks),
        "remarks": first.remarks,
    }  # fmt: skip


def check_document(comparison: Comparison) -> dict[str, Any]:
    return {
        "schema": "check/1",
        "suite": comparison.suite,
        "unchanged": len(comparison.unchanged),
        "models": [{"case": case, "changes": list(changes)}
                   for case, changes in comparison.models.items()],
        "moved": rows(moves(comparison)),
    }  # fmt: skip
