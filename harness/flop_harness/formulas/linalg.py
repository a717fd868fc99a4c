"""Linear algebra: factorisations, solutions of equations.

None of it is a product of matrices, so ``macs`` leaves it out and ``operations`` has it. Direct methods
are counted exactly. Counts of methods that iterate are the usual ones, named by their place in Golub and Van Loan,
Matrix Computations, 4th edition: half additions, half multiplications.
"""

from __future__ import annotations

from math import prod

from flop_harness.formulas.registry import formula
from flop_harness.records import Call, Tensor
from flop_harness.records.work import Work

FACTORISATION, SOLUTION = "factorisation", "solution of equations"


def times(count: int, work: Work) -> Work:
    """The work of a batch of ``count``."""
    return Work(
        work.products * count, work.kind, count * work.additions, count * work.multiplications,
        count * work.comparisons, count * work.divisions, count * work.specials,
    )  # fmt: skip


def nominal(kind: str, flops: float) -> Work:
    half = round(flops) // 2
    return Work((), kind, additions=half, multiplications=round(flops) - half)


def batch(matrix: Tensor) -> int:
    return prod(matrix.shape[:-2])


# ------------------------------------------------------------------------------ direct methods


def elimination(m: int, n: int, pivot: bool = True) -> Work:
    """LU of (m, n): in each step the largest of a column, quotients by it, and a row from each row."""
    rows = [(m - k - 1, n - k - 1) for k in range(min(m - 1, n))]
    products, quotients = sum(a * b for a, b in rows), sum(a for a, _ in rows)
    return Work(
        (), FACTORISATION, additions=products, multiplications=products, divisions=quotients,
        comparisons=quotients if pivot else 0,
    )  # fmt: skip


def substitution(n: int, columns: int, unit: bool = False) -> Work:
    """A triangular system for each of ``columns`` right-hand sides; unit: ones on the diagonal."""
    products = columns * n * (n - 1) // 2
    return Work(
        (), SOLUTION, additions=products, multiplications=products,
        divisions=0 if unit else columns * n,
    )  # fmt: skip


@formula("aten.linalg_lu", "aten.linalg_lu_factor_ex")
def lu(call: Call) -> Work:
    a = call.args[0]
    m, n = a.shape[-2:]
    return times(batch(a), elimination(m, n, call.argument(1, "pivot", True)))


@formula("aten._linalg_det")
def determinant(call: Call) -> Work:
    """LU, then the product of the diagonal."""
    a, n = call.args[0], call.args[0].shape[-1]
    return times(batch(a), elimination(n, n) + Work(multiplications=max(n - 1, 0)))


@formula("aten._linalg_slogdet")
def log_determinant(call: Call) -> Work:
    """LU, then the sum of the logarithms of the diagonal."""
    a, n = call.args[0], call.args[0].shape[-1]
    return times(batch(a), elimination(n, n) + Work(additions=max(n - 1, 0), specials=n))


@formula("aten.linalg_inv_ex")
def inverse(call: Call) -> Work:
    """Gauss-Jordan in place: 2n^3 (Higham, Accuracy and Stability, 14.4)."""
    a, n = call.args[0], call.args[0].shape[-1]
    work = Work(
        (), SOLUTION, additions=n * (n - 1) ** 2, multiplications=n * (n - 1) * (n + 1),
        divisions=n, comparisons=n * (n - 1) // 2,
    )  # fmt: skip
    return times(batch(a), work)


def right_hand_sides(a: Tensor, b: Tensor) -> int:
    """Columns for the whole batch; b (..., n, r) or, with one, (..., n); rows if solved from the right."""
    return b.numel // max(a.shape[-1], 1)


@formula("aten._linalg_solve_ex")
def solve(call: Call) -> Work:
    """LU, then both triangles."""
    a, b = call.args[:2]
    n, columns = a.shape[-1], right_hand_sides(a, b)
    triangles = substitution(n, columns, unit=True) + substitution(n, columns)
    return Work(kind=SOLUTION) + times(batch(a), elimination(n, n)) + triangles


@formula("aten.linalg_lu_solve")
def lu_solve(call: Call) -> Work:
    a, _, b = call.args[:3]
    n, columns = a.shape[-1], right_hand_sides(a, b)
    return substitution(n, columns, unit=True) + substitution(n, columns)


@formula("aten.linalg_cholesky_ex")
def cholesky(call: Call) -> Work:
    """n^3 / 3 (4.2.5): each element less a product of rows, by a root or by the diagonal."""
    a, n = call.args[0], call.args[0].shape[-1]
    products = n * (n - 1) * (n + 1) // 6
    return times(batch(a), Work(
        (), FACTORISATION, additions=products, multiplications=products,
        divisions=n * (n - 1) // 2, specials=n,
    ))  # fmt: skip


