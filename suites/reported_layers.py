"""Layers that users of counters reported, as small as they can be; suites/reported.toml says why."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from stress_parts import Functional, image, rows, weight
from torch import nn
from torchvision.ops import DeformConv2d

# ------------------------------------------------------------------------- convolutions


def transposed_without_stride():
    return nn.ConvTranspose2d(32, 1, 3), (torch.rand(1, 32, 1, 1),), {}


def transposed_with_stride():
    return nn.ConvTranspose2d(3, 1, 2, stride=2), (torch.rand(1, 3, 2, 2),), {}


def transposed_in_groups():
    return nn.ConvTranspose2d(6, 6, 2, stride=2, groups=3), (image(6),), {}


def transposed_depthwise():
    layer = nn.ConvTranspose2d(4, 4, 3, stride=2, padding=1, output_padding=1, groups=4)
    return layer, (image(4),), {}


def grouped():
    return nn.Conv2d(8, 12, 3, padding=1, groups=4), (image(8),), {}


def depthwise():
    layers = [nn.Conv2d(3, 24, 3, bias=False), nn.Conv2d(24, 24, 3, groups=24, bias=False)]
    return nn.Sequential(*layers), (image(3, batch=1),), {}


def with_bias():
    return nn.Conv2d(3, 10, 3), (torch.rand(1, 3, 32, 32),), {}


def without_batch():
    return nn.Conv1d(32, 16, 3, stride=2, padding=4), (torch.rand(32, 128),), {}


def deformable():
    def forward(m, x):
        return m.main(x, m.offsets(x), m.masks(x).sigmoid())

    parts = {"offsets": nn.Conv2d(4, 18, 3, padding=1), "masks": nn.Conv2d(4, 9, 3, padding=1),
             "main": DeformConv2d(4, 6, 3, padding=1)}  # fmt: skip
    return Functional(forward, **parts), (image(batch=1),), {}


def three_dimensions():
    return nn.Conv3d(2, 4, 3, padding=1), (torch.rand(1, 2, 4, 6, 6),), {}


# ------------------------------------------------------------------------- linear layers


def linear_on_three_dimensions():
    return nn.Linear(8, 6), (torch.rand(2, 5, 8),), {}


def linear_on_four_dimensions():
    return nn.Linear(8, 6, bias=False), (torch.rand(2, 3, 5, 8),), {}


def multilayer():
    layers = [nn.Flatten(), nn.Linear(36, 16), nn.ReLU(), nn.Linear(16, 10)]
    return nn.Sequential(*layers), (torch.rand(1, 6, 6),), {}


def only_linear():
    return nn.Linear(16, 8), (rows(16, 1),), {}


# ----------------------------------------------------------------------- shared and reused


class Wrapped(nn.Module):
    def __init__(self, linear):
        super().__init__()
        self.linear = linear

    def forward(self, x):
        return self.linear(x)


def shared_between_parents():
    shared = nn.Linear(10, 10)
    return nn.Sequential(Wrapped(shared), Wrapped(shared)), (rows(10, 1),), {}


def passed_to_a_part():
    shared = nn.Linear(10, 10)
    forward = lambda m, x: m.block(m.linear(x))  # noqa: E731
    return Functional(forward, linear=shared, block=Wrapped(shared)), (rows(10),), {}


def shared_activation():
    act = nn.ReLU()

    def block():
        return nn.Sequential(nn.Linear(4, 4), act, nn.Linear(4, 4), act)

    return nn.Sequential(*(block() for _ in range(3))), (rows(4, 1),), {}


def siamese():
    branch = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 1))

    def forward(m, one, other):
        return (m.branch(one) - m.branch(other)).abs()

    return Functional(forward, branch=branch), (image(3, batch=1), image(3, batch=1)), {}


def three_pieces():
    def forward(m, x):
        return torch.cat([m.linear(piece) for piece in x.split(10, dim=1)], dim=1)

    return Functional(forward, linear=nn.Linear(10, 10)), (rows(30, 1),), {}


def loop():
    def forward(m, x):
        for _ in range(5):
            x = m.conv(x)
        return x

    return Functional(forward, conv=nn.Conv2d(4, 4, 3, padding=1)), (image(batch=1),), {}


def one_relu():
    def forward(m, x):
        return m.relu(m.c(m.relu(m.b(m.relu(m.a(x))))))

    parts = {name: nn.Linear(6, 6) for name in "abc"}
    return Functional(forward, relu=nn.ReLU(), **parts), (rows(),), {}


def tied_embedding():
    def forward(m, ids):
        return m.head(m.table(ids))

    model = Functional(forward, table=nn.Embedding(20, 8), head=nn.Linear(8, 20, bias=False))
    model.head.weight = model.table.weight
    return model, (torch.randint(0, 20, (2, 5)),), {}


def own_parameter():
    return Functional(lambda m, x: x @ m.layer, layer=weight(16, 64)), (rows(16),), {}


def parameter_list():
    def forward(m, x):
        return sum(x @ each for each in m.towers)

    return Functional(forward, towers=nn.ParameterList([weight(6, 4), weight(6, 4)])), (rows(),), {}


# ------------------------------------------------------------------------------- attention


def attention():
    def forward(m, q, k, v):
        return m.attention(q, k, v)[0]

    given = tuple(torch.rand(1, 10, 8) for _ in range(3))
    return Functional(forward, attention=nn.MultiheadAttention(8, 1, batch_first=True)), given, {}


def attention_of_many_heads():
    def forward(m, x):
        return m.attention(x, x, x)[0]

    model = Functional(forward, attention=nn.MultiheadAttention(16, 8, batch_first=True))
    return model, (torch.rand(1, 6, 16),), {}


def attention_by_keywords():
    def forward(m, x):
        return m.attention(query=x, key=x, value=x)[0]

    return Functional(forward, attention=nn.MultiheadAttention(4, 2)), (torch.rand(5, 2, 4),), {}


def frozen_encoder():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.TransformerEncoder(layer, 1).requires_grad_(False), (torch.rand(1, 6, 8),), {}


def fused_attention():
    def forward(m, q, k, v):
        return F.scaled_dot_product_attention(q, k, v)

    return Functional(forward), tuple(torch.rand(1, 2, 8, 4) for _ in range(3)), {}


def causal_attention():
    def forward(m, q):
        return F.scaled_dot_product_attention(q, q, q, is_causal=True)

    return Functional(forward), (torch.rand(1, 2, 8, 4),), {}


def attention_by_matmul():
    def forward(m, q, k, v):
        scores = torch.matmul(q, k.transpose(-2, -1)).softmax(-1)
        return torch.matmul(scores, v)

    return Functional(forward), tuple(torch.rand(1, 2, 8, 4) for _ in range(3)), {}


def attention_by_operator():
    def forward(m, x):
        q, k, v = m.qkv(x).chunk(3, dim=-1)
        return (q @ k.transpose(1, 2)).softmax(-1) @ v

    return Functional(forward, qkv=nn.Linear(6, 12)), (torch.rand(1, 5, 6),), {}


def cross_attention():
    def forward(m, x, memory):
        return m.attention(x, memory, memory)[0]

    model = Functional(
        forward, attention=nn.MultiheadAttention(8, 2, kdim=4, vdim=4, batch_first=True)
    )
    return model, (torch.rand(1, 3, 8), torch.rand(1, 7, 4)), {}


# ------------------------------------------------------------------------------- recurrence


def long_short_term_memory():
    def forward(m, x):
        return m.layer(x)[0]

    return Functional(forward, layer=nn.LSTM(6, 5, 2, batch_first=True)), (torch.rand(1, 7, 6),), {}


def both_directions():
    def forward(m, x):
        return m.layer(x)[0]

    return Functional(forward, layer=nn.LSTM(6, 5, bidirectional=True)), (torch.rand(7, 1, 6),), {}


def gated():
    def forward(m, x):
        return m.layer(x)[0]

    return Functional(forward, layer=nn.GRU(6, 5, batch_first=True)), (torch.rand(2, 7, 6),), {}


def gated_cell():
    def forward(m, x):
        state = x.new_zeros(x.shape[1], 5)
        for step in x:
            state = m.cell(step, state)
        return state

    return Functional(forward, cell=nn.GRUCell(6, 5)), (torch.rand(7, 2, 6),), {}


def plain_recurrence():
    def forward(m, x):
        return m.layer(x)[0]

    return Functional(forward, layer=nn.RNN(6, 5)), (torch.rand(7, 2, 6),), {}


# ------------------------------------------------------------------- functions and the rest


def einsum():
    def forward(m, a, b):
        return torch.einsum("ik,kj->ij", a, b)

    return Functional(forward), (rows(4), rows(5, 4)), {}


def weighted_einsum():
    def forward(m, a, b):
        return torch.einsum("bnc,bnc->bn", a, b)

    return Functional(forward), (torch.rand(2, 3, 6), torch.rand(2, 3, 6)), {}


def products_by_name():
    def forward(m, x):
        return torch.bmm(x, x.transpose(1, 2)), torch.matmul(x, m.w), x.matmul(m.w), x @ m.w

    return Functional(forward, w=weight(6, 4)), (torch.rand(2, 5, 6),), {}


def vector_products():
    def forward(m, x, v):
        return x @ v, torch.matmul(v, v)

    return Functional(forward), (rows(8, 4), torch.rand(8)), {}


def broadcast_product():
    def forward(m, a, b):
        return torch.matmul(a, b)

    return Functional(forward), (torch.rand(2, 1, 4, 8), torch.rand(3, 8, 5)), {}


def resampled():
    def forward(m, x):
        return F.interpolate(m.conv(x), scale_factor=2, mode="bilinear")

    return Functional(forward, conv=nn.Conv2d(4, 3, 1)), (image(),), {}


def normalised():
    layers = [nn.Conv2d(4, 4, 1), nn.GroupNorm(2, 4), nn.ReLU(), nn.AvgPool2d(2)]
    return nn.Sequential(*layers), (image(),), {}


def layer_norm():
    return nn.Sequential(nn.Linear(6, 6), nn.LayerNorm(6)), (rows(),), {}


def spectral():
    return nn.Sequential(nn.utils.spectral_norm(nn.Conv2d(3, 4, 3))), (image(3, batch=1),), {}


def unused_branch():
    def forward(m, x):
        return m.used(x)

    return Functional(forward, used=nn.Linear(6, 4), unused=nn.Linear(6, 400)), (rows(),), {}


def embedding():
    layers = [nn.Embedding(100, 8), nn.Linear(8, 3)]
    return nn.Sequential(*layers), (torch.randint(0, 100, (2, 5)),), {}
