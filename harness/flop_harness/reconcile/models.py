"""What changed in a model between two traces of it: modules, their settings, parameters, inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flop_harness.records import Module, Trace
from flop_harness.records.trace import shapes_of
from flop_harness.trace.walk import module_calls


def model_changes(before: Trace, after: Trace) -> Iterator[str]:
    """One text for each change, in the order of the model: ``conv1: out_channels 32 -> 64``.

    A module that is as it was, and only called with something else, is not named: where that came
    from is.
    """
    given = list(moved("inputs", inputs_of(before), inputs_of(after)))
    yield from given
    old, new = by_path(before), by_path(after)
    for path in dict.fromkeys([*old, *new]):
        name = path or "the model"
        if path not in new:
            yield f"{name}: gone, was a {old[path].type_name}"
        elif path not in old:
            yield f"{name}: new, a {new[path].type_name}"
        else:
            changes = list(module_changes(before, old[path], after, new[path]))
            if changes:
                yield f"{name}: {', '.join(changes)}"
    same = old == new and before.parameters == after.parameters and not given
    if same and called(before) != called(after):
        yield "its forward pass: modules are called otherwise"


def by_path(trace: Trace) -> dict[str, Module]:
    return {module.path: module for module in trace.modules}


def inputs_of(trace: Trace) -> str:
    return shapes_of(trace.root.args, trace.root.kwargs)


def called(trace: Trace) -> list[tuple[str, str]]:
    """Which modules run, in which order, on what."""
    return [(visit.path, shapes_of(visit.call.args)) for visit, _ in module_calls(trace)]


def module_changes(before: Trace, old: Module, after: Trace, new: Module) -> Iterator[str]:
    yield from moved("class", old.type_name, new.type_name)
    settings = list(config_changes(old.config, new.config))
    yield from settings
    if old.training != new.training:
        yield "now in training mode" if new.training else "no longer in training mode"
    if not settings:
        shapes, now = parameters_of(before, old), parameters_of(after, new)
        for name in dict.fromkeys([*shapes, *now]):
            yield from moved(name, shapes.get(name, "none"), now.get(name, "none"))


def config_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in dict.fromkeys([*old, *new]):
        if name not in old or name not in new or old[name] != new[name]:
            yield f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}"


def parameters_of(trace: Trace, module: Module) -> dict[str, str]:
    """Shape, and whether it is trained, of each parameter that the module holds."""
    held = {name: trace.parameters[number] for name, number in module.parameters}
    return {
        name: ("x".join(map(str, each.shape)) or "scalar") + ("" if each.trainable else " frozen")
        for name, each in held.items()
    }


def moved(name: str, old: str, new: str) -> Iterator[str]:
    if old != new:
        yield f"{name} {old} -> {new}"
