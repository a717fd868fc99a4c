"""What a claim file may say: its tables and their keys."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from flop_harness.suite.toml import said

Text = Annotated[str, Meta(min_length=1)]


class Table(msgspec.Struct, forbid_unknown_fields=True):
    """A table of a claim file; an unknown key is an error."""


class ModelTable(Table, kw_only=True):
    """A model and what it is called with; the keys are those of a suite's case."""

    model: Annotated[str, said("a model, written as in a suite")] = ""
    inputs: Annotated[Any, said('inputs as in a suite, or shapes in a text: "1x3x224x224"')] = None
    kwargs: Annotated[dict[str, Any] | None, said("keyword arguments of the factory")] = None
    dtype: Annotated[str | None, said("dtype as in a suite")] = None
    mode: Annotated[str | None, said("eval or train, as in a suite")] = None


class AboutTable(ModelTable, kw_only=True):
    """Keys that the file may set for all claims, a table for its rows, a claim for itself."""

    source: Annotated[str, said("where the figure was published; required")] = ""
    metric: Annotated[
        str, said("compute, params, size, activations, traffic or output; often the unit tells it")
    ] = ""
    unit: Annotated[str, said('such as "GMac", "M params", "MB"; "FLOPs" may mean MACs')] = ""
    layer: Annotated[str, said("path of the module that the figure is of, such as conv1")] = ""
    counts: Annotated[str, said("the convention or counter that the source names")] = ""
    note: Annotated[str, said("what else the source says, for readers")] = ""


class ClaimTable(AboutTable, kw_only=True):
    """One figure or statement: a ``[[claim]]``."""

    id: Annotated[str, said("its name in tables; made from model and metric if not given")] = ""
    value: Annotated[
        str | int, said('the figure with its digits as published: "4.10", "4.1 GMac"')
    ] = ""
    working: Annotated[str, said("the arithmetic that the source shows beside its figure")] = ""
    holds: Annotated[
        str, said('a statement instead of a value: "params[Linear] / params > 0.5"')
    ] = ""
    models: Annotated[
        dict[Text, ModelTable], said("models that a statement compares, by name: keys of a model")
    ] = {}


class GridTable(AboutTable, kw_only=True):
    """A table as it is printed, a row for each model: a ``[[table]]``."""

    id: Annotated[str, said("its name; numbered if not given")] = ""
    columns: Annotated[
        list[Text],
        said('heads: keys of a claim ("model", "inputs", ...), or a measure such as "params (M)"'),
    ] = []
    rows: Annotated[
        list[list[str | int | dict[str, Any]]], said("cells as text, with the digits as published")
    ] = []
    csv: Annotated[
        str,
        said(
            'instead of both, a CSV file beside this one; model = "timm:{name}" is then filled in'
        ),
    ] = ""
    take: Annotated[dict[Text, Text], said("columns of the CSV that hold figures -> heads")] = {}
    decimals: Annotated[
        int | None, said("to how many the CSV's figures were rounded, if it leaves out zeros")
    ] = None


class FileTable(AboutTable, kw_only=True):
    """The top of the file."""

    claim: Annotated[list[dict[str, Any]], said("single figures and statements: keys below")] = []
    table: Annotated[list[dict[str, Any]], said("tables of figures: keys below")] = []
    language: Annotated[
        list[dict[str, Any]], said("tables of figures about language models: see Language models")
    ] = []


TABLES = (FileTable, GridTable, ClaimTable, ModelTable)
