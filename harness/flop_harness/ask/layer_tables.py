"""The layers of a model, and its totals, as neutral tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from flop_harness.ask.layers import Layer, Layers
from flop_harness.errors import UserError, suggest
from flop_harness.report.tables.table import INDENT, Column, Table
from flop_harness.report.words.text import digits, hanging, human, left_out, plural

HEADS = (
    Column("layer"), Column("type"), Column("kernel"), Column("input"), Column("output"),
    Column("parameters", "integer"), Column("of all", "part", "parameters"),
    Column("trainable", "integer"), Column("MACs", "integer"), Column("share", "part"),
    Column("bytes", "integer"), Column("output bytes", "integer"),
)  # fmt: skip
USUAL = ("type", "output", "parameters", "MACs", "share", "bytes", "output bytes")
"""Columns that are shown where none are asked for; ``trainable`` too where some is not"""
AT_REST = ("layer", "type", "shape", "kernel", "parameters", "of all", "trainable")
"""Columns of a model that is not called; ``shape`` is that of a parameter"""
NOTE = (
    "A module counts with everything below it. Bytes are read and written by its operators; "
    "output bytes are those of what the innermost modules that are called hand on."
)
STEP = 2 * INDENT


def layer_table(
    found: Layers, rows: Sequence[Layer], as_tree: bool, columns: Sequence[str] = (),
    weights: bool = False,
) -> Table:  # fmt: skip
    """The rows in the order in which they are given; as a tree, by their names in it.

    ``columns`` are those to show, the layer before them and counters' figures after them;
    ``weights`` adds a row for each parameter below its module. UserError for an unknown column.
    """
    heads = (*HEADS, *(Column(name, "integer") for name in found.counters))
    cells = [line for each in rows for line in lines_of(found, each, as_tree, weights)]
    table = Table(found.model, heads, tuple(cells), " ".join(notes(found)))
    if not found.called:
        table = at_rest(table)
    return only(table, columns or usual(found, weights), found.counters)


def at_rest(table: Table) -> Table:
    """Without what only a call tells."""
    heads = tuple(replace(each, name="shape") if each.name == "output" else each
                  for each in table.columns)  # fmt: skip
    return only(replace(table, columns=heads), AT_REST, ())


def notes(found: Layers) -> Iterator[str]:
    if not found.called:
        yield "The model was not called: its parameters alone are known."
        return
    yield NOTE
    if found.unsupported:
        yield f"Not counted, for want of a formula: {left_out(found.unsupported)}."
    if found.looks:
        yield f"What is counted {hanging(found.looks)}."


def usual(found: Layers, weights: bool) -> tuple[str, ...]:
    """The columns that tell something of this model."""
    frozen = found.whole.trainable != found.whole.parameters
    shapes = ("shape",) if weights else ()
    columns = USUAL if found.called else ("type", *shapes, "parameters", "of all")
    return (*columns, "trainable") if frozen else columns


def lines_of(found: Layers, each: Layer, as_tree: bool, weights: bool) -> Iterator[tuple]:
    """A layer as a row; then, if asked for, its parameters."""
    macs, parameters = found.whole.macs, found.whole.parameters
    yield (
        name_of(each, as_tree), each.type, each.kernel, each.input,
        shape(each.output, each.calls) if found.called else "",
        each.parameters, each.parameters / parameters if parameters else None, each.trainable,
        each.macs, each.macs / macs if macs else None, each.bytes, each.output_bytes,
        *(each.said[name] for name in found.counters),
    )  # fmt: skip
    for weight in each.weights if weights else ():
        name = STEP * (each.depth + 1) + weight.name if as_tree else f"{each.path}.{weight.name}"
        told = "x".join(map(str, weight.shape)) or "scalar"
        trainable = weight.numel if weight.trainable else 0
        part = weight.numel / parameters if parameters else None
        empty = (None,) * (4 + len(found.counters))
        yield (name, "Parameter", "", "", told, weight.numel, part, trainable, *empty)


def only(table: Table, columns: Sequence[str], counters: Sequence[str]) -> Table:
    """The layer, these columns in this order, and what counters say."""
    names = [name.strip().lower() for name in columns]
    known = {head.name.lower(): place for place, head in enumerate(table.columns)}
    for name in names:
        if name not in known:
            raise UserError(f"no column {name!r}{suggest(name, known)}; known: {', '.join(known)}")
    places = dict.fromkeys(
        [0, *(known[name] for name in names), *(known[each] for each in counters)]
    )
    rows = tuple(tuple(row[place] for place in places) for row in table.rows)
    return replace(table, columns=tuple(table.columns[place] for place in places), rows=rows)


def name_of(layer: Layer, as_tree: bool) -> str:
    if not layer.path:
        return "(the model)"
    return STEP * layer.depth + layer.path.rpartition(".")[2] if as_tree else layer.path


def shape(text: str, calls: int) -> str:
    """What a module first hands on, and how often it is called."""
    return text if calls == 1 else f"{text} (× {calls:,})" if calls else "not called"


def totals_table(found: Layers) -> Table:
    heads = (Column("total"), Column("exact", "integer"), Column("in short"))
    rows = tuple((name, value, short) for name, value, short in totals(found))
    return Table("Totals", heads, rows)


def totals(found: Layers) -> Iterator[tuple[str, int | float, str]]:
    """(what, the exact figure, the same in short), per batch and per sample."""
    whole, state = found.whole, found.state
    batch = f"batch of {found.batch:,}" if found.batch != 1 else "one sample"
    frozen = whole.parameters - whole.trainable
    rows: list[tuple[str, int, str]] = [
        (f"MACs, {batch}", whole.macs, "MAC"), (f"FLOPs (2 × MAC), {batch}", 2 * whole.macs, "FLOP"),
        (f"inputs, {batch}", found.input_bytes, "byte"),
        (f"outputs of innermost modules, {batch}", whole.output_bytes, "byte"),
    ]  # fmt: skip
    for name, value, unit in rows if found.called else ():
        yield name, value, human(value, unit)
        if found.batch > 1:
            each = value // found.batch if value % found.batch == 0 else value / found.batch
            yield f"{name.partition(',')[0]} per sample", each, human(each, unit)
    yield "parameters", whole.parameters, human(whole.parameters)
    yield "trainable parameters", whole.trainable, human(whole.trainable)
    yield "frozen parameters", frozen, human(frozen)
    yield "buffers", state.buffers, human(state.buffers)
    held = state.checkpoint_bytes
    yield "checkpoint (bytes of its tensors)", held, f"{human(held, 'byte')}, {binary(held)}"


def binary(value: int) -> str:
    """102441032 bytes -> ``97.70 MiB``."""
    for power, letter in ((40, "T"), (30, "G"), (20, "M"), (10, "k")):
        if value >= 2**power:
            return f"{digits(value / 2**power, 4)} {letter.replace('k', 'K')}iB"
    return plural(value, "byte")


def document(found: Layers, rows: Sequence[Layer]) -> dict[str, Any]:
    """The same for ``--json``; null is what only a call tells."""
    whole = found.whole.macs
    names = ("path", "type", "depth", "calls", "input", "output", "parameters", "trainable")
    work = ("macs", "bytes", "output_bytes")
    return {
        "schema": "layers/2",
        "model": found.model,
        "totals": {name: value for name, value, _ in totals(found)},
        "layers": [
            {
                **{name: getattr(each, name) for name in names},
                **{name: getattr(each, name) if found.called else None for name in work},
                "share": each.macs / whole if whole else None, "kernel": each.kernel,
                "weights": [{"name": weight.name, "shape": list(weight.shape),
                             "trainable": weight.trainable} for weight in each.weights],
                **each.said,
            }
            for each in rows
        ],
        "not_counted": dict(found.unsupported),
        "hangs_on_values": list(found.looks),
    }  # fmt: skip
