"""Statements: comparisons about models, written as arithmetic, evaluated exactly.

``params[Linear] / params > 0.5``, ``eight.macs == 8 * one.macs``, ``3*3*3*64 == 1728``. A name is a
convention of the claim's model (a hyphen is written as ``_``), or ``calls``, how many modules run;
a dot leads into one of the claim's models. In brackets stands a type of module, or a layer's path
as a string.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flop_harness.errors import UserError, suggest
from flop_harness.reconcile.pricing import Price, Priced
from flop_harness.records import Claim
from flop_harness.records.units import shown

ARITHMETIC: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
COMPARISONS: Mapping[type, tuple[str, str, Callable[[Any, Any], bool]]] = {
    ast.Eq: ("=", "≠", operator.eq), ast.NotEq: ("≠", "=", operator.ne),
    ast.Lt: ("<", "≥", operator.lt), ast.LtE: ("≤", ">", operator.le),
    ast.Gt: (">", "≤", operator.gt), ast.GtE: ("≥", "<", operator.ge),
}  # fmt: skip
"""How each looks where it holds, and what is so where it does not."""

CALLS = "calls"


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a statement holds, and each of its comparisons in numbers, as they really are."""

    holds: bool
    evidence: str


def parse(claim: Claim) -> ast.expr:
    """The statement as a tree. UserError for what is no comparison."""
    try:
        tree = ast.parse(claim.holds, mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UserError(f"claim {claim.id!r}: holds: {error}") from error
    parts = tree.values if isinstance(tree, ast.BoolOp) else [tree]
    if not all(isinstance(part, ast.Compare) for part in parts):
        raise UserError(f"claim {claim.id!r}: holds: {claim.holds!r} is no comparison")
    return tree


def worked_out(claim: Claim) -> Fraction:
    """What the author's own arithmetic comes to."""
    try:
        tree = ast.parse(claim.working, mode="eval").body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise UserError(f"claim {claim.id!r}: working: {error}") from error
    return Reader(claim, {}).number(tree)


def layers_in(claim: Claim) -> tuple[str, ...]:
    """The layers that a statement asks for."""
    found = (node.slice for node in ast.walk(parse(claim)) if isinstance(node, ast.Subscript))
    names = (part.value for part in found if isinstance(part, ast.Constant))
    return tuple(dict.fromkeys(str(name) for name in names))


def examine(claim: Claim, models: Mapping[str, Priced]) -> Finding:
    """Evaluate a statement; ``models`` has the claim's own model under ``""``."""
    tree = parse(claim)
    reader = Reader(claim, models)
    compared = list(reader.comparisons(tree))
    truths = [truth for truth, _ in compared]
    either = isinstance(tree, ast.BoolOp) and isinstance(tree.op, ast.Or)
    holds = any(truths) if either else all(truths)
    return Finding(holds, "; ".join(words for _, words in compared))


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads numbers and names of a statement."""

    claim: Claim
    models: Mapping[str, Priced]

    def comparisons(self, tree: ast.expr) -> Iterator[tuple[bool, str]]:
        """(whether it holds, how it looks in numbers) of each comparison."""
        for part in tree.values if isinstance(tree, ast.BoolOp) else [tree]:
            assert isinstance(part, ast.Compare)
            sides = [self.number(side) for side in (part.left, *part.comparators)]
            signs = [COMPARISONS.get(type(sign)) for sign in part.ops]
            if not all(signs):
                raise self.wrong(part)
            truths, told = [], [shown(sides[0])]
            for known, left, right in zip(signs, sides, sides[1:], strict=False):
                assert known
                sign, opposite, holds = known
                truths.append(holds(left, right))
                told += [sign if truths[-1] else opposite, shown(right)]
            yield all(truths), " ".join(told)

    def number(self, node: ast.expr) -> Fraction:
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return Fraction(str(value))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.number(operand)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in ARITHMETIC:
                return self.combined(type(sign), self.number(left), self.number(right), node)
            case ast.Subscript(value=quantity, slice=ast.Name(id=kind)):
                return self.quantity(quantity, kind, "type")
            case ast.Subscript(value=quantity, slice=ast.Constant(value=str(layer))):
                return self.quantity(quantity, layer, "layer")
            case ast.Name() | ast.Attribute():
                return self.quantity(node, "", "")
        raise self.wrong(node)

    def combined(self, sign: type, left: Fraction, right: Fraction, node: ast.expr) -> Fraction:
        try:
            return Fraction(ARITHMETIC[sign](left, right))
        except ZeroDivisionError as error:
            raise UserError(f"claim {self.claim.id!r}: {ast.unparse(node)} divides by 0") from error

    def quantity(self, node: ast.expr, part: str, kind: str) -> Fraction:
        match node:
            case ast.Name(id=name):
                model = ""
            case ast.Attribute(value=ast.Name(id=model), attr=name):
                pass
            case _:
                raise self.wrong(node)
        if model not in self.models:
            known = [each for each in self.models if each]
            what = f"no model {model!r}" if model else f"no model for {name!r}"
            raise UserError(f"claim {self.claim.id!r}: holds: {what}{suggest(model, known)}")
        return self.told(self.models[model], name.replace("_", "-"), part, kind)

    def told(self, priced: Priced, name: str, part: str, kind: str) -> Fraction:
        if name == CALLS:
            calls = priced.calls
            return Fraction(calls.get(part, 0) if part else sum(calls.values()))
        by_name: dict[str, Price] = {price.counting: price for price in reversed(priced.prices)}
        if name not in by_name:
            known = f"{suggest(name, (*by_name, CALLS))}"
            raise UserError(f"claim {self.claim.id!r}: holds: no convention {name!r}{known}")
        price = by_name[name]
        if kind == "layer":
            return Fraction(price.layers[part])
        return Fraction(price.types.get(part, 0) if part else price.total)

    def wrong(self, node: ast.expr) -> UserError:
        return UserError(f"claim {self.claim.id!r}: holds: cannot read {ast.unparse(node)!r}")
