"""Linear algebra and Fourier transforms: by arithmetic, by the textbook and by proof."""

from __future__ import annotations

from math import log2

import pytest
import torch

from flop_harness.conventions.products import works
from flop_harness.proof.operation import Operation, prove
from flop_harness.trace.attempts import recorded
from flop_harness.trace.recorder import record
from programs import Program
from test_formulas import some
from test_formulas_matrices import complex_numbers, macs_of, proofs_of, says

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


# -------------------------------------------------------------------------------- linear algebra


def regular(n: int) -> torch.Tensor:
    return some(n, n) + n * torch.eye(n)


DIRECT = {
    "LU": (lambda a: torch.linalg.lu(a)[0], lambda n: 2 * n**3 / 3),
    "LU of two in one": (lambda a: torch.linalg.lu_factor(a)[0], lambda n: 2 * n**3 / 3),
    "determinant": (torch.linalg.det, lambda n: 2 * n**3 / 3),
    "logarithm of it": (lambda a: torch.linalg.slogdet(a)[1], lambda n: 2 * n**3 / 3),
    "inverse": (torch.linalg.inv, lambda n: 2 * n**3),
    "solution": (lambda a: torch.linalg.solve(a, a[:, :1]), lambda n: 2 * n**3 / 3),
    "Cholesky": (lambda a: torch.linalg.cholesky(a @ a.mT), lambda n: n**3 / 3),
    "triangle": (lambda a: torch.linalg.solve_triangular(a, a, upper=True), lambda n: n**3),
    "by a factor": (lambda a: torch.cholesky_solve(a, a), lambda n: 2 * n**3),
}


@pytest.mark.parametrize("name", DIRECT)
@pytest.mark.parametrize("n", [3, 4, 6])
def test_a_direct_method_is_carried_out(name, n):
    proofs = proofs_of(DIRECT[name][0], regular(n), execute=True)
    assert {proof.standing for proof in proofs} <= {"oracle", "proven"}


@pytest.mark.parametrize("name", DIRECT)
def test_a_direct_method_tends_to_the_textbook(name):
    """Its leading term alone at 2,000 rows, comparisons left out."""
    function, leading = DIRECT[name]
    trace = record(Program(function), (torch.empty(2000, 2000, device="meta"),))
    found = [work for _, work in works(trace) if work is not None and work.kind in KINDS]
    total = sum(work.operations - work.comparisons for work in found)
    assert total == pytest.approx(leading(2000), rel=0.01)


KINDS = ("factorisation", "solution of equations")
ITERATED = {
    "singular values": (torch.linalg.svdvals, 4 * 6 * 4**2 - 4 * 4**3 / 3),
    "singular vectors": (lambda a: torch.linalg.svd(a, full_matrices=False)[1], 14 * 6 * 16 + 8 * 64),
    "all of them": (lambda a: torch.linalg.svd(a)[1], 4 * 36 * 4 + 8 * 6 * 16 + 9 * 64),
    "eigenvalues": (lambda a: torch.linalg.eigvalsh(a[:4]), 4 * 4**3 / 3),
    "eigenvectors": (lambda a: torch.linalg.eigh(a[:4])[1], 9 * 4**3),
    "of any matrix": (lambda a: torch.linalg.eig(a[:4])[1], 25 * 4**3),
    "R": (lambda a: torch.linalg.qr(a, mode="r")[1], 2 * 16 * (6 - 4 / 3)),
    "Q and R": (lambda a: torch.linalg.qr(a)[0], 4 * 16 * (6 - 4 / 3)),
    "least squares": (lambda a: torch.linalg.lstsq(a, a[:, :1])[0],
                      2 * 16 * (6 - 4 / 3) + 4 * 6 * 4 - 16),
}  # fmt: skip


@pytest.mark.parametrize("name", ITERATED)
def test_a_count_of_the_textbook_says_that_it_is_one(name):
    """Of 6 x 4, or of its upper square."""
    function, flops = ITERATED[name]
    trace = recorded(lambda: (Program(function), (some(6, 4),), {}))
    found = [(visit, work) for visit, work in works(trace) if work and work.kind != "movement"]
    ((visit, work),) = found
    assert work.operations == round(flops) and not work.products
    proof = prove(Operation(visit.call))
    assert proof.standing == "unprovable" and "usual count" in proof.reason


def test_the_products_of_a_matrix_exponential():
    assert macs_of(torch.matrix_exp, some(5, 5)) == 5 * 5**3


@pytest.mark.skipif(not hasattr(torch.linalg, "polar"), reason="torch before 2.14")
def test_the_products_of_a_square_root_and_of_a_polar_decomposition():
    """V sqrt(S) V': one of n^3. U V' of (m, n) and V S V': m n^2 and n^3."""
    square, tall = some(4, 4) @ some(4, 4).mT, some(3, 6, 4)
    assert macs_of(torch.linalg.matrix_sqrth, square) == 4**3
    assert macs_of(torch.linalg.polar, tall) == 3 * (6 * 4**2 + 4**3)
    product, vectors, roots = 2 * 4**3 - 4**2, 9 * 4**3, 4
    symmetric = 3 * 4**2  # by a diagonal, by a half, and a sum
    found = says("operations", torch.linalg.matrix_sqrth, square)
    assert found == product + vectors + roots + symmetric


# --------------------------------------------------------------------------- Fourier transforms


@pytest.mark.parametrize("n", [2, 8, 64, 12])
def test_a_complex_transform(n):
    """5 n log2 n for each of three rows."""
    assert says("operations", torch.fft.fft, complex_numbers(3, n)) == round(5 * 3 * n * log2(n))
    assert says("macs", torch.fft.fft, complex_numbers(3, n)) == 0


def test_a_real_transform_is_half_of_it():
    assert says("operations", torch.fft.rfft, some(3, 16)) == 5 * 3 * 16 * 4 // 2
    assert says("operations", torch.fft.irfft, complex_numbers(3, 9)) == 5 * 3 * 16 * 4 // 2


def test_a_transform_along_two_axes():
    """Columns of 8, then rows of 4: 5 N log2 (4 x 8) for N numbers."""
    x = complex_numbers(3, 4, 8)
    assert says("operations", torch.fft.fft2, x) == 5 * x.numel() * 5
    rows = lambda x: torch.fft.fft(torch.fft.fft(x, dim=1), dim=2)  # noqa: E731
    assert says("operations", rows, x) == 5 * x.numel() * 5
    (proof,) = proofs_of(torch.fft.fft2, x)
    assert proof.standing == "oracle"
