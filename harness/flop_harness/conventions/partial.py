"""Published conventions that count only a part of a model."""

from __future__ import annotations

from collections.abc import Iterator

from flop_harness.conventions.reference import Charge, mac_charges, parameter_term, parameters
from flop_harness.records import Trace
from flop_harness.records.account import Account
from flop_harness.trace.tree import subtree


def convolution_charges(trace: Trace) -> Iterator[Charge]:
    """The convolutions alone."""
    return (charge for charge in mac_charges(trace) if charge[1].endswith("convolution"))


def weights(trace: Trace) -> Account:
    """Kernels and matrices alone: distinct parameters of two dimensions or more."""
    seen: set[int] = set()
    entries = []
    for module in (trace.modules[index] for index in subtree(trace, 0)):
        for _, number in module.parameters:
            parameter = trace.parameters[number]
            if number not in seen and len(parameter.shape) > 1:
                seen.add(number)
                entries.append((module.path, parameter_term(module), parameter.numel))
    return Account.of(entries)


def folded_parameters(trace: Trace) -> Account:
    """Parameters but for those of normalisation layers, which convolutions take up at inference."""
    kept = parameters(trace)
    return Account({key: n for key, n in kept.items() if "Norm" not in key[1]})
