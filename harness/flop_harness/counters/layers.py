"""What rules of counters ask of a layer: what it is, and which weights and biases it has."""

from __future__ import annotations

from flop_harness.records import Module, Tensor, Trace
from flop_harness.trace.walk import Visit, within

LAYERS = "torch.nn.modules."


def kind_of(module: Module) -> str:
    """The name of the layer of torch that it is, or derives from: ``LSTM``."""
    known = (base for base in module.bases if base.startswith(LAYERS))
    return next(known, module.type).rpartition(".")[2]


def biased(module: Module) -> bool:
    """Whether ``module.bias`` is a tensor, whatever holds it."""
    return any(name == "bias" for name, _ in module.parameters) or isinstance(
        module.config.get("bias"), Tensor
    )


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
