"""Operator and shapes -> primitive work; one small function for each family of operators."""

from harness.formulas import losses, pooling, quantised, reductions, resampling, selection
from harness.formulas.attention import PROJECTION, QUERY_KEY
from harness.formulas.elementwise import ELEMENTWISE
from harness.formulas.movement import MOVEMENT
from harness.formulas.products import product_of
from harness.formulas.recurrent import RECURRENT
from harness.formulas.registry import FORMULAS, formula, work_of

__all__ = [
    "ELEMENTWISE",
    "FORMULAS",
    "MOVEMENT",
    "PROJECTION",
    "QUERY_KEY",
    "RECURRENT",
    "formula",
    "losses",
    "pooling",
    "product_of",
    "quantised",
    "reductions",
    "resampling",
    "selection",
    "work_of",
]
