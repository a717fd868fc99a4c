"""Published formulas led back to the products that run in a traced model."""

from __future__ import annotations

import json
from fractions import Fraction
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from commands import typed
from decoders import MLP, Attention, Decoder, Layer, gpt, llama
from flop_harness.ask.formulas import chosen, traced
from flop_harness.conventions.transformers import parameters as weights
from flop_harness.conventions.transformers.catalogue import FORMULAS
from flop_harness.conventions.transformers.recognition import family_of, shape_of
from flop_harness.conventions.transformers.runs import NotRecognised
from flop_harness.errors import UserError
from flop_harness.reconcile.transformers import (
    ANGLES,
    CAUSAL_PROMPT,
    FORWARD_AGAIN,
    FUSED_AGAIN,
    NO_GRADIENT,
    bridges,
    over_trace,
)
from flop_harness.records import Trace
from flop_harness.records.transformer import Experts, FormulaBridge, LatentAttention, Transformer
from flop_harness.trace.recorder import record

LENGTH = 8


def step(make, length: int = LENGTH, batch: int = 2, **options) -> Trace:
    with torch.device("meta"):
        model = make(**options)
        ids = torch.zeros(batch, length, dtype=torch.int64)
    return record(model, (ids,), variant="training")


def led(trace: Trace) -> dict[str, FormulaBridge]:
    shape, length = shape_of(trace, "made")
    return {each.formula: over_trace(each, trace, shape, length)
            for each in bridges(shape, length)}  # fmt: skip


def test_the_shape_of_a_gpt():
    shape, length = shape_of(step(gpt), "gpt")
    assert (shape.layers, shape.width, shape.heads, shape.kv_heads) == (2, 12, 3, 3)
    assert (shape.mlp_width, shape.mlp_matrices, shape.vocabulary) == (48, 2, 50)
    assert (shape.tied, shape.biases, shape.norm, shape.positions) == (
        True,
        True,
        "layer",
        "learned",
    )
    assert (shape.context, length, shape.causal) == (16, LENGTH, True)


def test_the_shape_of_a_llama():
    shape, _ = shape_of(step(llama), "llama")
    assert (shape.heads, shape.kv_heads, shape.head_size) == (6, 2, 4)
    assert (shape.mlp_width, shape.mlp_matrices, shape.tied) == (20, 3, False)
    assert (shape.biases, shape.norm, shape.positions) == (False, "rms", "rotary")


@given(
    layers=st.integers(1, 3), heads=st.integers(1, 4), grouped=st.booleans(),
    size=st.integers(1, 5), inner=st.integers(1, 30), vocabulary=st.integers(31, 60),
    positions=st.sampled_from([0, 16]), gated=st.booleans(), bias=st.booleans(),
    tied=st.booleans(), length=st.integers(2, 16),
)  # fmt: skip
@settings(max_examples=12, deadline=None)
def test_every_formula_ends_at_its_figure(layers, heads, grouped, size, inner, vocabulary,
                                          positions, gated, bias, tied, length):  # fmt: skip
    width = 7 * heads
    trace = step(Decoder, length, layers=layers, width=width, heads=heads, size=size,
                 groups=1 if grouped else heads, inner=inner, vocabulary=vocabulary,
                 positions=positions, gated=gated, bias=bias, tied=tied)  # fmt: skip
    shape, _ = shape_of(trace, "made")
    assert weights.count(shape) == sum(each.numel for each in trace.parameters)
    found = led(trace)
    assert set(found) == set(FORMULAS)
    assert not {name for name, each in found.items() if each.residual}


def test_the_reference_is_what_runs():
    layers, width, vocabulary, inner = 2, 12, 50, 48
    each = 4 * width * width + 2 * width * inner + 2 * LENGTH * width
    forward = layers * each + width * vocabulary
    assert led(step(gpt))["ref-full"].reference == 6 * forward
    assert led(step(gpt))["ref-prefill"].reference == 2 * forward


def test_what_is_recomputed_is_a_term():
    plain, again = led(step(gpt)), led(step(gpt, checkpointed=True))
    term = again["ref-full"].terms[FORWARD_AGAIN]
    assert term == plain["ref-full"].reference - again["ref-full"].reference < 0
    assert not any(each.residual for each in again.values())


