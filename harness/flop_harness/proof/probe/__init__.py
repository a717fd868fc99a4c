"""The ones probe: the multiplications of an operator, counted by running it.

A convolution or matrix product is linear in each operand: on all-ones operands without bias, the
sum of its output is the number of multiplications that reached the output.
"""

from flop_harness.proof.probe import (  # noqa: F401 - they register
    attention,
    convolutions,
    grouped,
    layers,
    matrices,
    quantised,
)
from flop_harness.proof.probe.measurement import PROBES, Measured, NotProvable, measure, probe

__all__ = ["PROBES", "Measured", "NotProvable", "measure", "probe"]
