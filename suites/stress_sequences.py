"""Recurrent layers and attention, with every switch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from stress_parts import Functional, weight
from torch import nn
from torch.nn.utils import rnn

# --------------------------------------------------------------------------------- recurrent


def recurrent(kind: str = "LSTM", **options):
    return getattr(nn, kind)(5, 7, **options), (torch.rand(3, 4, 5),), {}


def projected_lstm():
    return nn.LSTM(5, 7, num_layers=2, proj_size=3), (torch.rand(3, 4, 5),), {}


def packed(kind: str = "LSTM", sorted_: bool = True, **options):
    """Sequences of lengths 4, 2 and 1, packed before the layer and padded again after it."""
    lengths = torch.tensor([4, 2, 1] if sorted_ else [2, 4, 1])
    form = {"batch_first": True, "enforce_sorted": sorted_}

    def forward(m, x):
        packed = rnn.pack_padded_sequence(x, lengths, **form)
        return rnn.pad_packed_sequence(m.layer(packed)[0], batch_first=True)[0]

    layer = getattr(nn, kind)(5, 7, batch_first=True, **options)
    return Functional(forward, layer=layer), (torch.rand(3, 4, 5),), {}


def recurrent_unbatched(kind: str = "LSTM", **options):
    return getattr(nn, kind)(5, 7, **options), (torch.rand(4, 5),), {}


def recurrent_from_a_state():
    def forward(m, x, h, c):
        y, (h, c) = m.lstm(x, (h, c))
        return m.gru(y, h)[0]

    parts = {"lstm": nn.LSTM(5, 7), "gru": nn.GRU(7, 7)}
    state = torch.rand(1, 4, 7)
    return Functional(forward, **parts), (torch.rand(3, 4, 5), state, state.clone()), {}


def steps_of_a_cell():
    def forward(m, x):
        state = torch.zeros(x.shape[1], 7, device=x.device)
        for step in x:
            state = m.cell(step, state)
        return m.out(state)

    parts = {"cell": nn.GRUCell(5, 7, bias=False), "out": nn.Linear(7, 2)}
    return Functional(forward, **parts), (torch.rand(3, 4, 5),), {}


def cells():
    def forward(m, x):
        return m.rnn(x) + m.gru(x) + m.lstm(x)[0]

    parts = {"rnn": nn.RNNCell(5, 7), "gru": nn.GRUCell(5, 7), "lstm": nn.LSTMCell(5, 7)}
    return Functional(forward, **parts), (torch.rand(3, 5),), {}


# --------------------------------------------------------------------------------- attention


def attention(length: int = 5, source: int = 4, keywords: bool = False, self_: bool = False,
              call: dict | None = None, **options):  # fmt: skip
    """MultiheadAttention of width 8, its switches in ``options`` and ``call``."""
    layer = nn.MultiheadAttention(8, 2, **{"batch_first": True, **options})
    query = torch.rand(3, length, 8)
    key = torch.rand(3, source, layer.kdim or 8)
    value = torch.rand(3, source, layer.vdim or 8)

    def forward(m, q, k, v):
        if self_:
            k = v = q
        if keywords:
            return m.layer(query=q, key=k, value=v, **(call or {}))[0]
        return m.layer(q, k, v, **(call or {}))[0]

    return Functional(forward, layer=layer), (query, key, value), {}


def encoder(layers: int = 2, **options):
    layer = nn.TransformerEncoderLayer(8, 2, 16, **{"batch_first": True, **options})
    return (
        nn.TransformerEncoder(layer, layers, enable_nested_tensor=False),
        (torch.rand(3, 5, 8),),
        {},
    )


def decoder():
    layer = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
    return nn.TransformerDecoder(layer, 2), (torch.rand(3, 5, 8), torch.rand(3, 4, 8)), {}


def scaled_dot_product(heads: int = 4, groups: int = 4, **options):
    def forward(m, q, k, v):
        return F.scaled_dot_product_attention(q, k, v, **options)

    keys = torch.rand(2, groups, 5, 8)
    return Functional(forward), (torch.rand(2, heads, 5, 8), keys, keys.clone()), {}


def masked_attention():
    def forward(m, x):
        mask = torch.ones(x.shape[-2], x.shape[-2], dtype=torch.bool, device=x.device).tril()
        return F.scaled_dot_product_attention(x, x, x, attn_mask=mask)

    return Functional(forward), (torch.rand(2, 4, 5, 8),), {}


def written_out_attention():
    def forward(m, x):
        q, k, v = m.qkv(x).chunk(3, dim=-1)
        scores = (q @ k.transpose(-2, -1) / 8**0.5).softmax(-1)
        return m.out(scores @ v)

    parts = {"qkv": nn.Linear(8, 24), "out": nn.Linear(8, 8)}
    return Functional(forward, **parts), (torch.rand(2, 5, 8),), {}


MASKS = {
    "none": lambda: {},
    "causal": lambda: {"attn_mask": nn.Transformer.generate_square_subsequent_mask(5),
                       "is_causal": True},
    "boolean": lambda: {"attn_mask": torch.eye(5, dtype=torch.bool)},
    "per-head": lambda: {"attn_mask": torch.rand(6, 5, 5)},
    "padding": lambda: {"key_padding_mask": torch.arange(5).expand(3, 5) > 3},
}  # fmt: skip


def attention_masked(mask: str, **options):
    """MultiheadAttention on itself with one of the masks; ``options`` are those of its call."""
    masks = MASKS[mask]()

    def forward(m, x):
        given = {k: v.to(x.device) if torch.is_tensor(v) else v for k, v in masks.items()}
        return m.layer(x, x, x, **given, **options)[0]

    layer = nn.MultiheadAttention(8, 2, batch_first=True)
    return Functional(forward, layer=layer), (torch.rand(3, 5, 8),), {}


def attention_unbatched():
    x = torch.rand(5, 8)
    layer = nn.MultiheadAttention(8, 2)
    return Functional(lambda m, x: m.layer(x, x, x)[0], layer=layer), (x,), {}


def attention_as_a_function():
    def forward(m, x):
        parts = (m.packed, m.bias, None, None, False, 0.0, m.out.weight, m.out.bias)
        return F.multi_head_attention_forward(x, x, x, 8, 2, *parts, training=False)[0]

    parts = {"packed": weight(24, 8), "bias": weight(24), "out": nn.Linear(8, 8)}
    return Functional(forward, **parts), (torch.rand(5, 3, 8),), {}


def attention_twice():
    """One layer attends to itself, then to something else."""

    def forward(m, x, y):
        x = m.layer(x, x, x, need_weights=False)[0]
        return m.layer(x, y, y, average_attn_weights=False)

    layer = nn.MultiheadAttention(8, 4, batch_first=True)
    return Functional(forward, layer=layer), (torch.rand(3, 5, 8), torch.rand(3, 4, 8)), {}


def encoder_with_padding(**options):
    """The encoder's fast path makes a nested tensor of what no padding hides."""
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    net = nn.TransformerEncoder(layer, 2, **options)

    def forward(m, x):
        hidden = torch.tensor([5, 3, 4], device=x.device)[:, None] <= torch.arange(
            5, device=x.device
        )
        return m.net(x, src_key_padding_mask=hidden)

    return Functional(forward, net=net), (torch.rand(3, 5, 8),), {}