@formula("aten.cholesky_solve", "aten._cholesky_solve_helper")
def cholesky_solve(call: Call) -> Work:
    b, a = call.args[:2]
    both = substitution(a.shape[-1], right_hand_sides(a, b))
    return both + both


@formula("aten.triangular_solve", "aten.linalg_solve_triangular")
def triangular_solve(call: Call) -> Work:
    """b and a, or a and b; b (..., n, r)."""
    first, second = call.args[:2]
    old = call.packet == "aten.triangular_solve"
    a, b = (second, first) if old else (first, second)
    unit = call.argument(4, "unitriangular", False) is True
    return substitution(a.shape[-1], right_hand_sides(a, b), unit)


@formula("aten.linalg_cross")
def cross(call: Call) -> Work:
    n = call.output.numel
    return Work((), "element-wise", additions=n, multiplications=2 * n)


# ---------------------------------------------------------------------------- by their source


def tall(a: Tensor) -> tuple[int, int, int]:
    """(batch, longer side, shorter side)."""
    return batch(a), max(a.shape[-2:]), min(a.shape[-2:])


@formula("aten.geqrf")
def reflections(call: Call) -> Work:
    """R and the reflections: 2n^2 (m - n/3) (5.2.1)."""
    count, m, n = tall(call.args[0])
    return times(count, nominal(FACTORISATION, 2 * n * n * (m - n / 3)))


@formula("aten.linalg_householder_product")
def reflected_identity(call: Call) -> Work:
    """n columns of Q from n reflections: 2n^2 (m - n/3) (5.1.6)."""
    count, m, n = tall(call.args[0])
    return times(count, nominal(FACTORISATION, 2 * n * n * (m - n / 3)))


@formula("aten.ormqr")
def reflected(call: Call) -> Work:
    """k reflections of (m, n): 4k entries each, less what lies above: 2k n (2m - k)."""
    _, tau, c = call.args[:3]
    rows, columns = c.shape[-2:] if call.argument(3, "left", True) else c.shape[:-3:-1]
    k = tau.shape[-1]
    return times(batch(c), nominal(FACTORISATION, 2 * k * columns * (2 * rows - k)))


@formula("aten.linalg_qr")
def qr(call: Call) -> Work:
    """R: 2n^2 (m - n/3); n columns of Q as much again; all m of them 4 (m^2 n - m n^2 + n^3 / 3)."""
    count, m, n = tall(call.args[0])
    mode, flops = call.argument(1, "mode", "reduced"), 2 * n * n * (m - n / 3)
    wide = call.args[0].shape[-1] > call.args[0].shape[-2]
    if wide:  # of its square part, then applied to the other columns
        flops = 4 * n**3 / 3 + 2 * n * n * (m - n)
    if mode == "complete" and not wide:
        flops += 4 * (m * m * n - m * n * n + n**3 / 3)
    elif mode != "r":
        flops += 4 * n**3 / 3 if wide else 2 * n * n * (m - n / 3)
    return times(count, nominal(FACTORISATION, flops))


@formula("aten.linalg_lstsq")
def least_squares(call: Call) -> Work:
    """By QR (5.3.3): 2n^2 (m - n/3), then 4 m n - n^2 for each right-hand side."""
    a, b = call.args[:2]
    count, m, n = tall(a)
    columns = b.numel // max(count * a.shape[-2], 1)
    flops = 2 * n * n * (m - n / 3) + columns * (4 * m * n - n * n)
    return times(count, nominal(SOLUTION, flops))


@formula("aten.linalg_ldl_factor_ex")
def ldl(call: Call) -> Work:
    """n^3 / 3 (4.4)."""
    a, n = call.args[0], call.args[0].shape[-1]
    return times(batch(a), nominal(FACTORISATION, n**3 / 3))


@formula("aten.linalg_ldl_solve")
def ldl_solve(call: Call) -> Work:
    """2n^2 for each right-hand side."""
    a, _, b = call.args[:3]
    return nominal(SOLUTION, 2 * a.shape[-1] ** 2 * right_hand_sides(a, b))


@formula("aten.cholesky_inverse")
def inverse_of_cholesky(call: Call) -> Work:
    """The inverse of the triangle, and its product with itself: n^3 / 3 each."""
    a, n = call.args[0], call.args[0].shape[-1]
    return times(batch(a), nominal(SOLUTION, 2 * n**3 / 3))
