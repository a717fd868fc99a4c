"""Operator and shapes -> primitive work; one small function for each family of operators."""

from flop_harness.formulas import (
    backward_elementwise,
    backward_normalisation,
    backward_products,
    eigenvalues,
    fourier,
    grouped,
    linalg,
    lists,
    losses,
    pooling,
    quantised,
    reductions,
    resampling,
    selection,
    sparse,
)
from flop_harness.formulas.attention import PROJECTION, QUERY_KEY
from flop_harness.formulas.elementwise import ELEMENTWISE
from flop_harness.formulas.movement import MOVEMENT
from flop_harness.formulas.own import formula
from flop_harness.formulas.products import product_of
from flop_harness.formulas.recurrent import RECURRENT
from flop_harness.formulas.registry import FORMULAS, work_of
from flop_harness.formulas.unknown import may_multiply

__all__ = [
    "ELEMENTWISE",
    "FORMULAS",
    "MOVEMENT",
    "PROJECTION",
    "QUERY_KEY",
    "RECURRENT",
    "backward_elementwise",
    "backward_normalisation",
    "backward_products",
    "eigenvalues",
    "formula",
    "fourier",
    "grouped",
    "linalg",
    "lists",
    "losses",
    "may_multiply",
    "pooling",
    "product_of",
    "quantised",
    "reductions",
    "resampling",
    "selection",
    "sparse",
    "work_of",
]