def encoder_unbatched():
    return nn.TransformerEncoderLayer(8, 2, 16), (torch.rand(5, 8),), {}


def encoder_causal():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(m, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1], device=x.device)
        return m.layer(x, src_mask=mask, is_causal=True)

    return Functional(forward, layer=layer), (torch.rand(3, 5, 8),), {}


def transformer():
    net = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    return net, (torch.rand(3, 5, 8), torch.rand(3, 4, 8)), {}


def grouped_queries():
    """A decoder's attention: four heads of queries, two of keys and values, rotated, causal."""

    def forward(m, x, angle):
        batch, length, _ = x.shape
        q = m.q(x).view(batch, length, 4, 4).transpose(1, 2)
        k, v = m.kv(x).view(batch, length, 4, 4).transpose(1, 2).chunk(2, dim=1)
        q, k = (t * angle.cos() + t.roll(2, -1) * angle.sin() for t in (q, k))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)
        return m.out(y.transpose(1, 2).flatten(2))

    parts = {"q": nn.Linear(16, 16, bias=False), "kv": nn.Linear(16, 16, bias=False),
             "out": nn.Linear(16, 16, bias=False)}  # fmt: skip
    return Functional(forward, **parts), (torch.rand(2, 5, 16), torch.rand(5, 4)), {}


def scaled_dot_product_of_each_shape():
    """No batch, values of another width, a bias on the scores, keys for all heads."""

    def forward(m, q, k, v):
        a = F.scaled_dot_product_attention(q, k, v, scale=0.5)
        b = F.scaled_dot_product_attention(q[None], k[None], v[None], attn_mask=m.bias)
        c = F.scaled_dot_product_attention(q[None].expand(2, -1, -1, -1), k[None], v[None])
        return a.sum() + b.sum() + c.sum()

    args = (torch.rand(4, 5, 8), torch.rand(4, 3, 8), torch.rand(4, 3, 6))
    return Functional(forward, bias=weight(5, 3)), args, {}


def relative_positions():
    """A bias on the scores that is looked up in a table: it requires a gradient as the table does."""

    def forward(m, q, k, v):
        bias = m.table[m.index].permute(2, 0, 1).contiguous()[None]
        return F.scaled_dot_product_attention(q, k, v, attn_mask=bias)

    steps = torch.arange(5)
    module = Functional(forward, table=weight(9, 4))
    module.register_buffer("index", steps[:, None] - steps + 4)
    return module, tuple(torch.rand(2, 4, 5, 8) for _ in range(3)), {}
