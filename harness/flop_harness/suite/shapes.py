"""Shapes of language models out of TOML files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from flop_harness.errors import UserError, suggest
from flop_harness.records.transformer import Experts, LatentAttention, Norm, Positions, Transformer
from flop_harness.suite import configurations
from flop_harness.suite.files import home
from flop_harness.suite.toml import Vocabulary, convert, read

Size = Annotated[int, Meta(ge=1, le=10**9)]
Count = Annotated[int, Meta(ge=0, le=10**9)]


class _Experts(msgspec.Struct, forbid_unknown_fields=True):
    routed: Size
    active: Size
    width: Size
    shared: Count = 0
    shared_width: Count = 0
    dense_layers: Count = 0
    shared_gate: bool = False
    score_bias: bool = False


class _Latent(msgspec.Struct, forbid_unknown_fields=True):
    query_rank: Count
    kv_rank: Size
    plain: Size
    rotary: Count
    value: Size


class _Model(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    id: Annotated[str, Meta(min_length=1)]
    layers: Size
    width: Size
    heads: Size
    kv_heads: Size | None = None
    head_size: Size
    mlp_width: Size
    mlp_matrices: Literal[2, 3]
    vocabulary: Size
    context: Size
    tied: bool = False
    norm: Norm = "rms"
    positions: Positions = "rotary"
    biases: bool = False
    qkv_biases: bool = False
    output_bias: bool = False
    mlp_biases: bool = False
    expert_biases: bool = False
    head_bias: bool = False
    layer_norms: Annotated[int, Meta(ge=1, le=4)] = 2
    head_norms: bool = False
    wide_norms: bool = False
    sub_norms: bool = False
    sinks: bool = False
    embedding_norm: bool = False
    final_norm: bool = True
    attention_gate: Count = 0
    activation_parameters: Count = 0
    spare_positions: Count = 0
    causal: bool = True
    window: Count = 0
    windowed: Count = 0
    predictions: Count = 0
    experts: _Experts | None = None
    latent: _Latent | None = None
    family: str = ""
    source: str = ""
    note: str = ""
    printed: str = ""
    parameters: int | None = None


class _File(msgspec.Struct, forbid_unknown_fields=True):
    model: Annotated[list[dict[str, Any]], Meta(min_length=1)]


TABLES = (_File, _Model, _Experts, _Latent)
WORDS = Vocabulary(
    frozenset(key for table in TABLES for key in table.__struct_fields__),
    {"model": "a model begins with [[model]]"},
)


@dataclass(frozen=True, slots=True)
class Shapes:
    """Shapes by id, and the exact parameter counts that their file states."""

    models: Mapping[str, Transformer]
    parameters: Mapping[str, int]

    def of(self, name: str) -> Transformer:
        """UserError, with what was perhaps meant, for a model that is not there."""
        alike = [each for each in self.models if spelt(each) == spelt(name)]
        if name in self.models or len(alike) == 1:
            return self.models[name if name in self.models else alike[0]]
        near = suggest(name, self.models)
        raise UserError(f"no language model {name!r}{near}: see flop-harness list shapes")


def spelt(name: str) -> str:
    """``llama-3-8b`` and ``Llama3-8B`` are one name."""
    return re.sub(r"[^a-z0-9.]", "", name.lower())


def load(path: Path) -> Shapes:
    """The shapes of a file. UserError, naming file, model and key, for what it has wrong."""
    _, document = read(path)
    file = convert(document, _File, str(path), WORDS)
    models, parameters = {}, {}
    for number, raw in enumerate(file.model, start=1):
        where = f"{path}: model {raw.get('id', number)!r}"
        table = convert(raw, _Model, where, WORDS)
        if table.id in models:
            raise UserError(f"{where}: this id is given more than once")
        models[table.id] = _shape(table, where)
        if table.parameters is not None:
            parameters[table.id] = table.parameters
    return Shapes(models, parameters)


@lru_cache(maxsize=1)
def known() -> Shapes:
    """The shapes that come with the harness."""
    return load(home() / "language" / "shapes.toml")


def find(reference: str) -> Transformer:
    """A shape of that id; the only one, or ``ID``, of ``shapes.toml:ID``; that of a ``config.json``."""
    if reference.endswith(".json"):
        shape = configurations.read(Path(reference))
        _refuse(shape, reference)
        return shape
    file, _, name = reference.rpartition(":") if ".toml:" in reference else (reference, "", "")
    if Path(file).is_dir():
        raise UserError(
            f"{file!r} is a folder: name the config.json in it, or a .toml with a shape"
        )
    if "/" in reference and not file.endswith(".toml"):
        raise UserError(f"{reference!r} is a place on the net: name a shape (flop-harness list shapes),"
                        " or a file: the model's config.json, or a .toml with its shape")  # fmt: skip
    if not file.endswith(".toml"):
        return known().of(reference)
    found = load(Path(file))
    if name:
        return found.of(name)
    if len(found.models) > 1:
        raise UserError(f"{file} has {len(found.models)} models: name one, as in {file}:ID")
    return next(iter(found.models.values()))


def _shape(table: _Model, where: str) -> Transformer:
    said = msgspec.structs.asdict(table)
    said.pop("parameters")
    said["kv_heads"] = table.kv_heads or table.heads
    said["experts"] = Experts(**msgspec.structs.asdict(table.experts)) if table.experts else None
    said["latent"] = (
        LatentAttention(**msgspec.structs.asdict(table.latent)) if table.latent else None
    )
    shape = Transformer(**said)
    _refuse(shape, where)
    return shape


def _refuse(shape: Transformer, where: str) -> None:
    """UserError for a shape that no model can have."""
    if shape.heads % shape.kv_heads:
        raise UserError(
            f"{where}: {shape.heads} heads do not share {shape.kv_heads} kv_heads evenly"
        )
    if shape.windowed > shape.layers or bool(shape.window) != bool(shape.windowed):
        raise UserError(f"{where}: a window needs windowed layers, at most all {shape.layers}")
    experts = shape.experts
    if experts and (experts.active > experts.routed or experts.dense_layers > shape.layers):
        raise UserError(f"{where}: experts: more are active than there are, or more layers dense")