def test_a_fused_backward_pass_is_a_term():
    """On a CPU the scores are computed once more: five products for two."""
    trace = record(llama(), (torch.zeros(2, LENGTH, dtype=torch.int64),), variant="training")
    found = led(trace)
    assert found["ref-full"].terms == {FUSED_AGAIN: -2 * 2 * LENGTH * 6 * 4}
    assert not any(each.residual for each in found.values())


class Rotary(nn.Module):
    """A llama whose angles are a product of frequencies and places."""

    def __init__(self):
        super().__init__()
        self.inner = llama()
        self.register_buffer("frequencies", torch.ones(2))

    def forward(self, ids):
        places = torch.arange(ids.shape[1], device=ids.device, dtype=torch.float32)
        angles = self.frequencies[None, :, None] @ places[None, None, :]
        return self.inner(ids) + angles.sum()


def test_the_angles_of_positions_are_a_term():
    found = led(step(Rotary))
    assert found["ref-full"].terms == {ANGLES: -Fraction(2 * 2 * LENGTH, 2 * LENGTH)}
    assert not any(each.residual for each in found.values())


def test_what_needs_no_gradient_is_a_term():
    def frozen():
        model = gpt()
        model.layers[0].mlp.up.weight.requires_grad_(False)
        return model

    found = led(step(frozen))
    assert found["ref-full"].terms == {NO_GRADIENT: 2 * 12 * 48}
    assert not any(each.residual for each in found.values())


def test_a_prompt_attends_to_its_past():
    found = led(step(llama))
    pairs, square = LENGTH * (LENGTH + 1) // 2, LENGTH**2
    amount = found["ref-prefill"].terms[CAUSAL_PROMPT]
    assert amount == 2 * 2 * 2 * 6 * 4 * (pairs - square) / LENGTH


class Encoder(nn.Module):
    def __init__(self, masked: bool = False):
        super().__init__()
        layer = nn.TransformerEncoderLayer(12, 3, 48, batch_first=True, dropout=0.0)
        self.tokens, self.masked = nn.Embedding(50, 12), masked
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(12, 50, bias=False)

    def forward(self, ids):
        mask = None
        if self.masked:
            mask = torch.full((ids.shape[1], ids.shape[1]), float("-inf"), device=ids.device).triu(
                1
            )
        return self.head(self.layers(self.tokens(ids), mask=mask))


@pytest.mark.parametrize("masked", [False, True])
def test_the_shape_of_layers_of_torch_which_have_no_last_norm(masked):
    shape, _ = shape_of(step(Encoder, masked=masked), "encoder")
    assert (shape.layers, shape.layer_norms, shape.final_norm, shape.causal) == (
        2,
        2,
        False,
        masked,
    )
    assert weights.count(shape) == sum(each.numel() for each in Encoder().parameters())


SENT = (7, 9, 11, 5)
"""Rows that are sent to the experts, two of each of 16 tokens; the fifth gets none"""


class Mixture(nn.Module):
    """A layer in which each token meets ``active`` of the experts, side by side, in one product or one by one.

    ``shared`` is as wide an MLP that all tokens meet, behind a gate.
    """

    def __init__(self, routed: int, active: int, width: int, shared: int, way: str):
        super().__init__()
        self.routed, self.active, self.way = routed, active, way
        self.norms = nn.ModuleList((nn.RMSNorm(12), nn.RMSNorm(12)))
        self.attention = Attention(12, 3, 3, 4, False)
        self.router = nn.Linear(12, routed, bias=False)
        self.up = nn.Parameter(torch.empty(routed, 12, 2 * width))
        self.down = nn.Parameter(torch.empty(routed, width, 12))
        self.shared = MLP(12, shared, True, False) if shared else None
        self.gate = nn.Linear(12, 1, bias=False) if shared else None

    def product(self, x, weight, chosen):
        if self.way == "grouped":
            ends = torch.zeros(self.routed, dtype=torch.int32, device=x.device)
            return torch._grouped_mm(x.bfloat16(), weight.bfloat16(), ends).to(x.dtype)
        return (x[:, None] @ weight[chosen])[:, 0]

    def experts(self, x, chosen):
        if self.way == "one by one":
            each = (self.expert(some, number) for number, some in enumerate(x.split(SENT)))
            return torch.cat([*each])
        gate, up = self.product(x, self.up, chosen).chunk(2, -1)
        return self.product(gate.sigmoid() * up, self.down, chosen)

    def expert(self, x, number: int):
        gate, up = (x @ self.up[number]).chunk(2, -1)
        return (gate.sigmoid() * up) @ self.down[number]

    def forward(self, x):
        x = x + self.attention(self.norms[0](x))
        rows = self.norms[1](x).reshape(-1, 12)
        weights, chosen = self.router(rows).topk(self.active)
        chosen = chosen.reshape(-1)
        mixed = self.experts(rows.repeat_interleave(self.active, 0), chosen)
        made = (mixed.view(-1, self.active, 12) * weights[..., None]).sum(1)
        if self.shared is not None:
            made = made + self.gate(rows).sigmoid() * self.shared(rows)
        return x + made.view_as(x)


