"""Column heads as authors write them, in the words of this project.

``# params (billions)`` is ``params (B)``, ``A100-80GB hours`` is ``gpu hours``. What is not known stays as it
is, and is complained of later.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from flop_harness.audit.language.quantities import HEAD, QUANTITIES
from flop_harness.audit.language.units import SUPERSCRIPTS, worth

SPELLINGS: Mapping[str, str] = {
    "model": "name, model name",
    "label": "run, variant",
    "params": "parameters, nparameters, parameter count, param count, total params, total parameters, model size, size, "
    "model params, model parameters, nparams, all params",
    "active params": "activated params, active parameters, activated parameters, activated",
    "non-embedding params": "n non embedding, non embedding parameters, nonembedding params, non embed params, "
    "nonembedding parameters",
    "embedding params": "embedding parameters, embed params",
    "layers": "layer, nlayers, nlayer, depth, num hidden layers, hidden layers, blocks",
    "width": "dim, dmodel, hidden size, hidden, hidden dim, hidden dimension, model dim, model dimension, "
    "embedding dimension, embed dim, nembd",
    "heads": "head, nheads, nhead, attention heads, query heads, num attention heads, q heads",
    "head size": "dhead, key/value size, head dim, head dimension, kv size, key value size, dim per head",
    "kv heads": "nkv heads, nkvheads, key value heads, num key value heads, query groups, kv groups, "
    "key heads, key/value heads",
    "mlp width": "dff, dffn, feedforward hidden dims, feed forward hidden dim, intermediate hidden size, ffn size, ffw size, feed forward size, feedforward size, intermediate size, ffn dim, "
    "ffn hidden size, ffn dimension, feed forward dimension, ffn, mlp size, mlp dim",
    "vocabulary": "vocab, vocab size, vocabulary size, nvocab",
    "length": "seq len, seqlen, seq length, sequence length, context, context length, ctx, nctx, seq, "
    "context size, context window, max seq len, sequence len, context len",
    "batch size": "global batch size, gbs, global batch",
    "batch": "sequences per batch, sequences/batch, batch in sequences, batch size in sequences, "
    "batch in samples, batch size in samples",
    "batch tokens": "tokens/batch, tokens per batch, batch in tokens, batch size in tokens, batch size tokens, tokens per step, "
    "tokens/step",
    "steps": "training steps, train steps, iterations, training iterations, iters, optimizer steps",
    "experts": "nexperts, total experts, routed experts, num experts",
    "active experts": "top k, topk, experts per token, activated experts, num experts per tok",
    "expert width": "moe intermediate size, expert size, expert dim",
    "gpus": "ngpus, gpu count, accelerators, devices, chips, tpus, tpu chips, nchips, naccelerators",
    "tokens": "training tokens, train tokens, ntokens, tokens trained, tokens seen, data, dataset tokens, "
    "pretraining tokens, pre training tokens",
    "compute": "flop, flops, total flop, total flops, training flop count, training flops, training compute, "
    "total compute, train flops, total training flops, train compute, total train compute, pretraining flops, "
    "pre training flops",
    "flop per token": "flops per token, flop/token, flops/token, training flops per token",
    "pf-days": "pfdays, pf days, pflop days, pflops days, pflop/s days, pflops/s days, pf/s days, "
    "petaflop days, petaflops days, petaflop/s days, petaflops/s days",
    "tokens/s": "tokens per second, tokens/sec, tokens/second, tok/s, tps, tokens per sec",
    "tokens/s/gpu": "tokens per second per gpu, tokens/sec/gpu, tok/s/gpu, tps/gpu, tokens/second/gpu, "
    "tokens/gpu/s, tokens/gpu/sec, tokens/gpu/second, tokens per gpu per second, tokens/s per gpu, "
    "tokens/sec per gpu",
    "samples/s": "samples per second, samples/sec, sequences/s, sequences per second, seq/s, sequences/sec",
    "step s": "step time, iteration time, time per step, seconds per step, s/step, s/iter, time per iteration, "
    "sec/step",
    "steps/s": "steps per second, steps/sec, iterations/s, it/s",
    "tflops/gpu": "tflop/s/gpu, tflop/s per gpu, tflops per gpu, tflops/s/gpu, tflops/s per gpu, tflop/gpu, "
    "teraflop/s per gpu, teraflops per gpu, teraflops/gpu, tflop/sec/gpu, tflop / s / gpu",
    "pflops": "pflop/s, pflops/s, petaflop/s, aggregate pflop/s, aggregate petaflop/s, total pflop/s, "
    "aggregate pflops, petaflops",
    "peak": "peak tflop/s, peak tflops, peak tflops/s, peak flops",
    "peak share": "of peak, of theoretical peak, of theoretical peak flop/s, percentage of theoretical peak flop/s, "
    "percentage of peak, utilization, utilisation, of theoretical peak flops",
    "mfu": "model flops utilization, model flops utilisation, model flop utilization, bf16 mfu, fp8 mfu, "
    "fp16 mfu",
    "hfu": "hardware flops utilization, hardware flops utilisation, hardware flop utilization, bf16 hfu",
    "mfu without attention": "without attention, mfu w/o attention, mfu without attn",
    "days": "training days, training time days, wall clock days, wallclock days, time days, duration days",
    "gpu hours": "gpuh, tpu hours, device hours, accelerator hours, chip hours, total gpu hours",
}
"""Our word -> how else its column is headed, in small letters, without signs of number and percent."""

WORDS = {
    **{name.replace("-", " "): name for name in QUANTITIES},
    **{alias: name for name, aliases in SPELLINGS.items() for alias in aliases.split(", ")},
}
SKIPPED = frozenset(
    "lr, learning rate, max lr, min lr, tp, pp, dp, cp, ep, vp, mbs, micro batch size, microbatch, "
    "local batch size, warmup, dropout, optimizer, precision, dtype, memory, mem, year, date, loss, "
    "perplexity, source, system, hardware, framework, architecture, activation, batch/dp, mult for bwd, "
    "tensor parallel, pipeline parallel, data parallel".split(", ")
)
"""Columns beside figures that count nothing of what is audited."""

DEVICE = (
    r"\b(?:nvidia )?(?:[abh]\d{2,3}|v100|l40s?|gh200|gb[23]00|mi\d{3}x?|tpu ?v\d[ep]?)"
    r"(?:[ -]?\d+ ?gb)?(?:[ -]sxm\d?)?\b"
)
CLEANED = (
    (r"#|%|[\[\]()]|\bno\. of\b|\bnumber( of)?\b|\bnum\b", " "),
    (r"\bhrs\b", "hours"),
    (rf"{DEVICE}(?=.*hours)", "gpu"),
    (r"\b(gpu[- ]?)+(?=hours)", "gpu "),
    (r"(?<=[/ ])(device|chip|accelerator)$", "gpu"),
    (r"\b(model|achieved|average|avg) (?=tflop|teraflop|aggregate|pflop|petaflop)", ""),
    (r"[_\-–]+", " "),
    (r"\s*/\s*", "/"),
    (r"^\s*([nd]) ", r"\1"),
)
"""(what is found in a head in small letters, what stands in its place): ``# d_model`` is ``dmodel``."""


