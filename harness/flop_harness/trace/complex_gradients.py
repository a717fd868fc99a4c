"""Convolutions of complex numbers where autograd is at work: it sees the three real ones they come apart into.

Each operator is written down with the number of the graph's node that it makes, or runs for, by which
those of the backward pass are led back to a convolution.
"""

from __future__ import annotations

from typing import Any

import torch
from torch._C._autograd import _get_sequence_nr as nodes_made

from flop_harness.records import OF_COMPLEX, Call, Tensor
from flop_harness.trace.operators import OperatorMode, holds_convolution, of_complex


class GradientsMode(OperatorMode):
    """Writes operators down below autograd, which takes gradients on the model's way."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.nodes: dict[int, tuple[Call, int, int]] = {}
        self.standing: dict[int, bool] = {}

    def write(self, *args: Any) -> None:
        super().write(*args)
        call, node = self.stack[-1][-1], torch._C._current_autograd_node()
        number = -1 if node is None else node._sequence_nr()
        self.nodes[id(call)] = (call, nodes_made() - 1, number)

    def told(self, call: Call) -> Call:
        """A tree of calls in which notes tell what stands for convolutions of complex numbers."""
        if not call.children:
            return call
        children = [self.noted(child, self.told(child)) for child in call.children]
        if is_complex_convolution(call):
            self.enter(call)
            children = of_complex(children)
        return call._replace(children=tuple(children))

    def enter(self, convolution: Call) -> None:
        """Keep the nodes that a convolution has made, and which of them stands for it."""
        known = [(each, self.nodes[id(each)][1]) for each in convolution.children
                 if id(each) in self.nodes]  # fmt: skip
        first = next(number for each, number in known if holds_convolution(each))
        for number in range(known[0][1], known[-1][1] + 1):
            self.standing[number] = number == first

    def noted(self, call: Call, told: Call) -> Call:
        """An operator that runs for such a node, with the note; what it makes is led back there too."""
        _, made, number = self.nodes.get(id(call), (call, -1, -1))
        if number not in self.standing:
            return told
        stands = self.standing[number]
        self.standing.setdefault(made, stands)
        return Call("function", OF_COMPLEX, (stands,), (), None, (told,))


def is_complex_convolution(call: Call) -> bool:
    """Whether a function is one that has come apart."""
    if call.level != "function" or not call.name.rpartition(".")[2].startswith("conv"):
        return False
    is_complex = isinstance(call.output, Tensor) and call.output.dtype.startswith("complex")
    return is_complex and any(
        each.level == "operator" and holds_convolution(each) for each in call.children
    )
