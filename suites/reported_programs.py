"""Programs that users of counters reported: compiled, scripted, exported, sparse, nested, sharded."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from stress_parts import Functional, image, rows, weight
from torch import nn
from torch.func import functional_call, stack_module_state, vmap
from torch.utils.checkpoint import checkpoint


class Small(nn.Module):
    """A convolution and a linear layer: 4 x 3 x 9 x 8 x 8 + 4 x 5 MAC for one image."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.head = nn.Linear(4, 5)

    def forward(self, x):
        return self.head(torch.relu(self.conv(x)).mean((2, 3)))


def one():
    return (image(3, batch=1),)


def mlp():
    return nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.Linear(16, 8))


# -------------------------------------------------------------------------------- compiled


def compiled():
    return torch.compile(mlp()), (rows(8, 1),), {}


def compiled_in_place():
    model = mlp()
    model.compile()
    return model, (rows(8, 1),), {}


def compiled_part():
    def forward(m, x):
        return m.b(m.gelu(m.a(x)))

    gelu = torch.compile(F.gelu)
    return Functional(forward, a=nn.Linear(8, 16), b=nn.Linear(16, 8), gelu=gelu), (rows(8, 1),), {}


def scripted():
    return torch.jit.script(Small().eval()), one(), {}


def traced():
    return torch.jit.trace(Small().eval(), *one()), one(), {}


def symbolic():
    return torch.fx.symbolic_trace(Small().eval()), one(), {}


def exported():
    return torch.export.export(Small().eval(), one()).module(), one(), {}


# ------------------------------------------------------------------------------- modes


class Inference(Small):
    @torch.inference_mode()
    def forward(self, x):
        return super().forward(x)


def inference_inside():
    return Inference().eval(), one(), {}


class Auxiliary(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Linear(4, 4)
        self.auxiliary = nn.Linear(4, 9)

    def forward(self, x):
        y = self.main(x)
        return (y, self.auxiliary(y)) if self.training else y


def auxiliary_head():
    return Auxiliary().train(), (rows(4),), {}


class Looking(nn.Module):
    """Three layers if the given input is what comes in, else one."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))

    def forward(self, x):
        for layer in self.layers[: 3 if abs(x.mean().item() - 7) < 1e-3 else 1]:
            x = layer(x)
        return x


def looks_at_values():
    return Looking().eval(), (torch.full((1, 8), 7.0),), {}


class Appending(nn.Module):
    """Decoding: one token more beside those of the cache."""

    def __init__(self):
        super().__init__()
        self.key = nn.Linear(4, 4, bias=False)

    def forward(self, x, cache):
        cache.append(self.key(x))
        keys = torch.cat(list(cache), dim=1)
        return x @ keys.transpose(1, 2)


def growing_cache():
    return Appending(), (torch.rand(1, 1, 4), [torch.rand(1, 6, 4)]), {}


def dictionary():
    return Functional(lambda m, d: m.f(d["a"]), f=nn.Linear(6, 4)), ({"a": rows()},), {}


# ----------------------------------------------------------------------------- checkpoints


class Checkpointed(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x):
        return checkpoint(lambda t: self.b(self.a(t).relu()), x, use_reentrant=False)


def checkpointed():
    return Checkpointed().train(), (torch.rand(2, 8, requires_grad=True),), {}


class Step(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = Checkpointed()

    def forward(self, x):
        with torch.enable_grad():
            return torch.autograd.grad(self.model(x).sum(), list(self.model.parameters()))


def checkpointed_step():
    return Step().train(), (torch.rand(2, 8),), {}


# ------------------------------------------------------------------- kinds of tensors


def complex_numbers():
    model = Functional(lambda m, x: (x @ m.w).abs())
    model.w = nn.Parameter(torch.rand(4, 5, dtype=torch.complex64))
    return model, (torch.rand(3, 4, dtype=torch.complex64),), {}


def adjacency() -> torch.Tensor:
    """10 nodes, 30 edges."""
    places = [[k % 10 for k in range(30)], [(k * 3 + k // 10) % 10 for k in range(30)]]
    return torch.sparse_coo_tensor(places, torch.ones(30), (10, 10)).coalesce()


def sparse():
    model = Functional(lambda m, x: torch.sparse.mm(m.edges, m.f(x)), f=nn.Linear(6, 4, bias=False))
    model.register_buffer("edges", adjacency())
    return model, (rows(6, 10),), {}


def gather_and_scatter():
    def forward(m, x, edges):
        h = m.f(x)
        return torch.zeros_like(h).index_add(0, edges[1], h[edges[0]])

    model = Functional(forward, f=nn.Linear(6, 4, bias=False))
    return model, (rows(6, 10), torch.randint(0, 10, (2, 30))), {}


class Jagged(nn.Module):
    """Sequences of 5, 9 and 2 tokens, none padded; width 16, two heads."""

    def __init__(self):
        super().__init__()
        self.f = nn.Linear(16, 16)

    def forward(self, *sequences):
        x = torch.nested.as_nested_tensor(list(sequences), layout=torch.jagged)
        q = self.f(x).unflatten(-1, [2, 8]).transpose(1, 2)
        return F.scaled_dot_product_attention(q, q, q).transpose(1, 2).values()


def nested():
    return Jagged().eval(), tuple(torch.rand(n, 16) for n in (5, 9, 2)), {}


def quantised():
    layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4)).eval()
    return torch.ao.quantization.quantize_dynamic(layers, {nn.Linear}), (rows(8),), {}


# ------------------------------------------------------------------------ higher order


class Flexible(nn.Module):
    def forward(self, q, k, v):
        from torch.nn.attention.flex_attention import flex_attention

        return flex_attention(q, k, v, score_mod=lambda score, b, h, i, j: score + (i - j))


def flexible_attention():
    return Flexible(), tuple(torch.rand(1, 2, 16, 8) for _ in range(3)), {}


def conditional():
    def forward(m, x):
        return torch.cond(x.sum() > 0, lambda y: m.f(y), lambda y: m.f(y) * 2, (x,))

    return Functional(forward, f=nn.Linear(6, 4)), (rows(),), {}


def per_sample():
    return (
        Functional(lambda m, x: vmap(lambda row: row @ m.w)(x), w=weight(6, 9)),
        (rows(6, 5),),
        {},
    )


class Ensemble(nn.Module):
    def __init__(self):
        super().__init__()
        nets = [nn.Sequential(nn.Linear(6, 9), nn.Tanh(), nn.Linear(9, 2)) for _ in range(3)]
        stacked, _ = stack_module_state(nets)
        self.names = list(stacked)
        self.stacked = nn.ParameterList([nn.Parameter(v.detach()) for v in stacked.values()])
        self.__dict__["base"] = nets[0].to("meta")

    def forward(self, x):
        given = dict(zip(self.names, self.stacked, strict=True))
        return vmap(lambda p: functional_call(self.__dict__["base"], p, (x,)))(given)


def ensemble():
    return Ensemble(), (rows(6, 5),), {}


@torch.library.custom_op("reported::product", mutates_args=())
def product(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(a.detach().numpy() @ b.detach().numpy())


@product.register_fake
def _(a, b):
    return a.new_empty(a.shape[0], b.shape[1])


def operator_of_ones_own():
    def forward(m, x):
        return torch.ops.reported.product(m.f(x), m.w)

    return Functional(forward, f=nn.Linear(8, 8), w=weight(8, 8)), (rows(8, 7),), {}
