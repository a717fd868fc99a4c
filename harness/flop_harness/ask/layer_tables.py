"""The layers of a model, and its totals, as neutral tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flop_harness.ask.layers import Layer, Layers
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import digits, hanging, human, left_out, plural

HEADS = (
    Column("layer"), Column("type"), Column("input"), Column("output"),
    Column("parameters", "integer"), Column("trainable", "integer"), Column("MACs", "integer"),
    Column("share", "part"), Column("bytes", "integer"), Column("activations", "integer", "bytes"),
)  # fmt: skip
NOTE = (
    "A module counts with everything below it. Bytes are read and written by its operators; "
    "activations are what its innermost modules hand on."
)
INDENT = 2 * "\N{NO-BREAK SPACE}"


def layer_table(found: Layers, rows: Sequence[Layer], as_tree: bool) -> Table:
    """The rows in the order in which they are given; as a tree, by their names in it."""
    heads = (*HEADS, *(Column(name, "integer") for name in found.counters))
    whole = found.whole.macs
    cells = tuple(
        (
            name_of(each, as_tree), each.type, shape(each.input, each.calls), each.output,
            each.parameters, each.trainable, each.macs, each.macs / whole if whole else None,
            each.bytes, each.activations, *(each.said[name] for name in found.counters),
        )
        for each in rows
    )  # fmt: skip
    lacking = f" Not counted, for want of a formula: {left_out(found.unsupported)}."
    looks = f" What is counted {hanging(found.looks)}." if found.looks else ""
    return Table(found.model, heads, cells, NOTE + (lacking if found.unsupported else "") + looks)


def name_of(layer: Layer, as_tree: bool) -> str:
    if not layer.path:
        return "(the model)"
    return INDENT * layer.depth + layer.path.rpartition(".")[2] if as_tree else layer.path


def shape(text: str, calls: int) -> str:
    """What a module is first called with, and how often it is called."""
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
        (f"activations, {batch}", whole.activations, "byte"),
    ]  # fmt: skip
    for name, value, unit in rows:
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
    """The same for ``--json``."""
    whole = found.whole.macs
    names = ("path", "type", "depth", "calls", "input", "output", "parameters", "trainable", "macs")
    return {
        "schema": "layers/1",
        "model": found.model,
        "totals": {name: value for name, value, _ in totals(found)},
        "layers": [
            {
                **{name: getattr(each, name) for name in names},
                "share": each.macs / whole if whole else None,
                "bytes": each.bytes, "activations": each.activations, **each.said,
            }
            for each in rows
        ],
        "not_counted": dict(found.unsupported),
        "hangs_on_values": list(found.looks),
    }  # fmt: skip
