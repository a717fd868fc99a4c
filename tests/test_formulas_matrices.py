"""Grouped, scaled, packed, sparse and complex products: by arithmetic and by proof."""

from __future__ import annotations

from itertools import pairwise
from math import prod

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from flop_harness import api, compare, count
from flop_harness.conventions.articles import NotApplicable
from flop_harness.conventions.catalogue import CONVENTIONS
from flop_harness.conventions.products import products, unsupported, works
from flop_harness.conventions.reference import reference
from flop_harness.proof.operation import Operation, prove
from flop_harness.proof.probe import measurement
from flop_harness.trace.attempts import recorded
from flop_harness.trace.recorder import record
from programs import Program
from test_formulas import priced, some

aten = torch.ops.aten
quick = settings(max_examples=20, deadline=None, derandomize=True)
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def macs_of(function, *tensors, **options) -> int:
    return reference(record(Program(function), tensors, **options)).total


def proofs_of(function, *tensors, **options):
    """What proves each operator of a function that computes."""
    trace = record(Program(function), tensors, **options)
    return [prove(Operation(visit.call._replace(children=()))) for visit, work in works(trace)
            if work is not None and work.kind != "movement"]  # fmt: skip


def says(convention: str, function, *tensors) -> int:
    return int(CONVENTIONS[convention].price(record(Program(function), tensors)).total)


# -------------------------------------------------------------------------- grouped products

