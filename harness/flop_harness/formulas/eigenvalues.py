"""Eigenvalues, singular values, and functions of matrices that are made of them.

``macs`` has the products of matrices inside a matrix exponential, a pseudo-inverse, a square root and a polar
decomposition; ``operations`` has all. Counts of methods that iterate are the usual ones, named by their place
in Golub and Van Loan, Matrix Computations, 4th edition: half additions, half multiplications.
"""

from __future__ import annotations

from flop_harness.formulas.linalg import batch, nominal, tall, times
from flop_harness.formulas.products import product_of
from flop_harness.formulas.registry import formula
from flop_harness.records import Call
from flop_harness.records.work import Work


@formula("aten._linalg_svd")
def svd(call: Call) -> Work:
    """Golub and Reinsch (8.6.4): values alone, thin or whole vectors."""
    count, m, n = tall(call.args[0])
    if call.argument(2, "compute_uv", True) is False:
        return values_alone(call)
    flops = 14 * m * n * n + 8 * n**3
    if call.argument(1, "full_matrices", False) is True:
        flops = 4 * m * m * n + 8 * m * n * n + 9 * n**3
    return times(count, nominal("eigenvalues", flops))


@formula("aten.linalg_pinv")
def pseudo_inverse(call: Call) -> Work:
    """V / S times U transposed, from a thin decomposition; from eigenvectors if it is hermitian."""
    a = call.args[0]
    count, m, n = tall(a)
    hermitian = call.argument(4, "hermitian", False) is True
    flops = 9 * n**3 if hermitian else 14 * m * n * n + 8 * n**3
    scaled = Work(multiplications=n * min(a.shape[-1], m), divisions=n)
    found = Work((product_of(n, n, m, term="pseudo-inverse"),), "eigenvalues")
    return times(count, found + nominal("", flops) + scaled)


@formula("aten.linalg_matrix_sqrth")
def square_root(call: Call) -> Work:
    """V sqrt(S) times V transposed, from eigenvectors; half of that and its transpose."""
    a, n = call.args[0], call.args[0].shape[-1]
    found = Work((product_of(n, n, n, term="matrix square root"),), "eigenvalues")
    return times(batch(a), found + nominal("", 9 * n**3) + symmetrised(n) + Work(specials=n))


@formula("aten.linalg_polar")
def polar(call: Call) -> Work:
    """From a thin decomposition (m, n): U times V transposed, and V times S V transposed, made symmetric."""
    count, m, n = tall(call.args[0])
    products = [product_of(rows, n, n, term="polar decomposition") for rows in (m, n)]
    found = Work(tuple(products), "eigenvalues") + nominal("", 14 * m * n * n + 8 * n**3)
    return times(count, found + symmetrised(n))


def symmetrised(n: int) -> Work:
    """A diagonal by a matrix, and half of a product and of its transpose."""
    return Work(additions=n * n, multiplications=2 * n * n)


@formula("aten._linalg_eigh")
def eigh(call: Call) -> Work:
    """Symmetric QR (8.3.5): values 4n^3 / 3, vectors too 9n^3."""
    if call.argument(2, "compute_v", True) is False:
        return values_alone(call)
    return times(batch(call.args[0]), nominal("eigenvalues", 9 * call.args[0].shape[-1] ** 3))


@formula("aten.linalg_eig")
def eig(call: Call) -> Work:
    """QR of Francis (7.5.6): values 10n^3, vectors too 25n^3."""
    return times(batch(call.args[0]), nominal("eigenvalues", 25 * call.args[0].shape[-1] ** 3))


@formula("aten._linalg_eigvals")
def eigvals(call: Call) -> Work:
    return values_alone(call)


def values_alone(call: Call) -> Work:
    """Singular values or eigenvalues without vectors, of a call that was told to find them too."""
    a = call.args[0]
    count, m, n = tall(a)
    flops = {
        "aten._linalg_svd": 4 * m * n * n - 4 * n**3 / 3,
        "aten._linalg_eigh": 4 * n**3 / 3,
        "aten.linalg_eig": 10 * n**3,
        "aten._linalg_eigvals": 10 * n**3,
    }[call.packet]
    return times(count, nominal("eigenvalues", flops))


@formula("aten.linalg_matrix_exp")
def matrix_exponential(call: Call) -> Work:
    """Five products for degree 18 (Bader, Blanes, Casas 2019), as for norms from 1.1 to 2.2.

    How many there are hangs on the norm: fewer for a smaller one, a square more for each doubling.
    """
    a, n = call.args[0], call.args[0].shape[-1]
    each = product_of(batch(a) * n, n, n, term="matrix exponential")
    return Work((each,) * 5)
