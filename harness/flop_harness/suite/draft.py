"""A suite file of models as a command line names them, for its author to go on with."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence

from flop_harness.records import Case, Input
from flop_harness.suite.keywords import as_toml

ITS_OWN = "  # it does not run on these: give it inputs of its own"
USUAL = "inputs = [[1, 3, 224, 224]]"


def draft(cases: Sequence[Case], name: str, broken: Collection[str] = ()) -> str:
    """The TOML text of a suite of these cases; those whose ids are in ``broken`` need other inputs."""
    heads = [f"name = {quoted(name)}\nversion = 1\n"]
    return "\n".join([*heads, *("\n".join(table(case, case.id in broken)) for case in cases)])


def table(case: Case, broken: bool) -> Iterator[str]:
    yield "[[case]]"
    for key in ("id", "model", "mode", "dtype"):
        if value := getattr(case, key):
            yield f"{key} = {quoted(value)}"
    if case.kwargs:
        yield f"kwargs = {as_toml(case.kwargs)}"
    inputs = inputs_line(case.inputs) or (USUAL if broken else "")
    yield (inputs + (ITS_OWN if broken else "")) + "\n" if inputs else ""


def inputs_line(inputs: Sequence[Input]) -> str:
    """As a list, or by name where any has a name; empty where there are none."""
    if any(each.name for each in inputs):
        named = ", ".join(f"{each.name or f'input{place}'} = {written(each)}"
                          for place, each in enumerate(inputs))  # fmt: skip
        return f"inputs = {{ {named} }}"
    return f"inputs = [{', '.join(map(written, inputs))}]" if inputs else ""


def written(given: Input) -> str:
    shape = f"[{', '.join(map(str, given.shape))}]"
    return f"{{ shape = {shape}, dtype = {quoted(given.dtype)} }}" if given.dtype else shape


def quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
