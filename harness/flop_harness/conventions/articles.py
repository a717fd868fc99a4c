"""Formulas of published articles, as their authors wrote them."""

from __future__ import annotations

from math import prod

from flop_harness.records import Module, Tensor, Trace
from flop_harness.records.account import Account
from flop_harness.trace.walk import Visit, module_calls

CONVOLUTIONS = tuple(f"torch.nn.modules.conv.Conv{n}d" for n in (1, 2, 3))


LINEAR = "torch.nn.modules.linear.Linear"


class NotApplicable(ValueError):
    """The convention, as published, says nothing about such a model; the text says why."""


def weight_of(trace: Trace, module: Module) -> int:
    held = dict(module.parameters)
    return trace.parameters[held["weight"]].numel if "weight" in held else 0


def output_of(visit: Visit) -> Tensor:
    """The one tensor that a layer gives; NotApplicable if it gives anything else."""
    output = visit.call.output
    if not isinstance(output, Tensor):
        raise NotApplicable(f"the layer {visit.path!r} does not give one tensor")
    return output


def parameters_times_map(trace: Trace) -> Account:
    """Weights of a convolution x its output map; weights of a linear layer; no batch, no bias."""

    def charge(visit: Visit, module: Module) -> tuple[str, str, int]:
        weights = weight_of(trace, module)
        if LINEAR in module.bases:
            return visit.path, "linear", weights
        return visit.path, "convolution", weights * prod(output_of(visit).shape[2:])

    return Account.of(
        charge(visit, module)
        for visit, module in module_calls(trace)
        if LINEAR in module.bases or any(name in module.bases for name in CONVOLUTIONS)
    )


def article_code(trace: Trace) -> Account:
    """What the article's code computes: groups ignored, a bias always charged, batched 2d only."""
    entries = []
    for visit, module in module_calls(trace):
        x = visit.call.args[0] if visit.call.args else None
        if CONVOLUTIONS[1] in module.bases:
            if not isinstance(x, Tensor) or len(x.shape) != 4:
                raise NotApplicable("its convolution hook unpacks four dimensions")
            kernel = prod(module.config["kernel_size"])
            each = x.shape[1] * kernel + 1
            entries.append((visit.path, "convolution", output_of(visit).numel * each))
        elif LINEAR in module.bases:
            if not isinstance(x, Tensor) or len(x.shape) != 2:
                raise NotApplicable("its linear hook unpacks two dimensions")
            entries.append((visit.path, "linear", x.numel * output_of(visit).shape[1]))
    return Account.of(entries)