class Mixtures(nn.Module):
    """A dense layer, then so many with experts."""

    def __init__(self, dense: int = 1, layers: int = 2, **experts):
        super().__init__()
        plain = (Layer(12, 3, 3, 4, 20, True, False, nn.RMSNorm) for _ in range(dense))
        self.tokens = nn.Embedding(50, 12)
        self.layers = nn.Sequential(*plain, *(Mixture(**experts) for _ in range(layers)))
        self.norm, self.head = nn.RMSNorm(12), nn.Linear(12, 50, bias=False)

    def forward(self, ids):
        return self.head(self.norm(self.layers(self.tokens(ids))))


@pytest.mark.parametrize("way", ["side by side", "grouped", "one by one"])
@pytest.mark.parametrize(("dense", "shared"), [(0, 0), (1, 0), (1, 16), (0, 8)])
def test_experts_are_told_by_their_router_and_rows(way, dense, shared):
    options = {"routed": 5, "active": 2, "width": 8, "shared": shared, "way": way}
    trace = step(Mixtures, dense=dense, **options)
    shape, _ = shape_of(trace, "mixture")
    assert shape.experts == Experts(5, 2, 8, int(bool(shared)), shared, dense, bool(shared))
    assert (shape.layers, shape.mlp_matrices) == (dense + 2, 3)
    assert shape.mlp_width == (20 if dense else 8)
    assert weights.count(shape) == sum(each.numel for each in trace.parameters)
    found = led(trace)
    assert not {name for name, each in found.items() if each.residual}
    attention, mlp = (
        4 * 12 * 12 + 2 * 12 * LENGTH,
        3 * 12 * (2 * 8 + shared) + 12 * (5 + bool(shared)),
    )
    forward = (2 + dense) * attention + dense * 3 * 12 * 20 + 2 * mlp + 12 * 50
    assert found["ref-full"].reference == 6 * forward


class Compressed(nn.Module):
    """Heads whose keys and values come out of one vector of ``kv_rank``, beside a rotary key for all."""

    def __init__(self, latent: LatentAttention, width: int = 12, heads: int = 3) -> None:
        super().__init__()
        self.latent, self.heads = latent, heads
        size, rank = latent.plain + latent.rotary, latent.query_rank
        way = [width, rank, heads * size] if rank else [width, heads * size]
        self.queries = nn.ModuleList(nn.Linear(a, b, bias=False) for a, b in pairwise(way))
        self.query_norm = nn.RMSNorm(rank) if rank else None
        self.down = nn.Linear(width, latent.kv_rank + latent.rotary, bias=False)
        self.norm = nn.RMSNorm(latent.kv_rank)
        self.up = nn.Linear(latent.kv_rank, heads * (latent.plain + latent.value), bias=False)
        self.o = nn.Linear(heads * latent.value, width, bias=False)

    def forward(self, x):
        batch, length, _ = x.shape
        q = self.queries[0](x)
        if self.query_norm is not None:
            q = self.queries[1](self.query_norm(q))
        kept, turned = self.down(x).split((self.latent.kv_rank, self.latent.rotary), -1)
        kv = self.up(self.norm(kept)).view(batch, length, self.heads, -1)
        plain, value = kv.split((self.latent.plain, self.latent.value), -1)
        turned = turned[:, :, None].expand(-1, -1, self.heads, -1)
        key, q = torch.cat([plain, turned], -1), q.view(batch, length, self.heads, -1)
        q, key, value = (each.transpose(1, 2) for each in (q, key, value))
        y = scaled_dot_product_attention(q, key, value, is_causal=True)
        return self.o(y.transpose(1, 2).reshape(batch, length, -1))


