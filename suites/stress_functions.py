"""Work that is written as functions and operators, not as layers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from stress_parts import Functional, image, rows, weight
from torch import nn
from torch.nn.functional import linear, relu

# ------------------------------------------------------------------------ functions, operators


def functional_layers():
    def forward(m, x):
        x = F.conv2d(x, m.kernel, padding=1)
        x = F.relu(F.batch_norm(x, m.mean, m.var))
        x = F.max_pool2d(F.gelu(x), 2)
        return F.linear(F.adaptive_avg_pool2d(x, 1).flatten(1), m.matrix, m.bias)

    parts = {"kernel": weight(5, 4, 3, 3), "matrix": weight(7, 5), "bias": weight(7)}
    module = Functional(forward, **parts)
    module.register_buffer("mean", torch.zeros(5))
    module.register_buffer("var", torch.ones(5))
    return module, (image(),), {}


def spellings_of_a_sum():
    def forward(m, x):
        y = x + x
        y = torch.add(y, x)
        y = y.add(x)
        y += x
        return torch.mul(y, 2) * x.mul(3)

    return Functional(forward), (torch.rand(3, 6),), {}


def spellings_of_a_product():
    def forward(m, x):
        a = x @ m.w
        b = torch.matmul(x, m.w)
        c = x.matmul(m.w)
        d = torch.mm(x, m.w) + x.mm(m.w)
        e = torch.addmm(m.b, x, m.w)
        return a + b + c + d + e

    return Functional(forward, w=weight(6, 5), b=weight(5)), (torch.rand(3, 6),), {}


def batched_products():
    def forward(m, x, y):
        z = torch.bmm(x, y) + x.bmm(y) + torch.baddbmm(m.b, x, y)
        return z + torch.matmul(x, m.w) @ y[:, :5]

    args = (torch.rand(2, 3, 6), torch.rand(2, 6, 4))
    return Functional(forward, b=weight(3, 4), w=weight(6, 5)), args, {}


def vectors():
    def forward(m, x):
        return torch.mv(m.w, x) @ m.v + torch.dot(x, x)

    return Functional(forward, w=weight(5, 6), v=weight(5)), (torch.rand(6),), {}


def einsums():
    def forward(m, x, y):
        a = torch.einsum("bij,bjk->bik", x, y)
        b = torch.einsum("bij,kj->bik", x, m.w)
        c = torch.einsum("bij,bjk,kl->bil", x, y, m.v)
        return a.sum() + b.sum() + c.sum() + torch.einsum("bij->b", x).sum()

    args = (torch.rand(2, 3, 6), torch.rand(2, 6, 4))
    return Functional(forward, w=weight(5, 6), v=weight(4, 3)), args, {}


def activations_of_each_kind():
    kinds = [nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(), nn.PReLU(), nn.ELU(), nn.GELU(), nn.SiLU(),
             nn.Sigmoid(), nn.Tanh(), nn.Hardswish(), nn.Hardsigmoid(), nn.Softmax(dim=1),
             nn.LogSoftmax(dim=1), nn.Mish(), nn.Softplus(), nn.SELU(), nn.CELU()]  # fmt: skip
    return nn.Sequential(*kinds), (image(),), {}


def functional_activations():
    names = "relu relu6 leaky_relu elu gelu silu sigmoid tanh hardswish hardsigmoid mish".split()

    def forward(m, x):
        for name in names:
            x = getattr(F, name)(x)
        return F.softmax(F.prelu(x, m.slope), dim=1)

    return Functional(forward, slope=weight(1)), (image(),), {}


def functions_taken_by_name():
    """``from torch.nn.functional import relu`` is out of reach of whoever patches the name later."""
    return Functional(lambda m, x: relu(linear(x, m.w)), w=weight(5, 6)), (rows(),), {}


def functional_convolutions():
    def forward(m, x):
        flat = x.flatten(2)
        a = F.conv1d(flat, m.line, stride=2, padding=1, groups=2)
        b = F.conv3d(x.unsqueeze(2), m.volume.unsqueeze(2), m.bias, padding="same")
        c = F.conv_transpose1d(flat, m.line_back, stride=2, output_padding=1)
        d = F.conv_transpose2d(x, m.back, m.bias, (2, 1), padding=1, groups=2, dilation=(1, 2))
        return a.sum() + b.sum() + c.sum() + d.sum()

    parts = {"line": weight(6, 2, 3), "volume": weight(6, 4, 3, 3), "bias": weight(6),
             "line_back": weight(4, 3, 2), "back": weight(4, 3, 3, 3)}  # fmt: skip
    return Functional(forward, **parts), (image(),), {}


def unbatched_functions():
    def forward(m, x):
        return F.max_pool2d(F.conv2d(x, m.w, m.b), 2) + F.adaptive_avg_pool2d(x, 3)[:1]

    return Functional(forward, w=weight(6, 4, 3, 3), b=weight(6)), (image()[0],), {}


def einsums_of_each_form():
    def forward(m, x, y):
        outs = [
            torch.einsum("...ij,...jk->...ik", x, y),
            torch.einsum("bij,bjk", x, y),
            torch.einsum("bij, bkl -> bikjl", x, y),
            torch.einsum("bij,ij->b", x, x[0]),
            torch.einsum("bij->bji", x),
            torch.einsum("ii->i", x[0, :, :3]),
            torch.einsum(x, [0, 1, 2], y, [0, 2, 3], [0, 3]),
            torch.einsum("bij,j->bi", x, m.v),
            torch.einsum("b...,b...->b...", x, x),
        ]
        return sum(out.sum() for out in outs)

    args = (torch.rand(2, 3, 6), torch.rand(2, 6, 4))
    return Functional(forward, v=weight(6)), args, {}


def broadcast_products():
    def forward(m, x, y):
        a = x @ y
        b = x @ m.v
        c = m.v @ y
        d = torch.matmul(x[:, :1], m.w)
        return a.sum() + b.sum() + c.sum() + d.sum()

    args = (torch.rand(2, 1, 3, 6), torch.rand(5, 6, 4))
    return Functional(forward, v=weight(6), w=weight(6, 4)), args, {}


def products_of_each_name():
    def forward(m, x, w):
        outs = [
            torch.tensordot(x, w, dims=1), torch.inner(x, x), torch.outer(x[0], x[1]),
            torch.kron(x, w), torch.chain_matmul(x, w), torch.linalg.multi_dot([x, w, w.T]),
            torch.addmv(m.b, x, w[:, 0]), torch.addr(m.square, x[:, 0], x[:, 1]),
            torch.addbmm(m.square, x[None], x.T[None]), m.square.addmm(x, x.T, beta=0),
            torch.linalg.matmul(x, w), torch.linalg.vecdot(x, x), torch.vdot(x[0], x[1]),
            torch.matrix_power(m.square, 3), torch.ger(x[0], x[1]),
        ]  # fmt: skip
        return sum(out.sum() for out in outs)

    parts = {"b": weight(3), "square": weight(3, 3)}
    return Functional(forward, **parts), (rows(), torch.rand(6, 4)), {}


def in_place():
    def forward(m, x):
        y = m.fc(x)
        y.add_(1).mul_(2).relu_()
        y[:, 0] = 0
        F.relu(y, inplace=True)
        y.addmm_(x, m.w)
        return y.clamp_min_(0.1).sigmoid_()

    return Functional(forward, fc=nn.Linear(6, 5), w=weight(6, 5)), (rows(),), {}


def into_a_given_tensor():
    def forward(m, x):
        out = torch.empty(3, 5, device=x.device)
        torch.mm(x, m.w, out=out)
        return torch.add(out, out, out=out)

    return Functional(forward, w=weight(6, 5)), (rows(),), {}


def convolution_by_unfolding():
    """A convolution as unfold, product and fold."""

    def forward(m, x):
        columns = F.unfold(x, 3, padding=1)
        y = m.w @ columns
        return F.fold(columns, (8, 8), 3, padding=1), y.view(x.shape[0], -1, 8, 8)

    return Functional(forward, w=weight(6, 36)), (image(),), {}


def unfolded_attention():
    """Each position attends to a neighbourhood of three."""

    def forward(m, x):
        q, k, v = m.qkv(x).chunk(3, -1)
        k, v = (F.pad(t, (0, 0, 1, 1)).unfold(1, 3, 1) for t in (k, v))
        scores = torch.einsum("bnc,bncw->bnw", q, k).softmax(-1)
        return m.out(torch.einsum("bnw,bncw->bnc", scores, v))

    parts = {"qkv": nn.Linear(8, 24), "out": nn.Linear(8, 8)}
    return Functional(forward, **parts), (torch.rand(2, 5, 8),), {}


def distances():
    def forward(m, x):
        a = torch.cdist(x, m.w)
        b = F.cosine_similarity(x, m.w[:3], dim=-1) + F.pairwise_distance(x, m.w[:3])
        c = F.normalize(x, dim=-1) @ F.normalize(m.w, dim=-1).T
        return a + c + b[:, None] + torch.norm(x) + x.norm(dim=-1, keepdim=True)

    return Functional(forward, w=weight(4, 6)), (rows(),), {}


def fourier():
    def forward(m, x):
        y = torch.fft.irfft2(torch.fft.rfft2(x) * m.filter, s=x.shape[-2:])
        z = torch.stft(x[0, 0].flatten(), 16, return_complex=True)
        return y.sum() + z.abs().sum()

    return Functional(forward, filter=weight(8, 5)), (image(),), {}


def sorting():
    def forward(m, x):
        top, where = torch.topk(m.gate(x), 2)
        order = torch.argsort(x, dim=-1)
        ranked = torch.sort(x, dim=-1).values.cumsum(-1)
        spread = torch.zeros_like(x).scatter_add(1, where, top).index_add(0, where[:, 0] % 3, x)
        return ranked.gather(1, order) + spread, x.median(-1).values, x.kthvalue(2).values

    return Functional(forward, gate=nn.Linear(6, 4)), (rows(),), {}


def losses():
    def forward(m, x, target):
        logits = m.fc(x)
        log = logits.log_softmax(-1)
        lengths = torch.full((3,), 2, dtype=torch.long)
        return (
            F.cross_entropy(logits, target) + F.mse_loss(logits, log) + F.l1_loss(logits, log)
            + F.smooth_l1_loss(logits, log) + F.kl_div(log, log.exp(), reduction="batchmean")
            + F.binary_cross_entropy_with_logits(logits, log.exp())
            + F.ctc_loss(log.repeat(5, 1, 1), target[:, None].repeat(1, 2) % 3 + 1, 5 + 0 * lengths,
                         lengths)
        )  # fmt: skip

    target = torch.tensor([0, 2, 4])
    return Functional(forward, fc=nn.Linear(6, 5)), (rows(), target), {}


def reductions():
    def forward(m, x):
        return [x.sum(), x.mean(1), x.var(1), x.std(), x.prod(1), x.amax(1), x.max(1)[0],
                x.logsumexp(1), x.argmin(1), (x > 0.5).any(), x.cumsum(0), x.norm(),
                torch.var_mean(x, 1)[0], x.all(), torch.linalg.vector_norm(x, dim=1)]  # fmt: skip

    return Functional(forward), (rows(),), {}


def elementwise_functions():
    names = """floor ceil round frac trunc sign erf expm1 log1p log2 rsqrt reciprocal square
        sinh cosh tan atan asin isnan logical_not neg abs exp2""".split()

    def forward(m, x):
        y = sum(getattr(torch, name)(x).float() for name in names)
        z = torch.where(x > 0.5, x, y).lerp(x, 0.5).clamp(0, 1).masked_fill(x < 0.1, 0)
        return torch.atan2(z, x) + torch.fmod(z, 2) + torch.addcmul(z, x, x) + x**3 + 2**x

    return Functional(forward), (rows(),), {}


def gates():
    def forward(m, x):
        y = F.glu(m.fc(x)) + F.softplus(x) + F.celu(x) + F.selu(x) + F.softsign(x)
        y = y + F.hardshrink(x) + F.softshrink(x) + F.tanhshrink(x) + F.logsigmoid(x)
        return F.softmin(y, -1) + F.threshold(y, 0.1, 20) + F.rrelu(y) + F.hardtanh(y)

    return Functional(forward, fc=nn.Linear(6, 12)), (rows(),), {}


def triangular_solves():
    """Linear algebra beyond products."""

    def forward(m, x):
        gram = x @ x.T + torch.eye(3, device=x.device)
        factor = torch.linalg.cholesky(gram)
        return torch.linalg.solve(gram, x) + torch.linalg.solve_triangular(factor, x, upper=False)

    return Functional(forward), (rows(),), {}
