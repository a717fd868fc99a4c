"""Functions of tensors as models: every way of writing a product, and the work around it."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter

import torch
import torch.nn.functional as F
from torch import nn

from layers import Factory, made


class Program(nn.Module):
    """A function as a model."""

    def __init__(self, function: Callable) -> None:
        super().__init__()
        self.function = function

    def forward(self, a, b=None, c=None, d=None, e=None):
        return self.function(*(x for x in (a, b, c, d, e) if x is not None))


def named(name: str) -> Callable:
    """A function of torch looked up by its name at each call, as a user's code does it."""
    return lambda *args: attrgetter(name)(torch)(*args)


def program(function: Callable, *shapes: tuple[int, ...]) -> Factory:
    return made(lambda: Program(function), *shapes)


def grouped_queries(q, k, v):
    return F.scaled_dot_product_attention(q, k, v, enable_gqa=True)


def by_hand(q, k, v):
    weights = torch.softmax(q @ k.transpose(-2, -1) / q.shape[-1] ** 0.5, dim=-1)
    return weights @ v


def in_rows(x: torch.Tensor) -> torch.Tensor:
    """By a matrix that stores its rows' elements: tools read its shape."""
    return torch.eye(4).to_sparse_csr() @ x


def in_blocks(x: torch.Tensor) -> torch.Tensor:
    return torch.block_diag(torch.ones(2, 2), torch.ones(2, 2)).to_sparse_bsr((2, 2)) @ x


class Output(dict):
    """As libraries have them: a dictionary that nobody has told pytree of."""


