"""A trace as a line of JSON.

Two tables, in which an entry refers to earlier ones by their index, and equal entries are stored
once: ``values`` (``2``, ``"relu"``, or a tag and the indices of its parts: ``["tuple", 0, 0]``)
and ``calls`` (level, then indices of name, args, kwargs and output, then module, then children).
``phases`` pairs what follows a forward pass, if anything does, with its call.
``works``, if there are any, pairs calls with what a formula of the user's own said of them.
Decoding is one pass over each, without recursion, and equal subtrees come back as one object.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import astuple, fields
from math import isfinite
from typing import Any

from flop_harness.errors import UserError
from flop_harness.records import Call, Context, Dict, List, Module, Opaque, Parameter, Tensor, Trace
from flop_harness.records.work import Product, Work
from flop_harness.store.schema import TRACE_SCHEMA, require_schema

ATOMS = frozenset({type(None), bool, int, str})

PARTS: dict[type, tuple[str, Callable[[Any], Iterable[Any]]]] = {
    tuple: ("tuple", lambda value: value),
    List: ("list", lambda value: value),
    Tensor: ("tensor", lambda value: (value.shape, value.dtype, *sparse(value))),
    Product: ("product", lambda value: attributes(value)),
    Work: ("work", lambda value: attributes(value)),
    Dict: ("dict", lambda value: (value.keys, value.values)),
    Opaque: ("opaque", lambda value: (value.type, *length(value))),
    complex: ("complex", lambda value: (value.real, value.imag)),
}

MAKERS: dict[str, Callable[[list[Any]], Any]] = {
    "tuple": tuple,
    "list": List,
    "tensor": lambda parts: Tensor(*parts),
    "product": lambda parts: Product(*parts),
    "work": lambda parts: Work(*parts),
    "dict": lambda parts: Dict(*parts),
    "opaque": lambda parts: Opaque(*parts),
    "complex": lambda parts: complex(*parts),
    "float": lambda parts: float(*parts),  # inf and nan, which JSON does not have
}


def sparse(tensor: Tensor) -> tuple[Any, ...]:
    return () if tensor.stored is None else (tensor.stored, tensor.layout)


def length(value: Opaque) -> tuple[Any, ...]:
    return () if value.length is None else (value.length,)


def attributes(record: Product | Work) -> list[Any]:
    return [getattr(record, each.name) for each in fields(record)]


def dump_trace(trace: Trace) -> bytes:
    """One line, without its end, the same for equal traces. TypeError for a value it cannot keep."""
    writer = Writer()
    modules = tuple(module_row(module) for module in trace.modules)
    parameters = tuple(map(parameter_row, trace.parameters))
    context = astuple(trace.context)
    looks = (trace.looks,) if trace.looks else ()
    head = (context, modules, parameters, trace.executed, *looks)
    document = {
        "schema": TRACE_SCHEMA,
        "head": writer.value(head),
        "root": writer.call(trace.root),
        **({"phases": phase_rows(writer, trace)} if trace.phases else {}),
        "values": writer.values,
        "calls": writer.calls,
        **({"works": writer.works} if writer.works else {}),
    }
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def phase_rows(writer: Writer, trace: Trace) -> list[list[Any]]:
    return [[phase, writer.call(root)] for phase, root in trace.phases]


def load_trace(content: bytes) -> Trace:
    """The trace in ``content``; UserError where there is none, or one of another schema."""
    try:
        document = json.loads(content)
    except ValueError as error:
        raise UserError(f"not a stored trace: {error}") from error
    require_schema(document, "the stored trace", TRACE_SCHEMA)
    values = decoded_values(document["values"])
    calls = decoded_calls(document["calls"], values, dict(document.get("works", ())))
    context, modules, parameters, executed, *looks = values[document["head"]]
    return Trace(
        context=Context(*context),
        modules=tuple(module_of(row) for row in modules),
        parameters=tuple(Parameter(*row) for row in parameters),
        root=calls[document["root"]],
        executed=executed,
        looks=looks[0] if looks else (),
        phases=tuple((name, calls[root]) for name, root in document.get("phases", ())),
    )


class Writer:
    """The two tables while they grow."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.calls: list[list[Any]] = []
        self.works: list[tuple[int, int]] = []
        self._value_index: dict[tuple[Any, ...], int] = {}
        self._tensors: dict[int, int] = {}
        self._call_index: dict[tuple[Any, ...], int] = {}

    def value(self, value: Any) -> int:
        """The index of ``value``. Types are part of its key, as 1, True and 1.0 are equal."""
        kind = type(value)
        if kind in ATOMS:
            return self._stored((kind, value), value)
        if kind is Tensor:  # the same ones, for most of what is written
            index = self._tensors.get(id(value))
            if index is None:
                index = self._tensors[id(value)] = self._made_of(value)
            return index
        if kind is float:
            return self._float(value)
        return self._made_of(value)

    def _made_of(self, value: Any) -> int:
        kind = type(value)
        if kind not in PARTS:
            raise TypeError(f"a trace cannot keep a {kind.__qualname__}: {value!r}")
        tag, parts = PARTS[kind]
        entry = [tag, *[self.value(part) for part in parts(value)]]
        return self._stored(tuple(entry), entry)

    def call(self, root: Call) -> int:
        """The index of ``root``, children first; a stack of our own, as calls nest deeply."""
        done: dict[int, int] = {}
        stack = [root]
        while stack:
            call = stack[-1]
            waiting = [child for child in call.children if id(child) not in done]
            if waiting and id(call) not in done:
                stack.extend(reversed(waiting))
                continue
            done[id(call)] = self._row(call, [done[id(child)] for child in call.children])
            stack.pop()
        return done[id(root)]

    def _row(self, call: Call, children: list[int]) -> int:
        fields = map(self.value, (call.name, call.args, call.kwargs, call.output))
        row = [call.level, *fields, call.module, *children]
        key = (*row, call.work)
        index = self._call_index.get(key)
        if index is None:
            index = self._call_index[key] = len(self.calls)
            self.calls.append(row)
            if call.work is not None:
                self.works.append((index, self.value(call.work)))
        return index

    def _float(self, value: float) -> int:
        if isfinite(value):
            return self._stored((float, repr(value)), value)  # repr tells -0.0 from 0.0
        entry = ["float", self.value(repr(value))]
        return self._stored(tuple(entry), entry)

    def _stored(self, key: tuple[Any, ...], entry: Any) -> int:
        index = self._value_index.get(key)
        if index is None:
            index = self._value_index[key] = len(self.values)
            self.values.append(entry)
        return index


