"""What rules of counters ask of a layer: what it is, and which weights and biases it has."""

from __future__ import annotations

from collections.abc import Mapping

from flop_harness.records import HELD, Call, Module, Tensor, Trace
from flop_harness.trace.walk import Visit, within

LAYERS = "torch.nn.modules."


def kind_of(module: Module) -> str:
    """The name of the layer of torch that it is, or derives from: ``LSTM``."""
    known = (base for base in module.bases if base.startswith(LAYERS))
    return next(known, module.type).rpartition(".")[2]


Facts = Mapping[str, tuple[int, bool]]
"""Name of a parameter -> its elements, and whether it is trainable"""


def held_before(trace: Trace, module: Module) -> Facts:
    """The parameters of a module before the pass: without those made in it, with those replaced."""
    made = module.config.get("made", ())
    now = ((name, trace.parameters[number]) for name, number in module.parameters)
    held = {name: (one.numel, one.trainable) for name, one in now if name not in made}
    replaced = module.config.get("replaced", ())
    return held | {name: (elements, trainable) for name, elements, trainable in replaced}


def held_at(trace: Trace, visit: Visit) -> Facts:
    """The parameters that a module's hooks find where a call of it ends."""
    note = held_note(visit)
    if note is None:
        return held_before(trace, trace.modules[visit.call.module])
    return {name: (elements, trainable) for name, elements, trainable in note.args}


def held_note(visit: Visit) -> Call | None:
    return next((call for call in visit.call.children[::-1] if call.name == HELD), None)


def has_bias(module: Module) -> bool:
    """Whether ``module.bias`` is a tensor after the pass, whatever holds it."""
    return any(name == "bias" for name, _ in module.parameters) or isinstance(
        module.config.get("bias"), Tensor
    )


def biased(visit: Visit, module: Module) -> bool:
    """Whether ``module.bias`` is a tensor where a call of it ends, whatever holds it."""
    note = held_note(visit)
    if note is not None:
        return any(name == "bias" for name, *_ in note.args)
    replaced = module.config.get("replaced", ())
    return has_bias(module) or any(name == "bias" for name, *_ in replaced)


def tensors_of(trace: Trace, module: Module) -> dict[str, Tensor]:
    """The weights and biases of a layer by name, whatever holds them."""
    held = {name: Tensor(trace.parameters[number].shape) for name, number in module.parameters}
    others = {name: value for name, value in module.config.items() if isinstance(value, Tensor)}
    return {**others, **held}


def kernel_of(visit: Visit, module: Module) -> tuple[int, ...]:
    """The last dimensions of the weight that a convolution runs with; else those it was made with."""
    for inner in within(visit, lambda inner: inner.call.level == "module"):
        if inner.call.packet in ("aten.convolution", "aten._convolution"):
            return tuple(inner.call.args[1].shape[2:])
    return tuple(module.config["kernel_size"])