PROGRAMS: dict[str, Factory] = {
    "relu imported before": program(F.relu, (2, 3, 4)),
    "matmul imported before": program(torch.matmul, (3, 4), (4, 5)),
    "scaled dot product": program(
        F.scaled_dot_product_attention, (2, 4, 3, 8), (2, 4, 5, 8), (2, 4, 5, 6)
    ),
    "scaled dot product equal": program(
        named("nn.functional.scaled_dot_product_attention"), *[(2, 4, 3, 8)] * 3
    ),
    "scaled dot product grouped": program(grouped_queries, (2, 4, 3, 8), *[(2, 2, 5, 8)] * 2),
    "scaled dot product 3d": program(
        named("nn.functional.scaled_dot_product_attention"), *[(4, 3, 8)] * 3
    ),
    "attention by hand": program(by_hand, *[(2, 4, 3, 8)] * 3),
    "matmul operator": program(lambda a, b: a @ b, (3, 4), (4, 5)),
    "matmul operator reversed": program(lambda a, b: torch.matmul(b.T, a.T), (3, 4), (4, 5)),
    "matmul batched": program(named("matmul"), (2, 3, 4), (2, 4, 5)),
    "matmul broadcast": program(named("matmul"), (2, 3, 4), (4, 5)),
    "matmul broadcast left": program(named("matmul"), (3, 4), (2, 4, 5)),
    "matmul vector": program(named("matmul"), (3, 4), (4,)),
    "matmul vectors": program(named("matmul"), (4,), (4,)),
    "matmul method": program(lambda a, b: a.matmul(b), (3, 4), (4, 5)),
    "mm": program(named("mm"), (3, 4), (4, 5)),
    "mm method": program(lambda a, b: a.mm(b), (3, 4), (4, 5)),
    "bmm": program(named("bmm"), (2, 3, 4), (2, 4, 5)),
    "bmm method": program(lambda a, b: a.bmm(b), (2, 3, 4), (2, 4, 5)),
    "mv": program(named("mv"), (3, 4), (4,)),
    "dot": program(named("dot"), (4,), (4,)),
    "addmm": program(named("addmm"), (5,), (3, 4), (4, 5)),
    "addmm method": program(lambda c, a, b: c.addmm(a, b), (3, 5), (3, 4), (4, 5)),
    "addmm without beta": program(
        lambda c, a, b: torch.addmm(c, a, b, beta=0), (5,), (3, 4), (4, 5)
    ),
    "baddbmm": program(named("baddbmm"), (2, 3, 5), (2, 3, 4), (2, 4, 5)),
    "baddbmm method": program(lambda c, a, b: c.baddbmm(a, b), (2, 3, 5), (2, 3, 4), (2, 4, 5)),
    "addbmm": program(named("addbmm"), (3, 5), (2, 3, 4), (2, 4, 5)),
    "addmv": program(named("addmv"), (3,), (3, 4), (4,)),
    "outer": program(named("outer"), (3,), (4,)),
    "einsum": program(lambda a, b: torch.einsum("bij,bjk->bik", a, b), (2, 3, 4), (2, 4, 5)),
    "einsum transposed": program(
        lambda a, b: torch.einsum("nct,ncp->ntp", a, b), (2, 3, 4), (2, 3, 5)
    ),
    "einsum of three": program(
        lambda a, b, c: torch.einsum("ij,jk,kl->il", a, b, c), (2, 3), (3, 4), (4, 5)
    ),
    "einsum outer": program(lambda a, b: torch.einsum("i,j->ij", a, b), (2,), (3,)),
    "einsum sum": program(lambda a: torch.einsum("ij->i", a), (2, 3)),
    "einsum list": program(lambda a, b: torch.einsum("ij,jk", [a, b]), (2, 3), (3, 4)),
    "einsum ellipsis": program(
        lambda a, b: torch.einsum("...ij,...jk->...ik", a, b), (2, 3, 4), (2, 4, 5)
    ),
    "tensordot": program(lambda a, b: torch.tensordot(a, b, 1), (2, 3, 4), (4, 5)),
    "functional linear": program(named("nn.functional.linear"), (3, 4), (5, 4), (5,)),
    "functional linear 3d": program(named("nn.functional.linear"), (2, 3, 4), (5, 4), (5,)),
    "functional conv": program(named("nn.functional.conv2d"), (2, 3, 5, 6), (4, 3, 3, 3), (4,)),
    "functional conv same": program(
        lambda x, w: F.conv2d(x, w, padding="same"), (2, 3, 5, 6), (4, 3, 3, 3)
    ),
    "functional conv transposed": program(
        named("nn.functional.conv_transpose2d"), (2, 3, 5, 6), (3, 4, 3, 3)
    ),
    "functional bilinear": program(named("nn.functional.bilinear"), (2, 3), (2, 5), (4, 3, 5)),
    "functional relu": program(named("nn.functional.relu"), (2, 3, 4)),
    "torch relu": program(named("relu"), (2, 3, 4)),
    "method relu": program(lambda x: x.relu(), (2, 3, 4)),
    "functional gelu": program(named("nn.functional.gelu"), (2, 3, 4)),
    "functional silu": program(named("nn.functional.silu"), (2, 3, 4)),
    "functional softmax": program(lambda x: F.softmax(x, dim=1), (2, 3, 4)),
    "functional elu": program(named("nn.functional.elu"), (2, 3, 4)),
    "functional relu6": program(named("nn.functional.relu6"), (2, 3, 4)),
    "functional prelu": program(named("nn.functional.prelu"), (2, 3, 4), (3,)),
    "functional leaky relu": program(named("nn.functional.leaky_relu"), (2, 3, 4)),
    "torch softmax": program(lambda x: torch.softmax(x, 1), (2, 3, 4)),
    "functional max pool": program(lambda x: F.max_pool2d(x, 2), (2, 3, 4, 5)),
    "functional average pool": program(lambda x: F.avg_pool2d(x, 2), (2, 3, 4, 5)),
    "functional adaptive pool": program(lambda x: F.adaptive_avg_pool2d(x, 1), (2, 3, 4, 5)),
    "functional adaptive max": program(lambda x: F.adaptive_max_pool2d(x, 3), (2, 3, 4, 5)),
    "functional interpolate": program(lambda x: F.interpolate(x, scale_factor=2), (2, 3, 4, 5)),
    "interpolate to size": program(
        lambda x: F.interpolate(x, size=(7, 6), mode="bilinear"), (2, 3, 4, 5)
    ),
    "interpolate with list": program(
        lambda x: F.interpolate(x, scale_factor=[2.0, 3.0]), (2, 3, 4, 5)
    ),
    "interpolate by half": program(
        lambda x: F.interpolate(x, scale_factor=0.5, mode="bilinear"), (1, 3, 5, 5)
    ),
    "functional batch norm": program(named("nn.functional.batch_norm"), (2, 3, 4), (3,), (3,)),
    "functional layer norm": program(lambda x: F.layer_norm(x, (4,)), (2, 3, 4)),
    "grid sample": program(
        lambda x, grid: F.grid_sample(x, grid, align_corners=False), (2, 3, 4, 5), (2, 6, 7, 2)
    ),
    "add operator": program(lambda a, b: a + b, (2, 3), (2, 3)),
    "add function": program(named("add"), (2, 3), (2, 3)),
    "add method": program(lambda a, b: a.add(b), (2, 3), (2, 3)),
    "add in place": program(lambda a, b: a.add_(b), (2, 3), (2, 3)),
    "add broadcast": program(named("add"), (2, 1, 4), (3, 1)),
    "add number": program(lambda a: torch.add(a, 1), (2, 3)),
    "add keyword": program(lambda a, b: torch.add(input=a, other=b, alpha=2), (2, 3), (2, 3)),
    "mul operator": program(lambda a, b: a * b, (2, 3), (2, 3)),
    "mul function": program(named("mul"), (2, 3), (3,)),
    "mul method": program(lambda a, b: a.mul(b), (2, 3), (2, 3)),
    "mul number": program(lambda a: 2 * torch.mul(a, 3), (2, 3)),
    "complex arithmetic": program(lambda a: torch.fft.rfft(a).abs(), (2, 8)),
    "matmul keyword": program(lambda a, b: torch.matmul(input=a, other=b), (3, 4), (4, 5)),
    "matmul vector first": program(named("matmul"), (4,), (2, 4, 5)),
    "matmul 4d": program(named("matmul"), (2, 2, 3, 4), (2, 1, 4, 5)),
    "mm keyword": program(lambda a, b: torch.mm(a, mat2=b), (3, 4), (4, 5)),
    "addmm keyword": program(
        lambda c, a, b: torch.addmm(input=c, mat1=a, mat2=b), (5,), (3, 4), (4, 5)
    ),
    "linalg matmul": program(named("linalg.matmul"), (3, 4), (4, 5)),
    "multi dot": program(lambda a, b, c: torch.linalg.multi_dot([a, b, c]), (3, 4), (4, 5), (5, 6)),
    "inner": program(named("inner"), (3, 4), (5, 4)),
    "kron": program(named("kron"), (3, 4), (5, 4)),
    "cosine similarity": program(named("nn.functional.cosine_similarity"), (3, 4), (3, 4)),
    "vecdot": program(named("linalg.vecdot"), (3, 4), (3, 4)),
    "output of its own kind": program(lambda a, b: Output(product=a @ b), (3, 4), (4, 5)),
    "cdist": program(named("cdist"), (30, 4), (35, 4)),
    "einsum diagonal": program(lambda a: torch.einsum("ii->i", a), (3, 3)),
    "einsum hadamard": program(lambda a, b: torch.einsum("ij,ij->ij", a, b), (3, 4), (3, 4)),
    "einsum to a number": program(lambda a, b: torch.einsum("ij,ij->", a, b), (3, 4), (3, 4)),
    "einsum matrix vector": program(lambda a, b: torch.einsum("ij,j->i", a, b), (3, 4), (4,)),
    "einsum heads": program(
        lambda a, b: torch.einsum("bqhd,bkhd->bhqk", a, b), (2, 3, 2, 4), (2, 5, 2, 4)
    ),
    "functional conv unbatched": program(named("nn.functional.conv2d"), (3, 6, 5), (4, 3, 3, 3)),
    "functional conv 1d": program(named("nn.functional.conv1d"), (2, 3, 6), (4, 3, 3)),
    "functional conv 3d": program(named("nn.functional.conv3d"), (1, 2, 3, 4, 5), (3, 2, 2, 2, 2)),
    "torch conv grouped": program(
        lambda x, w: torch.conv2d(x, w, groups=3), (2, 3, 6, 5), (3, 1, 3, 3)
    ),
    "relu in place": program(lambda x: F.relu(x * 1, inplace=True), (2, 3)),
    "relu underscore": program(lambda x: F.relu_(x * 1), (2, 3)),
    "upsample function": program(lambda x: F.upsample(x, scale_factor=2), (2, 3, 4, 5)),
    "interpolate to an integer": program(lambda x: F.interpolate(x, 6), (2, 3, 4, 5)),
    "interpolate by thirds": program(lambda x: F.interpolate(x, scale_factor=1.3), (2, 3, 4, 5)),
    "mul broadcast right": program(named("mul"), (2, 3, 4), (4,)),
    "mul with a scalar tensor": program(lambda a, b: torch.mul(a, b.sum()), (2, 3, 4), (4,)),
    "short time fourier": program(lambda x: torch.stft(x, 4, return_complex=True), (2, 16)),
    "vectorised map": program(lambda a, b: torch.vmap(torch.mv, (None, 0))(a, b), (3, 4), (2, 4)),
    "scaled dot product causal": program(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), *[(2, 4, 3, 8)] * 3
    ),
}

SPARSE = {
    "sparse rows": program(in_rows, (4, 3)),
    "sparse blocks": program(in_blocks, (4, 3)),
}
"""Programs that have to run: what they store hangs on values."""


def calls_by_scan(parts: int) -> int:
    """How often torch's scan calls its function for so many: before torch 2.13 once more, for the shapes."""
    from torch._higher_order_ops import scan

    calls = []

    def function(carry, part):
        calls.append(part)
        return carry.clone(), part.clone()

    with torch.compiler.set_stance("force_eager"):
        scan(function, torch.zeros(2), torch.zeros(parts, 2))
    return len(calls)