def decoded_values(entries: list[Any]) -> list[Any]:
    values: list[Any] = []
    for entry in entries:
        if type(entry) is list:
            tag, *parts = entry
            held = [values[part] for part in parts]
            entry = tuple(held) if tag == "tuple" else MAKERS[tag](held)
        values.append(entry)
    return values


def decoded_calls(rows: list[list[Any]], values: list[Any], works: dict[int, int]) -> list[Call]:
    """``works`` tells by the indices of rows and of values what a formula of the user's said."""
    calls: list[Call] = []
    for level, name, args, kwargs, output, module, *children in rows:
        below = tuple([calls[child] for child in children])
        work = works.get(len(calls)) if works else None
        own = None if work is None else values[work]
        calls.append(
            Call(
                level,
                values[name],
                values[args],
                values[kwargs],
                values[output],
                below,
                module,
                own,
            )
        )
    return calls


def parameter_row(parameter: Parameter) -> tuple[Any, ...]:
    kept = () if parameter.kept is None else (parameter.kept,)
    return (parameter.shape, parameter.dtype, parameter.trainable, parameter.lazy, *kept)


def module_row(module: Module) -> tuple[Any, ...]:
    config = Dict(tuple(module.config), tuple(module.config.values()))
    held = (module.parameters, module.children)
    return (module.path, module.bases, config, *held, module.training)


def module_of(row: tuple[Any, ...]) -> Module:
    path, bases, config, parameters, children, training = row
    named = dict(zip(config.keys, config.values, strict=True))
    return Module(path, bases, named, parameters, children, training)
