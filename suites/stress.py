"""Small models that stress the rules of counters; each factory gives (module, args, kwargs)."""

from __future__ import annotations

import types

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, rnn, weight_norm


class Functional(nn.Module):
    """A module around a function of itself and its inputs."""

    def __init__(self, function, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.forward = types.MethodType(function, self)


def image(channels: int = 4, size: int = 8, batch: int = 2) -> torch.Tensor:
    return torch.rand(batch, channels, size, size)


def weight(*shape: int) -> nn.Parameter:
    return nn.Parameter(torch.rand(*shape))


# --------------------------------------------------------------------------- sharing and trees


def shared_module_twice():
    return Functional(lambda m, x: m.fc(m.fc(x)), fc=nn.Linear(6, 6)), (torch.rand(3, 6),), {}


def shared_between_parents():
    conv = nn.Conv2d(4, 4, 3, padding=1)
    return nn.Sequential(nn.Sequential(conv, nn.ReLU()), nn.Sequential(conv)), (image(),), {}


def shared_activation():
    act = nn.ReLU()
    layers = [nn.Conv2d(4, 4, 1), act, nn.Conv2d(4, 4, 1), act, nn.BatchNorm2d(4), act]
    return nn.Sequential(*layers), (image(),), {}


def tied_weights():
    net = nn.Sequential(nn.Embedding(11, 6), nn.Linear(6, 6), nn.Linear(6, 11, bias=False))
    net[2].weight = net[0].weight
    return net, (torch.randint(0, 11, (2, 5)),), {}


def unused_modules():
    def forward(m, x):
        return m.used(x)

    parts = {"used": nn.Linear(6, 4), "unused": nn.Sequential(nn.Linear(6, 9), nn.BatchNorm1d(9))}
    return Functional(forward, **parts), (torch.rand(3, 6),), {}


def nested_sequentials():
    inner = nn.Sequential(nn.Conv2d(4, 6, 3), nn.Sequential(nn.BatchNorm2d(6), nn.ReLU()))
    return nn.Sequential(nn.Sequential(inner), nn.Sequential(), nn.AvgPool2d(2)), (image(),), {}


class Doubled(nn.Linear):
    """A subclass of a layer."""

    def forward(self, x):
        return 2 * super().forward(x)


def subclass_of_a_layer():
    return nn.Sequential(Doubled(6, 5), nn.ReLU()), (torch.rand(3, 6),), {}


class Block(nn.Sequential):
    """A subclass of a container."""


def subclass_of_a_container():
    return Block(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.ReLU()), (image(),), {}


def module_lists_and_dicts():
    def forward(m, x):
        for layer in m.layers:
            x = m.acts["relu"](layer(x))
        return x

    layers = nn.ModuleList(nn.Linear(6, 6) for _ in range(3))
    parts = {"layers": layers, "acts": nn.ModuleDict({"relu": nn.ReLU(), "gelu": nn.GELU()})}
    return Functional(forward, **parts), (torch.rand(3, 6),), {}


def modules_called_with_keywords():
    parts = {"fc": nn.Linear(6, 5), "norm": nn.LayerNorm(5)}
    return Functional(lambda m, x: m.norm(m.fc(input=x)), **parts), (torch.rand(3, 6),), {}


def frozen_parameters():
    net = nn.Sequential(nn.Linear(6, 5), nn.Linear(5, 4))
    net[0].requires_grad_(False)
    return net, (torch.rand(3, 6),), {}


def own_parameters():
    """Parameters that the root holds itself, beside a layer."""

    def forward(m, x):
        return m.fc(x + m.position) @ m.mix

    parts = {"fc": nn.Linear(6, 6), "position": weight(1, 6), "mix": weight(6, 4)}
    return Functional(forward, **parts), (torch.rand(3, 6),), {}


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


# ------------------------------------------------------------------------------ layers


def norms_of_each_kind():
    kinds = [nn.BatchNorm2d(4), nn.BatchNorm2d(4, affine=False), nn.GroupNorm(2, 4),
             nn.GroupNorm(2, 4, affine=False), nn.InstanceNorm2d(4),
             nn.InstanceNorm2d(4, affine=True), nn.LocalResponseNorm(2), nn.LayerNorm([4, 8, 8]),
             nn.LayerNorm([8, 8], elementwise_affine=False)]  # fmt: skip
    return nn.Sequential(*kinds), (image(),), {}


def pools_of_each_kind():
    def forward(m, x):
        return [pool(x) for pool in m.pools]

    pools = [nn.MaxPool2d(2), nn.AvgPool2d(3, stride=2, padding=1), nn.AdaptiveAvgPool2d((3, 5)),
             nn.AdaptiveMaxPool2d(3), nn.MaxPool2d(3, stride=1, ceil_mode=True), nn.LPPool2d(2, 2)]  # fmt: skip
    return Functional(forward, pools=nn.ModuleList(pools)), (image(),), {}


def transposed_convolutions():
    layers = [nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, output_padding=1, groups=2),
              nn.ConvTranspose2d(6, 3, 2, bias=False)]  # fmt: skip
    return nn.Sequential(*layers), (image(),), {}


def convolutions_of_each_padding():
    modes = ["zeros", "reflect", "replicate", "circular"]
    layers = [nn.Conv2d(4, 4, 3, padding=1, padding_mode=mode) for mode in modes]
    return nn.Sequential(*layers, nn.Conv2d(4, 4, 3, padding="same")), (image(),), {}


