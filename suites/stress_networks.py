"""Small networks of kinds that are often counted: decoders, U-nets, graphs, experts, routing."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from stress_parts import Functional, rows, weight
from torch import nn


class RootMeanSquare(nn.Module):
    """Normalisation written out."""

    def __init__(self, width: int):
        super().__init__()
        self.scale = weight(width)

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5) * self.scale


class DecoderLayer(nn.Module):
    """Four heads of queries and two of keys, rotated, with a cache; a gated feed-forward part."""

    def __init__(self):
        super().__init__()
        self.before, self.between = RootMeanSquare(16), RootMeanSquare(16)
        self.query, self.out = (nn.Linear(16, 16, bias=False) for _ in range(2))
        self.key, self.value = (nn.Linear(16, 8, bias=False) for _ in range(2))
        self.gate, self.up = (nn.Linear(16, 24, bias=False) for _ in range(2))
        self.down = nn.Linear(24, 16, bias=False)

    def forward(self, x, angle, past):
        y = self.before(x)
        q, k, v = (
            part(y).unflatten(-1, (-1, 4)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        q, k = (t * angle.cos() + t.roll(2, -1) * angle.sin() for t in (q, k))
        k, v = torch.cat((past[0], k), 2), torch.cat((past[1], v), 2)
        wide = [t[:, :, None].expand(-1, -1, 2, -1, -1).flatten(1, 2) for t in (k, v)]
        mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=x.device)
        y = F.scaled_dot_product_attention(q, *wide, attn_mask=mask.tril(k.shape[2] - q.shape[2]))
        x = x + self.out(y.transpose(1, 2).flatten(2))
        y = self.between(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y)), (k, v)


def decoder_with_a_cache():
    def forward(m, tokens, past):
        x, new = m.table(tokens), []
        for layer, held in zip(m.layers, past, strict=True):
            x, kept = layer(x, m.angle, held)
            new.append(kept)
        return F.linear(m.norm(x), m.table.weight), new

    parts = {"table": nn.Embedding(11, 16), "layers": nn.ModuleList([DecoderLayer(), DecoderLayer()]),
             "norm": RootMeanSquare(16), "angle": weight(5, 4)}  # fmt: skip
    past = [(torch.rand(2, 2, 3, 4), torch.rand(2, 2, 3, 4)) for _ in range(2)]
    return Functional(forward, **parts), (torch.randint(0, 11, (2, 5)), past), {}


def u_net():
    def forward(m, x):
        a = F.relu(m.first(x))
        b = F.relu(m.second(F.max_pool2d(a, 2)))
        wide = F.interpolate(b, scale_factor=2, mode="bilinear", align_corners=False)
        return m.out(torch.cat([a, m.up(b), wide], 1))

    parts = {"first": nn.Conv2d(3, 4, 3, padding=1), "second": nn.Conv2d(4, 8, 3, padding=1),
             "up": nn.ConvTranspose2d(8, 4, 2, 2), "out": nn.Conv2d(16, 2, 1)}  # fmt: skip
    return Functional(forward, **parts), (torch.rand(1, 3, 8, 8),), {}


def graph_network():
    def forward(m, x, edges):
        start, end = edges
        message = m.message(torch.cat([x[start], x[end]], -1)).relu()
        total = torch.zeros(len(x), 8, device=x.device).index_add(0, end, message)
        peak = torch.zeros(len(x), device=x.device).scatter_reduce(0, end, message.sum(-1), "amax")
        return m.update(torch.cat([x, total], -1)) * peak[:, None]

    parts = {"message": nn.Linear(12, 8), "update": nn.Linear(14, 6)}
    return Functional(forward, **parts), (rows(count=5), torch.randint(0, 5, (2, 9))), {}


def selective_scan():
    """A state-space layer, step by step."""

    def forward(m, x):
        u, gate = m.inwards(x).chunk(2, -1)
        u = F.silu(m.conv(u.transpose(1, 2))[..., : x.shape[1]].transpose(1, 2))
        step, write, read = m.choose(u).split([1, 3, 3], -1)
        step, state, outs = F.softplus(m.spread(step)), torch.zeros(2, 8, 3, device=x.device), []
        for t in range(x.shape[1]):
            state = torch.exp(step[:, t, :, None] * -m.decay.exp()) * state
            state = state + torch.einsum("bd,bn->bdn", step[:, t] * u[:, t], write[:, t])
            outs.append(torch.einsum("bdn,bn->bd", state, read[:, t]))
        return m.outwards((torch.stack(outs, 1) + u) * F.silu(gate))

    parts = {"inwards": nn.Linear(6, 16), "conv": nn.Conv1d(8, 8, 3, padding=2, groups=8),
             "choose": nn.Linear(8, 7), "spread": nn.Linear(1, 8), "decay": weight(8, 3),
             "outwards": nn.Linear(8, 6)}  # fmt: skip
    return Functional(forward, **parts), (torch.rand(2, 4, 6),), {}


def hypernetwork():
    """A layer that makes the kernels of another: a convolution of a batch as of its groups."""

    def forward(m, x, code):
        kernels = m.make(code).view(-1, 4, 3, 3)
        y = F.conv2d(x.reshape(1, -1, 6, 6), kernels, groups=len(x), padding=1)
        return y.view(len(x), -1, 6, 6)

    return (
        Functional(forward, make=nn.Linear(5, 108)),
        (torch.rand(2, 4, 6, 6), torch.rand(2, 5)),
        {},
    )


def routed_experts():
    """The two best of three experts for each row, weighted."""

    def forward(m, x):
        shares, chosen = m.gate(x).softmax(-1).topk(2)
        out = torch.zeros_like(x)
        for number, expert in enumerate(m.experts):
            row, place = torch.where(chosen == number)
            out.index_add_(0, row, expert(x[row]) * shares[row, place, None])
        return out

    experts = nn.ModuleList(nn.Sequential(nn.Linear(6, 8), nn.GELU(), nn.Linear(8, 6))
                            for _ in range(3))  # fmt: skip
    return Functional(forward, gate=nn.Linear(6, 3), experts=experts), (rows(count=7),), {}


def capsules():
    """Routing by agreement: products of tensors of five dimensions."""

    def forward(m, x):
        votes = torch.einsum("jiod,bid->bjio", m.votes, x)
        logits = torch.zeros(len(x), 3, 4, 1, device=x.device)
        for _ in range(2):
            total = (logits.softmax(1) * votes).sum(2)
            size = (total**2).sum(-1, keepdim=True)
            pose = size / (1 + size) * total / size.sqrt()
            logits = logits + votes @ pose.unsqueeze(-1)
        return pose

    return Functional(forward, votes=weight(3, 4, 5, 6)), (torch.rand(2, 4, 6),), {}


class Tree(nn.Module):
    """A network that calls itself."""

    def __init__(self):
        super().__init__()
        self.leaf, self.join = nn.Linear(4, 4), nn.Linear(8, 4)

    def forward(self, tree):
        if torch.is_tensor(tree):
            return self.leaf(tree)
        return torch.tanh(self.join(torch.cat([self(branch) for branch in tree], -1)))


def recursive():
    leaves = [torch.rand(2, 4) for _ in range(3)]
    return Tree(), (((leaves[0], leaves[1]), leaves[2]),), {}


def nested_in_forward(layout: str = "strided"):
    """Rows of different numbers in one nested tensor."""

    def forward(m, x, y):
        together = torch.nested.nested_tensor([x, y], layout=getattr(torch, layout))
        return m.fc(together).to_padded_tensor(0.0)

    return Functional(forward, fc=nn.Linear(6, 5)), (rows(count=3), rows(count=4)), {}