def compressed(latent: LatentAttention) -> Decoder:
    made = llama(layers=2)
    for layer in made.layers:
        layer.attention = Compressed(latent)
    return made


@pytest.mark.parametrize("rank", [0, 5])
def test_attention_over_a_compressed_cache(rank):
    latent = LatentAttention(rank, kv_rank=7, plain=4, rotary=2, value=3)
    trace = step(lambda: compressed(latent))
    shape, _ = shape_of(trace, "compressed")
    assert (shape.latent, shape.heads, shape.kv_heads, shape.head_size) == (latent, 3, 3, 6)
    assert weights.count(shape) == sum(each.numel for each in trace.parameters)
    found = led(trace)
    assert not {name for name, each in found.items() if each.residual}
    assert {each.outside for each in found.values() if "compressed" in each.outside}
    queries = rank * 12 + rank * 3 * 6 if rank else 12 * 3 * 6
    attention = queries + 12 * (7 + 2) + 7 * 3 * (4 + 3) + 3 * 3 * 12 + 3 * (6 + 3) * LENGTH
    assert found["ref-full"].reference == 6 * (2 * (attention + 3 * 12 * 20) + 12 * 50)


def test_keys_and_values_made_in_steps_of_their_own_are_refused():
    class Chained(Attention):
        def __init__(self):
            super().__init__(12, 3, 3, 4, False)
            self.k = nn.Sequential(nn.Linear(12, 5), nn.Linear(5, 12))

    def chained():
        made = llama(layers=2)
        for layer in made.layers:
            layer.attention = Chained()
        return made

    with pytest.raises(NotRecognised, match="in several steps"):
        shape_of(step(chained), "chained")


WINDOW, LAYERS = 4, 2
CONFIG = {
    "model_type": "mistral", "num_hidden_layers": LAYERS, "hidden_size": 12, "num_attention_heads": 6,
    "num_key_value_heads": 2, "head_dim": 4, "intermediate_size": 20, "vocab_size": 50,
    "max_position_embeddings": 16, "sliding_window": WINDOW,
}  # fmt: skip
MODEL = """
from types import SimpleNamespace
from decoders import Decoder

def make():
    model = Decoder(heads=6, groups=2, size=4, inner=20, gated=True)
    model.config = SimpleNamespace(to_dict=lambda: {config})
    return model
"""


def read_off(folder, config: dict) -> tuple[Transformer, dict[str, FormulaBridge]]:
    (folder / "net.py").write_text(MODEL.format(config=config))
    shape, length, trace = traced(f"{folder}/net.py:make", LENGTH)
    return shape, {each.formula: each for each in chosen(shape, length, (), trace)}


def test_windows_are_those_of_the_models_configuration(tmp_path):
    """A query sees 4 keys at most: 1 + 2 + 3 + 4 pairs, and 4 for each of the other places."""
    shape, found = read_off(tmp_path, CONFIG)
    assert (shape.window, shape.windowed) == (WINDOW, LAYERS)
    assert not {name for name, each in found.items() if each.residual}
    whole, _ = read_off(tmp_path, CONFIG | {"sliding_window": None})
    assert (whole.window, whole.windowed) == (0, 0)
    pairs, query = 10 + 4 * (LENGTH - 4), 6 * 4
    weighed = LAYERS * (2 * 12 * query + 2 * 12 * 8 + 3 * 12 * 20) + 12 * 50
    assert found["ref-causal"].reading == 6 * (
        weighed + Fraction(2 * LAYERS * query * pairs, LENGTH)
    )


def test_windows_of_a_type_that_is_not_known_are_told(tmp_path):
    other = CONFIG | {"model_type": "other"}
    with pytest.raises(UserError, match="sliding_window = 4"):
        read_off(tmp_path, other)
    wide, full = {"sliding_window": LENGTH}, {"layer_types": ["full_attention"] * LAYERS}
    for none in (wide, full, {"use_sliding_window": False}, {"sliding_window": None}):
        assert read_off(tmp_path, other | none)[0].window == 0