S, K, N, M, G = 32, 16, 24, 8, 4
ENDS = torch.arange(1, G + 1, dtype=torch.int32) * (S // G)
GROUPED = {
    "rows of each group": ((S, K), (G, K, N), True, S * K * N),
    "columns of each group": ((G, M, K), (K, S), True, M * K * S),
    "sums over each group": ((M, S), (S, N), True, M * S * N),
    "one by one": ((G, M, K), (G, K, N), False, G * M * K * N),
}


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", GROUPED)
def test_a_grouped_product(name, dtype, device):
    left, right, split, macs = GROUPED[name]
    tensors = [torch.rand(shape).to(device, dtype) for shape in (left, right)]
    offsets = [ENDS.to(device)] if split else []
    assert macs_of(lambda x, y, *o: aten._grouped_mm(x, y, *o), *tensors, *offsets) == macs


@pytest.mark.parametrize("name", GROUPED)
def test_a_grouped_product_is_proven(name):
    left, right, split, macs = GROUPED[name]
    offsets = [ENDS] if split else []
    (proof,) = proofs_of(
        lambda x, y, *o: aten._grouped_mm(x, y, *o), some(*left), some(*right), *offsets
    )
    assert (proof.standing, proof.whole) == ("proven", macs)


@pytest.mark.parametrize("name", GROUPED)
def test_the_matrices_of_all_groups_have_to_fit_in_memory_at_once(name, monkeypatch):
    """Both factors alone are as many elements as are allowed: run in parts, it is as large."""
    left, right, split, macs = GROUPED[name]
    monkeypatch.setattr(measurement, "MOST_ELEMENTS", prod(left) + prod(right))
    offsets = [ENDS] if split else []
    (proof,) = proofs_of(
        lambda x, y, *o: aten._grouped_mm(x, y, *o), some(*left), some(*right), *offsets
    )
    assert (proof.standing, proof.whole) == ("proven", macs)
    assert "parts" in proof.method


def test_sums_over_groups_have_an_output_for_each():
    """(M, S) @ (S, N) in G groups: G x M x N sums of S / G products."""
    _, (product,) = priced(lambda x, y, o: aten._grouped_mm(x, y, o), some(M, S), some(S, N), ENDS)
    assert product.outputs == G * M * N
    assert product.flops == G * M * N * (2 * (S // G) - 1)


def test_an_expert_layer_counts_as_its_experts():
    """Each of 32 tokens through a grouped product as through the plain layer of one expert."""
    grouped = macs_of(lambda x, y, o: aten._grouped_mm(x, y, o), some(S, K), some(G, K, N), ENDS)
    plain = macs_of(
        lambda x, y: torch.cat([part @ y for part in x.split(S // G)]), some(S, K), some(K, N)
    )
    assert grouped == plain


# --------------------------------------------------------------------- products in a few bits


def eight_bits(*shape: int) -> torch.Tensor:
    return torch.ones(shape).to(torch.float8_e4m3fn)


def scaled(x, y):
    return aten._scaled_mm(x, y.t(), torch.ones(()), torch.ones(()), out_dtype=torch.float32)


@quick
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_a_scaled_product_of_any_length(m, k, n):
    (proof,) = proofs_of(scaled, eight_bits(m, k), eight_bits(n, k))
    assert (proof.standing, proof.macs) == ("proven", m * k * n)


def test_a_scaled_product_on_meta():
    tensors = [eight_bits(5, 7).to("meta"), eight_bits(3, 7).to("meta")]
    assert macs_of(lambda x, y: aten._scaled_mm(x, y.t(), x, y), *tensors) == 5 * 7 * 3


@quick
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_a_product_with_a_weight_of_eight_bits(m, k, n):
    weight = torch.ones(n, k, dtype=torch.int8)
    (proof,) = proofs_of(aten._weight_int8pack_mm, some(m, k), weight, some(n))
    assert (proof.standing, proof.macs) == ("proven", m * k * n)


def test_a_product_with_a_weight_of_four_bits():
    packed = aten._convert_weight_to_int4pack_for_cpu(torch.ones(32, 64, dtype=torch.int32), 2)
    function = lambda x, w, s: aten._weight_int4pack_mm_for_cpu(x, w, 32, s)  # noqa: E731
    (proof,) = proofs_of(function, some(5, 64), packed, some(2, 32, 2))
    assert (proof.standing, proof.macs) == ("proven", 5 * 64 * 32)


def test_a_weight_of_four_bits_as_a_gpu_packs_it():
    """(n / 8, ...) holds n columns."""
    tensors = (torch.ones(5, 64), torch.ones(4, 1, 32, 4, dtype=torch.int32), torch.ones(2, 32, 2))
    tensors = [tensor.to("meta") for tensor in tensors]
    assert macs_of(lambda x, w, s: aten._weight_int4pack_mm(x, w, 32, s), *tensors) == 5 * 64 * 32


@pytest.mark.skipif(not hasattr(aten, "_foreach_mm"), reason="torch 2.11 has no such operator")
def test_products_of_lists():
    proofs = proofs_of(lambda x, y: aten._foreach_mm([x, x], [y, y])[0], some(3, 4), some(4, 5))
    assert [(proof.standing, proof.macs) for proof in proofs] == [("proven", 2 * 3 * 4 * 5)]


# ------------------------------------------------------------------------ fused attention

N_, H, L, E = 2, 3, 5, 8
KERNELS = {
    "flash": lambda q: aten._flash_attention_forward(q, q, q, None, None, L, L, 0.0, False, False)[
        0
    ],
    "efficient": lambda q: aten._efficient_attention_forward(
        q, q, q, None, None, None, L, L, 0.0, 0
    )[0],
}


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_with_positions_before_heads(kernel):
    """Both products of N x H squares of L x L."""
    q = torch.empty(N_, L, H, E, device="meta")
    assert macs_of(KERNELS[kernel], q) == 2 * N_ * H * L * L * E


def test_packed_sequences_are_as_long_as_the_longest():
    """Three sequences of at most 4 of 9 positions."""
    q, ends = torch.empty(9, H, E, device="meta"), torch.empty(4, dtype=torch.int32, device="meta")
    function = lambda q, ends: aten._flash_attention_forward(  # noqa: E731
        q, q, q, ends, ends, 4, 4, 0.0, False, False
    )[0]
    assert macs_of(function, q, ends) == 2 * 3 * H * 4 * 4 * E


class Packed(torch.nn.Module):
    """Attention of sequences that end at ``ends``, packed one after another."""

    def __init__(self, ends):
        super().__init__()
        self.ends = ends

    def forward(self, q):
        ends = torch.tensor(self.ends, dtype=torch.int32, device=q.device)
        longest = max(end - start for start, end in pairwise(self.ends))
        many = aten._flash_attention_forward(q, q, q, ends, ends, longest, longest, 0, False, False)
        return many[0]


@pytest.mark.parametrize("training, products", [(False, 2), (True, 2 + 5)])
def test_packed_sequences_whose_bounds_are_known_are_as_long_as_they_are(training, products):
    """Of 4, 3 and 2 positions; back by five products of each."""
    q = torch.empty(9, H, E, device="meta", requires_grad=training)
    models = Packed([0, 4, 7, 9]), Packed([0, 2, 6, 9])
    for each, lengths in zip(models, [(4, 3, 2), (2, 4, 3)], strict=True):
        found = api.count(each, q, training=training)
        assert found.total == products * H * E * sum(length**2 for length in lengths)


@pytest.mark.parametrize("name", ["flash", "efficient", "cudnn"])
def test_every_fused_kernel_counts_as_the_plain_one(name):
    kernels = {
        "flash": lambda q: aten._scaled_dot_product_flash_attention(q, q, q)[0],
        "efficient": lambda q: aten._scaled_dot_product_efficient_attention(q, q, q, None, True)[0],
        "cudnn": lambda q: aten._scaled_dot_product_cudnn_attention(q, q, q, None, True)[0],
    }
    q = torch.empty(N_, H, L, E, device="meta")
    plain = lambda q: torch.softmax(q @ q.mT, -1) @ q  # noqa: E731
    assert macs_of(kernels[name], q) == macs_of(plain, q) == 2 * N_ * H * L * L * E


# ------------------------------------------------------------------------------ sparse products


def adjacency(layout: str) -> torch.Tensor:
    """Seven elements of 4 x 5."""
    places = torch.tensor([[0, 0, 1, 2, 2, 3, 3], [0, 3, 1, 2, 4, 0, 1]])
    made = torch.sparse_coo_tensor(places, torch.ones(7), (4, 5), check_invariants=True).coalesce()
    return made if layout == "coo" else made.to_sparse_csr()


SPARSE = {
    "mm": (torch.mm, 0),
    "matmul": (torch.matmul, 0),
    "sparse.mm": (torch.sparse.mm, 0),
    "addmm": (lambda s, y: torch.addmm(torch.ones(4, 6), s, y), 4 * 6),
    "sparse.addmm": (lambda s, y: torch.sparse.addmm(torch.ones(4, 6), s, y), 4 * 6),
}


@pytest.mark.parametrize("layout", ["coo", "csr"])
@pytest.mark.parametrize("name", SPARSE)
def test_what_is_stored_multiplies(name, layout):
    """Seven elements meet six columns; dense it would be 4 x 5 x 6."""
    function, bias = SPARSE[name]
    trace = recorded(lambda: (Program(function), (adjacency(layout), some(5, 6)), {}))
    (product,) = [product for _, product, _ in products(trace)]
    assert (product.macs, product.dense, product.bias) == (7 * 6, 4 * 5 * 6, bias)
    assert reference(trace).by_term() == {"sparse matrix product": 7 * 6}
    assert CONVENTIONS["dense-macs"].price(trace).total == 4 * 5 * 6


@pytest.mark.parametrize("stored", [0, 3])
def test_a_sparse_sum_of_a_sparse_product(stored):
    """Seven elements meet six columns; three elements are added."""
    added = torch.sparse_coo_tensor(torch.zeros(2, stored).long(), torch.ones(stored), (4, 6))
    sum_of = lambda s, y: torch.sspaddmm(added, s, y)  # noqa: E731
    trace = recorded(lambda: (Program(sum_of), (adjacency("coo"), some(5, 6)), {}))
    assert reference(trace).by_term() == {"sparse matrix product": 7 * 6}
    assert CONVENTIONS["dense-macs"].price(trace).total == 4 * 5 * 6
    assert CONVENTIONS["operations"].price(trace).total == says_of_product(trace) + stored


def says_of_product(trace) -> int:
    """Two operations for each multiplication, but for the first of each sum."""
    return sum(2 * product.macs - product.outputs for _, product, _ in products(trace))


def test_a_sparse_weight_of_a_linear_layer():
    """Two rows of 5, each against the seven stored elements of (4, 5)."""
    function = torch.nn.functional.linear
    trace = recorded(lambda: (Program(function), (some(2, 5), adjacency("csr")), {}))
    assert reference(trace).total == 2 * 7


@pytest.mark.parametrize(("kind", "times"), [("sum", 3), ("mean", 3), ("amax", 0)])
def test_a_product_that_reduces_goes_back_by_two(kind, times):
    """Three stored elements meet five columns: forward, for what is stored, and for the dense one."""

    def function(values, y):
        rows, columns = torch.tensor([0, 2, 3, 3]), torch.tensor([0, 3, 1])
        x = torch.sparse_csr_tensor(rows, columns, values, (3, 4))
        return torch.sparse.mm(x, y, kind)

    inputs = [some(3).requires_grad_(), some(4, 5).requires_grad_()]
    found = count(Program(function), *inputs, training=True)
    assert (found.macs, found.unsupported) == (times * 3 * 5, {})


def test_a_product_sampled_where_a_matrix_stores():
    """Seven sums of three products."""
    function = torch.sparse.sampled_addmm
    trace = recorded(lambda: (Program(function), (adjacency("csr"), some(4, 3), some(3, 5)), {}))
    assert reference(trace).total == 7 * 3
    assert CONVENTIONS["dense-macs"].price(trace).total == 4 * 3 * 5


@pytest.mark.parametrize("product", [torch.mm, torch.sparse.mm, torch.matmul])
@pytest.mark.parametrize("layout", ["coo", "csr"])
def test_elements_of_two_sparse_matrices_multiply_where_they_meet(layout, product):
    """Each in a column of the first with each in that row of the second, both drawn as zeros and ones."""
    torch.manual_seed(0)
    first, second = (torch.rand(6, 5) < 0.4).float(), (torch.rand(5, 7) < 0.4).float()
    meet = sum(
        int(first[i, k] * second[k, j]) for i in range(6) for k in range(5) for j in range(7)
    )
    stored = [m.to_sparse() if layout == "coo" else m.to_sparse_csr() for m in (first, second)]
    trace = recorded(lambda: (Program(product), tuple(stored), {}))
    assert unsupported(trace) == {}
    assert reference(trace).by_term() == {"sparse matrix product": meet}
    assert CONVENTIONS["dense-macs"].price(trace).total == 6 * 5 * 7


@pytest.mark.parametrize("counter", ["torch", "ptflops-aten"])
def test_tools_take_two_sparse_matrices_for_dense_ones(counter):
    def squared(x):
        return (torch.eye(4).to_sparse_csr() @ torch.eye(4).to_sparse_csr()).to_dense() @ x

    run = compare(Program(squared), some(4, 2), counters=(counter,)).run
    made = [bridge for bridge in run.bridges if bridge.metric == "compute"]
    assert {bridge.reference for bridge in made} == {4 + 4 * 4 * 2}
    assert [bridge.residual for bridge in made] == [0] * len(made)
    assert "sparse matrix product by its shapes" in {s.term for b in made for s in b.steps}


def test_a_model_without_sparse_matrices_has_no_dense_count():
    with pytest.raises(NotApplicable):
        says("dense-macs", torch.mm, some(2, 3), some(3, 4))


# ------------------------------------------------------------------------------ complex numbers


def complex_numbers(*shape: int) -> torch.Tensor:
    torch.manual_seed(sum(shape))
    return torch.randn(shape, dtype=torch.complex64)


@quick
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 5))
def test_a_product_of_complex_matrices(m, k, n):
    """Four real products and two sums for each; two sums for each that is added up."""
    x, y = complex_numbers(m, k), complex_numbers(k, n)
    macs = m * k * n
    assert says("macs", torch.mm, x, y) == macs
    assert says("real-macs", torch.mm, x, y) == 4 * macs
    assert says("exact-flops", torch.mm, x, y) == 6 * macs + 2 * m * n * (k - 1)
    assert says("operations", torch.mm, x, y) == 6 * macs + 2 * m * n * (k - 1)


def test_real_matrices_have_no_complex_count():
    with pytest.raises(NotApplicable):
        says("real-macs", torch.mm, some(2, 3), some(3, 4))


COMPLEX = {
    "sum": (torch.add, 2, 0, 2, 0, 0),
    "product": (torch.mul, 2, 4, 2, 0, 0),
    "quotient": (torch.div, 2, 6, 3, 2, 0),
    "product with a number": (lambda x: x * 2.5, 1, 2, 0, 0, 0),
    "quotient by a number": (lambda x: x / 2.5, 1, 0, 0, 2, 0),
    "product with a complex number": (lambda x: x * 2j, 1, 4, 2, 0, 0),
    "real product with one": (lambda x: x.real * 2j, 1, 2, 0, 0, 0),
    "sum with a complex number": (lambda x: x + 2j, 1, 0, 2, 0, 0),
    "real sum with one": (lambda x: x.real + 2j, 1, 0, 1, 0, 0),
    "real difference from one": (lambda x: x.real - (1 + 2j), 1, 0, 1, 0, 0),
    "quotient by a complex number": (lambda x: x / (1 + 2j), 1, 6, 3, 2, 0),
    "real quotient by one": (lambda x: x.real / (1 + 2j), 1, 6, 3, 2, 0),
    "absolute value": (torch.abs, 1, 2, 1, 0, 1),
    "mean of one": (lambda x: x.mean(-1), 1, 0, 0, 2, 0),
}


@pytest.mark.parametrize("name", COMPLEX)
def test_arithmetic_of_complex_numbers(name):
    """On a single number."""
    function, operands, multiplications, additions, divisions, specials = COMPLEX[name]
    said, _ = priced(function, *[complex_numbers(1)] * operands)
    assert (said.multiplications, said.additions) == (multiplications, additions)
    assert (said.divisions, said.specials) == (divisions, specials)
    (proof,) = proofs_of(function, *[complex_numbers(3, 4)] * operands)
    assert proof.standing == "oracle"


@pytest.mark.parametrize("dim", [0, 1])
def test_a_sum_of_no_numbers_adds_nothing(dim):
    """As of a bias whose layer got no rows."""
    (proof,) = proofs_of(lambda x: x.sum(dim), torch.zeros(0, 6))
    assert proof.standing == "oracle"
    assert says("operations", lambda x: x.sum(dim), torch.zeros(0, 6)) == 0