def resamplings():
    def forward(m, x):
        y = F.interpolate(m.nearest(m.bilinear(x)), scale_factor=0.5, mode="bicubic")
        y = F.interpolate(y, size=(6, 6), mode="bilinear", align_corners=True)
        y = F.grid_sample(y, m.grid.expand(len(y), -1, -1, -1), align_corners=False)
        return m.unshuffle(m.shuffle(y))

    parts = {"nearest": nn.Upsample(scale_factor=2), "shuffle": nn.PixelShuffle(2),
             "bilinear": nn.UpsamplingBilinear2d(scale_factor=2),
             "unshuffle": nn.PixelUnshuffle(2)}  # fmt: skip
    module = Functional(forward, **parts)
    module.register_buffer("grid", torch.rand(1, 6, 6, 2))
    return module, (image(),), {}


def bilinear():
    return nn.Bilinear(3, 4, 5), (torch.rand(6, 3), torch.rand(6, 4)), {}


def embeddings():
    def forward(m, x):
        return m.bag(x) + m.table(x).mean(1)

    parts = {"table": nn.Embedding(11, 6), "bag": nn.EmbeddingBag(11, 6)}
    return Functional(forward, **parts), (torch.randint(0, 11, (3, 4)),), {}


def reparametrised():
    spectral = parametrizations.spectral_norm(nn.Linear(6, 6))
    normed = parametrizations.weight_norm(nn.Linear(6, 6))
    return nn.Sequential(spectral, normed, nn.ReLU()), (torch.rand(3, 6),), {}


def weight_normed():
    return nn.Sequential(weight_norm(nn.Conv2d(4, 4, 3)), nn.ReLU()), (image(),), {}


def lazy_layers():
    return nn.Sequential(nn.LazyConv2d(6, 3), nn.LazyBatchNorm2d(), nn.Flatten(),
                         nn.LazyLinear(5)), (image(),), {}  # fmt: skip


def dropouts():
    layers = [nn.Dropout(), nn.Linear(6, 6), nn.AlphaDropout(), nn.Identity(), nn.Flatten(0)]
    return nn.Sequential(*layers), (torch.rand(3, 6),), {}


# --------------------------------------------------------------------------------- recurrent


def recurrent(kind: str = "LSTM", **options):
    return getattr(nn, kind)(5, 7, **options), (torch.rand(3, 4, 5),), {}


def projected_lstm():
    return nn.LSTM(5, 7, num_layers=2, proj_size=3), (torch.rand(3, 4, 5),), {}


def packed_lstm():
    def forward(m, x):
        packed = rnn.pack_padded_sequence(x, torch.tensor([4, 2, 1]), batch_first=True)
        return rnn.pad_packed_sequence(m.lstm(packed)[0], batch_first=True)[0]

    return Functional(forward, lstm=nn.LSTM(5, 7, batch_first=True)), (torch.rand(3, 4, 5),), {}


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


# ------------------------------------------------------------------------ inputs and outputs


def dictionaries():
    def forward(m, batch):
        return {"logits": m.fc(batch["x"]), "mask": batch["mask"]}

    batch = {"x": torch.rand(3, 6), "mask": torch.ones(3)}
    return Functional(forward, fc=nn.Linear(6, 5)), (batch,), {}


def keyword_inputs():
    def forward(m, x=None, scale=None):
        return m.fc(x) * scale

    return (
        Functional(forward, fc=nn.Linear(6, 5)),
        (),
        {"x": torch.rand(3, 6), "scale": torch.ones(1)},
    )


def named_inputs():
    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.left, self.right = nn.Linear(6, 5), nn.Linear(4, 5)

        def forward(self, left, right):
            return self.left(left), self.right(right)

    return Named(), (), {"left": torch.rand(3, 6), "right": torch.rand(3, 4)}


def looks_at_values():
    def forward(m, x):
        for _ in range(int(x.sum().clamp(2, 2).item())):
            x = m.fc(x)
        return x[x[:, 0] > -100]

    return Functional(forward, fc=nn.Linear(6, 6)), (torch.rand(3, 6),), {}


def mixture_of_experts():
    def forward(m, x):
        chosen = m.gate(x).argmax(-1)
        out = torch.zeros_like(x)
        for number, expert in enumerate(m.experts):
            rows = chosen == number
            out[rows] = expert(x[rows])
        return out

    experts = nn.ModuleList(
        nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 6)) for _ in range(3)
    )
    return Functional(forward, gate=nn.Linear(6, 3), experts=experts), (torch.rand(7, 6),), {}


def scripted():
    return (
        torch.jit.script(nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))),
        (torch.rand(3, 6),),
        {},
    )


def complex_numbers():
    def forward(m, x):
        return torch.view_as_real(torch.complex(x, x) @ m.w.to(torch.complex64))

    return Functional(forward, w=weight(6, 5)), (torch.rand(3, 6),), {}


def integers():
    def forward(m, x):
        return (x @ x.t()).float() @ m.w

    return Functional(forward, w=weight(3, 5)), (torch.randint(0, 9, (3, 6)),), {}


def empty_batch():
    net = nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(216, 5))
    return net, (image(batch=0),), {}


def unbatched():
    return nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU(), nn.MaxPool2d(2)), (torch.rand(4, 8, 8),), {}


def half_precision():
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.LayerNorm(5)).to(torch.bfloat16)
    return net, (torch.rand(3, 6, dtype=torch.bfloat16),), {}