@pytest.mark.parametrize("cut", [
    lambda scores: scores.triu(-3).tril(), lambda scores: scores.tril().triu(-3)])  # fmt: skip
def test_a_band_in_a_mask_is_a_window_that_no_trace_tells(cut):
    class Banded(Attention):
        def forward(self, x):
            batch, length, _ = x.shape
            q, k, v = (part(x).view(batch, length, -1, self.size).transpose(1, 2)
                       for part in (self.q, self.k, self.v))  # fmt: skip
            mask = cut(torch.ones(length, length, device=x.device)) > 0
            y = scaled_dot_product_attention(q, k, v, attn_mask=mask)
            return self.o(y.transpose(1, 2).reshape(batch, length, -1))

    def banded():
        made = llama(layers=2)
        for layer in made.layers:
            layer.attention = Banded(12, 3, 3, 4, False)
        return made

    with pytest.raises(NotRecognised, match="bands"):
        shape_of(step(banded), "banded")


REFUSED = {
    "no tokens": (lambda: nn.Linear(4, 4), "numbers of tokens"),
    "no attention": (lambda: nn.Sequential(nn.Embedding(50, 4), nn.Linear(4, 50)), "no attention"),
    "a convolution": (
        lambda: nn.Sequential(nn.Embedding(50, 4), nn.Conv1d(LENGTH, 4, 3)), "aten.convolution"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_transformer_is_refused_with_the_reason(name):
    make, reason = REFUSED[name]
    with torch.device("meta"):
        model = make()
        x = torch.zeros(2, 4) if name == "no tokens" else torch.zeros(2, LENGTH, dtype=torch.int64)
    with pytest.raises(NotRecognised, match=reason):
        shape_of(record(model, (x,), variant="training"), name)


def test_formulas_of_a_model_as_typed():
    ended = typed("formulas", "tests/decoders.py:llama", "--length", "8", "--json")
    said = json.loads(ended.out)
    assert ended.code == 0 and said["length"] == 8
    assert {each["residual"] for each in said["formulas"]} <= {0}
    assert said["shape"]["kv_heads"] == 2


def test_a_model_that_no_formula_covers_as_typed():
    ended = typed("formulas", "torchvision:resnet18")
    assert ended.code == 2 and "no formula covers torchvision:resnet18" in ended.err


@pytest.mark.parametrize(
    ("kind", "family"),
    [
        ("transformers.models.llama.modeling_llama.LlamaForCausalLM", "llama"),
        ("transformers.models.qwen3_moe.modeling_qwen3_moe.Qwen3MoeModel", "qwen3-moe"),
        ("transformers.models.gemma3_text.modeling.Gemma3ForCausalLM", "gemma3"),
        ("mine.models.llama.Llama", ""),
        ("torch.nn.modules.transformer.TransformerEncoder", ""),
    ],
)
def test_the_family_is_that_of_a_class_of_transformers(kind, family):
    assert family_of(kind) == family


class Beside(nn.Module):
    """Attention and MLP beside each other behind one norm, as in GPT-J; biases in MLP and head alone."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(24)
        self.qkv, self.out = nn.Linear(24, 72, bias=False), nn.Linear(24, 24, bias=False)
        self.up, self.down = nn.Linear(24, 96), nn.Linear(96, 24)

    def forward(self, x):
        n, t, _ = x.shape
        inside = self.norm(x)
        q, k, v = self.qkv(inside).view(n, t, 3, 4, 6).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        mixed = self.out(seen.transpose(1, 2).reshape(n, t, 24))
        return x + mixed + self.down(torch.relu(self.up(inside)))


class Parallel(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.layers = (
            nn.Embedding(50, 24),
            nn.Sequential(*(Beside() for _ in range(3))),
        )
        self.last, self.head = nn.LayerNorm(24), nn.Linear(24, 50)

    def forward(self, ids):
        return self.head(self.last(self.layers(self.tokens(ids))))


def test_one_norm_a_layer_and_biases_of_mlp_and_head():
    shape, _ = shape_of(step(Parallel), "parallel")
    assert (shape.layers, shape.layer_norms, shape.mlp_width, shape.vocabulary) == (3, 1, 96, 50)
    assert shape.mlp_biases and shape.head_bias and not (shape.biases or shape.qkv_biases)
    assert weights.count(shape) == sum(p.numel() for p in Parallel().parameters())
