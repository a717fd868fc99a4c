"""Primitive work: what an operator does, before any convention charges for it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Product:
    """Sums of products: a convolution, a matrix product, one of the products of attention.

    ``macs`` multiply-accumulates yield ``outputs`` elements; ``bias`` of them get a bias added.
    ``term`` names it where the operator alone knows (fused attention); else its place does.
    ``added`` is how many additions make up the sums, where they are not K - 1 for K products each.
    ``dense`` is what ``macs`` would be if a sparse matrix stored all its elements. ``complex`` is
    true of complex numbers, of which ``macs`` counts each multiplication once.
    """

    macs: int
    outputs: int
    bias: int = 0
    term: str = ""
    added: int | None = None
    dense: int | None = None
    complex: bool = False

    def times(self, times: Fraction) -> Product:
        """So much of it."""
        macs, outputs, bias = (int(each * times) for each in (self.macs, self.outputs, self.bias))
        added, dense = (
            None if each is None else int(each * times) for each in (self.added, self.dense)
        )
        return Product(macs, outputs, bias, self.term, added, dense, self.complex)

    @property
    def by_shapes(self) -> int:
        """MACs as shapes alone tell them, which do not say what a sparse matrix stores."""
        return self.macs if self.dense is None else self.dense

    @property
    def sums(self) -> int:
        """Additions within the sums."""
        return self.macs - min(self.outputs, self.macs) if self.added is None else self.added

    @property
    def real_macs(self) -> int:
        """Multiplications of real numbers: four for each of complex ones."""
        return 4 * self.macs if self.complex else self.macs

    @property
    def flops(self) -> int:
        """Exact operations: K multiplications and K - 1 additions per output, and the bias.

        A complex multiplication is four real ones and two additions, a complex addition is two.
        """
        if self.complex:
            return 6 * self.macs + 2 * (self.sums + self.bias)
        return self.macs + self.sums + self.bias


@dataclass(frozen=True, slots=True)
class Work:
    """What one call of an operator does, in primitive operations.

    ``kind`` names the group of everything that is no product: normalisation, activation, ...
    """

    products: tuple[Product, ...] = ()
    kind: str = ""
    additions: int = 0
    multiplications: int = 0
    comparisons: int = 0
    divisions: int = 0
    specials: int = 0

    def __add__(self, other: Work) -> Work:
        """The work of both, under the name of the first."""
        return Work(
            self.products + other.products,
            self.kind,
            self.additions + other.additions,
            self.multiplications + other.multiplications,
            self.comparisons + other.comparisons,
            self.divisions + other.divisions,
            self.specials + other.specials,
        )

    def times(self, times: Fraction) -> Work:
        """So much of it: what several do of which one does this."""
        amounts = (
            self.additions,
            self.multiplications,
            self.comparisons,
            self.divisions,
            self.specials,
        )
        products = tuple(product.times(times) for product in self.products)
        return Work(products, self.kind, *(int(each * times) for each in amounts))

    @property
    def macs(self) -> int:
        return sum(product.macs for product in self.products)

    @property
    def operations(self) -> int:
        """Arithmetic outside products, each operation counted once."""
        return (
            self.additions
            + self.multiplications
            + self.comparisons
            + self.divisions
            + self.specials
        )


FREE = Work(kind="movement")
"""An operator that moves, allocates or reinterprets data and computes nothing."""
