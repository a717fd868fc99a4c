"""What goes in and comes out: containers, names, types of numbers, and values that matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from stress_parts import Functional, image, rows, weight
from torch import nn

# ------------------------------------------------------------------------- inputs and outputs


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


class Pair(NamedTuple):
    first: torch.Tensor
    second: torch.Tensor


@dataclass
class Result:
    logits: torch.Tensor
    hidden: torch.Tensor


def lists_and_tuples():
    def forward(m, pair, more):
        left, (right, _) = pair
        return [m.fc(left), (m.fc(right), {"deep": [more[0]]})]

    args = ([rows(), (rows(), None)], (rows(),))
    return Functional(forward, fc=nn.Linear(6, 5)), args, {}


def named_tuples():
    def forward(m, pair):
        return Pair(m.fc(pair.first), pair.second)

    return Functional(forward, fc=nn.Linear(6, 5)), (Pair(rows(), rows()),), {}


def a_dataclass_out():
    def forward(m, x):
        hidden = m.fc(x)
        return Result(m.out(hidden.relu()), hidden)

    return Functional(forward, fc=nn.Linear(6, 5), out=nn.Linear(5, 4)), (rows(),), {}


def a_dictionary_inside():
    """An inner module that gives a dictionary with something else than tensors in it."""

    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(6, 5)

        def forward(self, x):
            return {"y": self.fc(x), "name": "inner", "none": None, "list": [x, 1]}

    return Functional(lambda m, x: m.inner(x)["y"], inner=Inner()), (rows(),), {}


def nothing_out():
    class Sink(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(6, 5)

        def forward(self, x):
            self.last = self.fc(x)

    return Functional(lambda m, x: m.sink(x), sink=Sink()), (rows(),), {}


def nothing_in():
    """A generator: no inputs at all."""
    return Functional(lambda m: m.fc(m.seed), fc=nn.Linear(6, 5), seed=weight(3, 6)), (), {}


def optional_inputs():
    def forward(m, x, mask=None, flag=True, name="mean", *, scale=None):
        y = m.fc(x) if flag else x
        return y if mask is None else y * mask

    args = (rows(), None, True, "sum")
    return Functional(forward, fc=nn.Linear(6, 5)), args, {}


def any_inputs():
    def forward(m, *tensors, **more):
        return sum(m.fc(x) for x in tensors) + sum(m.fc(x) for x in more.values())

    return Functional(forward, fc=nn.Linear(6, 5)), (rows(), rows()), {"third": rows()}


def no_parameters():
    return Functional(lambda m, x: x @ x.T), (rows(),), {}


def identity():
    return nn.Sequential(nn.Identity(), nn.Sequential()), (rows(),), {}


class Tagged(torch.Tensor):
    """A subclass of a tensor."""


def tensor_subclass():
    def forward(m, x):
        return m.fc(x.as_subclass(Tagged)) @ m.w

    return Functional(forward, fc=nn.Linear(6, 5), w=weight(5, 4)), (rows(),), {}


# -------------------------------------------------------------------------- types of numbers


def of_dtype(dtype: str):
    """Convolution, normalisation and linear layer of a dtype."""
    kind = getattr(torch, dtype)
    net = nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten(),
                        nn.Linear(216, 5))  # fmt: skip
    return net.to(kind), (image().to(kind),), {}


def channels_last():
    net = nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    return net.to(memory_format=torch.channels_last), (
        image().to(memory_format=torch.channels_last),), {}  # fmt: skip


def autocast():
    def forward(m, x):
        with torch.autocast(x.device.type if x.device.type != "meta" else "cpu", torch.bfloat16):
            return m.fc(x) @ m.w

    return Functional(forward, fc=nn.Linear(6, 5), w=weight(5, 4)), (rows(),), {}


def complex_layers():
    net = nn.Sequential(nn.Conv2d(4, 6, 3), nn.Flatten(), nn.Linear(216, 5))
    return net.to(torch.complex64), (image().to(torch.complex64),), {}


def dynamically_quantised():
    net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 4))
    return torch.ao.quantization.quantize_dynamic(net, {nn.Linear}), (rows(),), {}


# ------------------------------------------------------------------------- values that matter


def stops_early():
    def forward(m, x):
        for layer in m.layers:
            x = layer(x)
            if x.abs().max() < 100:
                break
        return x

    layers = nn.ModuleList(nn.Linear(6, 6) for _ in range(3))
    return Functional(forward, layers=layers), (rows(),), {}


def masked_rows():
    def forward(m, x):
        kept = x[x.sum(-1) > 0]
        found = torch.unique((kept > 0.5).long()).numel() + torch.nonzero(kept > 2).shape[0]
        return m.fc(kept) * found

    return Functional(forward, fc=nn.Linear(6, 5)), (rows(),), {}


def reads_an_array():
    """A model that leaves torch for numpy on its way."""

    def forward(m, x):
        steps = x.detach().cpu().numpy().shape[0]
        return sum(m.fc(x) for _ in range(steps))

    return Functional(forward, fc=nn.Linear(6, 5)), (rows(),), {}


def random_numbers():
    def forward(m, x):
        noise = torch.randn_like(x) + torch.rand(6, device=x.device)
        return m.fc(x + noise) * torch.bernoulli(torch.full((5,), 0.5, device=x.device))

    return Functional(forward, fc=nn.Linear(6, 5)), (rows(),), {}


def no_features():
    return nn.Sequential(nn.Linear(0, 5), nn.ReLU()), (torch.rand(3, 0),), {}