@lru_cache(maxsize=10_000)
def head(text: str) -> str:
    """A column's head in our words, with its prefix: ``tokens (B)``; unchanged if it is not known."""
    text = text.strip()
    match = HEAD.match(text)
    if match and match["name"].strip() in QUANTITIES:
        return text
    for inner, prefix in readings(text):
        name = word(inner)
        if name is not None:
            return f"{name} ({prefix})" if prefix else name
    return text


def heads(titles: Iterable[str]) -> dict[str, str]:
    """Each title of a table and its head; beside another width a hidden one is the MLP's (Mistral)."""
    found = {title: head(title) for title in titles}
    wide = [title for title, name in found.items() if name == "width"]
    hidden = [title for title in wide if "hidden" in title.lower()]
    if len(wide) == 2 and len(hidden) == 1:
        found[hidden[0]] = "mlp width"
    return found


def readings(text: str) -> list[tuple[str, str]]:
    """(the words without a unit, the prefix that the unit is worth), the most literal first."""
    found = [(text, "")]
    if match := re.fullmatch(r"(.*?)\s*[(\[]([^()\[\]]*)[)\]]\s*(.*)", text):
        found += bracketed(f"{match[1]} {match[3]}".strip(), match[2])
    if match := re.fullmatch(r"(?:in )?(\S+)\s+(.+)", text):  # "B tokens"
        found += with_worth(match[1], match[2])
    if match := re.fullmatch(r"(.+?),?\s+(?:in )?(\S+)", text):  # "params B", "GPU hours in M"
        found += with_worth(match[2], match[1])
    return found + (with_worth(text, "flops") if re.search("FLOP", text, re.IGNORECASE) else [])


def bracketed(rest: str, unit: str) -> list[tuple[str, str]]:
    """What a head with a unit in brackets may be: ``(B)``, ``(10^21 FLOPs)``, ``(M GPU hours)``, ``(PF-days)``."""
    found = [*with_worth(unit, rest), (f"{rest} {unit}", ""), (f"{unit} {rest}", "")]
    if match := re.fullmatch(r"(\S+)\s+(\D.*)", unit):
        for words in (match[2], rest, f"{rest} {match[2]}"):
            found += with_worth(match[1], words)
    return [*found, (unit, "")]


def with_worth(unit: str, words: str) -> list[tuple[str, str]]:
    prefix = worth(unit)
    return [] if prefix is None else [(words, prefix)]


def word(text: str) -> str | None:
    """Our word for a head without unit; None if there is none."""
    plain = text.lower().translate(SUPERSCRIPTS)
    for pattern, instead in CLEANED:
        plain = re.sub(pattern, instead, plain)
    plain = " ".join(plain.split())
    if plain == "peak" and "%" in text:
        return "peak share"
    if plain == "batch size":
        return plain
    return WORDS.get(plain)


def skipped(text: str) -> bool:
    """Whether a column is one that stands beside figures and counts nothing of them."""
    plain = " ".join(re.sub(r"[_\-]+", " ", re.sub(r"\s*[(\[].*", "", text.lower())).split())
    return plain in SKIPPED


def batch(cell: str) -> str:
    """A batch size is of tokens where it is given in thousands and millions, else of sequences."""
    plain = cell.replace(",", "").strip()
    if re.search(r"seq|sample", plain):
        return "batch"
    large = plain.isdigit() and int(plain) >= 10**5
    return "batch tokens" if large or re.search(r"\d\s*[kKM]|token|e\d", plain) else "batch"
