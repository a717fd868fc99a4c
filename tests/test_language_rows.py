"""Rows as papers print them: true ones are no errors, and planted ones are found and named."""

from __future__ import annotations

import pytest

from flop_harness.audit.claims import load
from flop_harness.audit.language.judge import verdicts
from flop_harness.records import Claim, Verdict

HEAD = '[[language]]\nid = "t"\nsource = "a paper"\n'
GATED = 'given = { "mlp matrices" = "3" }'


def judged(folder, columns: str, rows: list[str], given: str = "") -> list[tuple[Claim, Verdict]]:
    path = folder / "mine.toml"
    cells = [row.split("; ") for row in rows]
    text = f"{given}\ncolumns = {columns.split(', ')}\nrows = {cells}\n"
    path.write_text(HEAD + text.replace("'", '"'))
    claims = load(path).claims
    found = verdicts(claims)
    return [(claim, found[id(claim)]) for claim in claims]


PLANTED = [
    ("tflops/gpu, gpus, pflops", "150; 64; 9600", "pflops", "", "a thousand times too large"),
    ("params, tokens, compute", "7.0B; 2.0T; 8.4e13", "compute", "", "a billion times too small"),
    ("params, tokens, compute", "7.0B; 2.0T; 2.8e22", "compute", "", "a third of what it should be"),
    ("batch, length, batch tokens", "512; 2048; 512", "batch tokens", "", "the length beside it left out"),
    ("gpus, tokens/s/gpu, tokens/s", "64; 3000; 3000", "tokens/s/gpu", "", "multiplied by the gpus beside it once too often"),
    ("batch, length, step s, tokens/s", "256; 2048; 8.00; 32.0", "tokens/s", "", "the length beside it left out"),
    ("params, tokens, compute", "13.0B; 2.0B; 1.56e23", "compute", "", "a thousand times too large"),
    ("params, tokens, compute", "13.0B; 2000T; 1.56e23", "compute", "", "a thousand times too small"),
    ("gpus, tflops/gpu, peak, mfu", "256; 380; A100-bf16; 121.8", "mfu", "", "more than the machine has"),
    ("mfu, hfu", "52.0; 39.0", "mfu", "", "more than the HFU beside it"),
    ("tflops/gpu, peak, mfu", "250; H100-bf16-sparse; 25.3", "mfu", "", "a share of the peak of H100-bf16, 989.4 TFLOP/s"),
    ("tflops/gpu, peak, mfu", "400; H100-bf16; 20.2", "mfu", "", "a share of the sparse peak, 1978.9 TFLOP/s"),
    ("tflops/gpu, peak, mfu", "800; H100-fp8; 80.9", "mfu", "", "a share of the peak of H100-bf16, 989.4 TFLOP/s"),
    ("gpus, days, gpu hours", "2048; 21; 1032192000", "gpu hours", "", "a thousand times too large"),
    ("gpus, days, gpu hours", "2048; 21; 504", "gpu hours", "", "the gpus beside it left out"),
    ("gpus, days, gpu hours", "2048; 21; 43008", "gpu hours", "", "24 times too small"),
    ("gpus, gpu hours, days", "2048; 1032192; 504", "days", "", "24 times too large"),
    ("model, params, active params", "mixtral-8x7b; 12.9B; 46.7B", "params", "", "less than the active parameters beside it"),
    ("layers, width, heads, kv heads, mlp width, vocabulary, params", "31; 4096; 32; 8; 14336; 128256; 8,030,261,248", "params", GATED, "the layers beside it should be 32"),
    ("layers, width, heads, kv heads, mlp width, vocabulary, params", "32; 4096; 32; 8; 16384; 128256; 8,030,261,248", "params", GATED, "the mlp width beside it should be 14,336"),
    ("layers, width, heads, kv heads, mlp width, vocabulary, params", "32; 4096; 32; 8; 14336; 128000; 8,030,261,248", "params", GATED, "the vocabulary beside it should be 128,256"),
    ("model, layers", "llama3-8b; 31", "layers", "", "the shape of llama3-8b gives 32"),
    ("model, mlp width", "llama-7b; 16384", "mlp width", "", "the shape of llama-7b gives 11,008"),
    ("model, kv heads", "llama3-8b; 32", "kv heads", "", "the shape of llama3-8b gives 8"),
    ("model, heads", "llama3-8b; 8", "heads", "", "the shape of llama3-8b gives 32"),
    ("steps, batch size, length, tokens", "143000; 1024; 2048; 146.4M", "tokens", "", "the length beside it left out"),
    ("steps, batch tokens, tokens", "143000; 2.10M; 600B", "tokens", "", "twice what it should be"),
    ("steps, batch tokens, tokens", "500000; 4.0M; 2.0B", "tokens", "", "a thousand times too small"),
    ("params, tokens, pf-days", "175B; 300B; 3.14e23", "pf-days", "", "a thousand times too large"),
    ("params, tokens, pf-days", "175B; 300B; 3.65", "pf-days", "", "a thousand times too small"),
    ("layers, width, params", "24; 2048; 12.08B", "params", "", "ten times too large"),
    ("layers, width, vocabulary, params", "24; 2048; 50304; 1.2T", "params", "", "a hundred times too large"),
    ("params, tokens, gpus, tflops/gpu, days", "175B; 300B; 1024; 140; 609", "days", "", "24 times too large"),
    ("gpu hours, tflops/gpu, compute", "1000000; 400; 4.0e20", "compute", "", "3,600 times too small"),
    ("tokens/s/gpu, tokens, gpu hours", "24000; 300B; 12500000", "gpu hours", "", "3,600 times too large"),
    ("model, width", "gpt3-175b; 12228", "width", "", "the shape of gpt3-175b gives 12,288"),
    ("tflops/gpu, peak, mfu", "150; H100-bf16; 48.1", "mfu", "", "a share of the peak of A100-bf16"),
    ("model, params", "llama2-70b; 65.3B", "params", "", "the parameters of llama-65b"),
    ("batch, length, batch tokens", "512; 2048; 2048", "batch tokens", "", "the batch beside it left out"),
    ("gpus, tflops/gpu, pflops", "256; 150; 0.150", "pflops", "", "the gpus beside it left out"),
    ("gpus, tokens, tokens/s/gpu, days", "2048; 1.4T; 380; 500", "days", "", "24 times too large"),
]  # fmt: skip
"""(columns, cells, what is wrong, what the columns share, words of the verdict)"""


@pytest.mark.parametrize(("columns", "row", "metric", "given", "words"), PLANTED)
def test_an_error_of_a_row_is_named(tmp_path, columns, row, metric, given, words):
    (verdict,) = (
        v for claim, v in judged(tmp_path, columns, [row], given) if claim.metric == metric
    )
    assert verdict.ruling == "error in the source" and words in verdict.reason


TRUE = [
    ("model, tokens, compute", ['llama3-405b; 15.6T; 3.8e25'], ''),
    ("model, tokens, compute, pf-days", ['gpt3-175b; 300B; 3.14e23; 3640'], ''),
    ("params, tokens, compute", ['540.35B; 780B; 2.53e24'], ''),
    ("model, tokens, gpu hours", ['llama2-7b; 2.0T; 184320', 'llama2-13b; 2.0T; 368640', 'llama2-34b; 2.0T; 1038336', 'llama2-70b; 2.0T; 1720320'], 'given = { peak = "A100-bf16" }'),
    ("model, tokens, gpu hours", ['llama-7b; 1.0T; 82432', 'llama-13b; 1.0T; 135168', 'llama-33b; 1.4T; 530432', 'llama-65b; 1.4T; 1022362'], 'given = { peak = "A100-bf16" }'),
    ("model, tokens, gpu hours", ['llama3-8b; 15T; 1.3M', 'llama3-70b; 15T; 6.4M'], 'given = { peak = "H100-bf16" }'),
    ("params, tokens, gpu hours", ['8B; 15T; 1.46M', '70B; 15T; 7.0M', '405B; 15T; 30.84M'], 'given = { peak = "H100-bf16" }'),
    ("params, active params, tokens, gpu hours", ['671B; 37B; 14.8T; 2664K'], ''),
    ("gpus, tokens, days, gpu hours", ['2048; 1T; 3.7; 180K'], ''),
    ("params, gpus, peak, tflops/gpu", ['175B; 992; A100-fp16; 147'], ''),
    ("params, tokens, pf-days", ['40B; 1.0T; 2800'], ''),
    ("params, tokens, pf-days", ['180B; 3.5T; 43500'], ''),
    ("model, layers, heads, head size, width", ['gopher-280b; 80; 128; 128; 16384', 'chinchilla-70b; 80; 64; 128; 8192'], ''),
    ("layers, width, heads, kv heads, head size, mlp width, vocabulary, params", ['32; 4096; 32; 8; 128; 14336; 32000; 7.24B'], 'given = { "mlp matrices" = "3" }'),
    ("model, params, active params", ['mixtral-8x7b; 46.7B; 12.9B'], ''),
    ("model, params, active params", ['mixtral-8x22b; 141B; 39B'], ''),
    ("layers, width, heads, kv heads, mlp width, vocabulary, params, non-embedding params", ['28; 3584; 28; 4; 18944; 152064; 7.61B; 6.53B'], 'given = { "mlp matrices" = "3" }'),
    ("layers, width, heads, kv heads, mlp width, vocabulary, params, non-embedding params", ['24; 896; 14; 2; 4864; 151936; 0.49B; 0.36B'], 'given = { "mlp matrices" = "3" }'),
    ("layers, width, heads, kv heads, head size, mlp width, embedding params, non-embedding params", ['18; 2048; 8; 1; 256; 16384; 524,550,144; 1,981,884,416'], 'given = { "mlp matrices" = "3", vocabulary = "256128" }'),
    ("layers, width, heads, kv heads, head size, mlp width, embedding params, non-embedding params", ['28; 3072; 16; 16; 256; 24576; 786,825,216; 7,751,248,896'], 'given = { "mlp matrices" = "3", vocabulary = "256128" }'),
    ("layers, d_model, heads, params", ['12; 768; 12; 124M', '24; 1024; 16; 355M', '36; 1280; 20; 774M', '48; 1600; 25; 1.5B'], 'given = { vocabulary = "50257", length = "1024" }'),
    ("layers, hidden size, heads, kv heads, intermediate size, vocab size, params", ['22; 2048; 32; 4; 5632; 32000; 1.1B'], 'given = { "mlp matrices" = "3" }'),
    ("layers, hidden size, heads, kv heads, intermediate size, vocab size, params", ['16; 2048; 32; 8; 8192; 128256; 1.23B'], 'given = { "mlp matrices" = "3" }'),
    ("layers, hidden size, heads, kv heads, head dim, intermediate size, vocab size, params", ['28; 3072; 24; 8; 128; 8192; 128256; 3.21B'], 'given = { "mlp matrices" = "3" }'),
    ("layers, hidden size, heads, kv heads, intermediate size, vocab size, params", ['30; 576; 9; 3; 1536; 49152; 135M'], 'given = { "mlp matrices" = "3" }'),
    ("layers, width, heads, non-embedding params", ['6; 512; 8; 18,915,328', '12; 768; 12; 85,056,000', '24; 1024; 16; 302,311,424', '16; 2048; 8; 805,736,448', '24; 2048; 16; 1,208,602,624', '32; 2560; 32; 2,517,652,480', '32; 4096; 32; 6,444,163,072', '36; 5120; 40; 11,327,027,200'], ''),
    ("gpus, tflops/gpu, peak, mfu", ['8192; 430; H100-bf16; 43', '16384; 380; H100-bf16; 38'], ''),
    ("model, gpus, tokens/s, peak, mfu", ['palm-540b; 6144; 238.3K; TPU-v4-bf16; 46.2'], 'counts = "palm"\ngiven = { length = "2048" }'),
    ("mfu, hfu", ['46.2; 57.8'], ''),
    ("gpus, tokens/s/gpu, tokens, days", ['16; 24000; 3T; 90'], ''),
    ("params, gpus, tflops/gpu, peak, peak share, pflops", ['1008B; 3072; 163; A100-fp16; 52%; 502'], ''),
    ("model, length, tokens/s/gpu, peak, mfu", ['llama3-8b; 8192; 7400; H100-bf16; 43.3'], ''),
    ("layers, width, heads, head size", ['96; 12288; 96; 128', '40; 5140; 40; 128'], ''),
    ("steps, batch size, length, tokens", ['250000; 1024; 4096; 1.05T'], ''),
    ("batch, length, batch tokens", ['512; 2048; 1.05M', '1024; 4096; 4.19M'], ''),
    ("params, tokens, compute", ['1.1B; 3T; 2.0e22'], ''),
    ("layers, width, heads, mlp width, vocabulary, params", ['32; 4096; 32; 11008; 32000; 6.7B', '40; 5120; 40; 13824; 32000; 13.0B', '60; 6656; 52; 17920; 32000; 32.5B', '80; 8192; 64; 22016; 32000; 65.2B'], 'given = { "mlp matrices" = "3" }'),
    ("gpus, days, gpu hours", ['384; 117.5; 1082880', '2048; 21; 1032192'], ''),
    ("params, tokens, gpus, tflops/gpu, days", ['175B; 300B; 1024; 140; 25.4'], ''),
    ("model, params", ['deepseek-v3; 671B'], ''),
]  # fmt: skip
"""Of Llama 1 to 3.2, GPT-2 and 3, PaLM, Chinchilla, Gopher, DeepSeek-V3, OPT, Falcon, Mistral, Mixtral, Qwen 2.5,
Gemma, TinyLlama, SmolLM2, Pythia and Megatron-LM, as they are printed."""


@pytest.mark.parametrize(("columns", "rows", "given"), TRUE)
def test_no_true_figure_is_called_an_error(tmp_path, columns, rows, given):
    for claim, verdict in judged(tmp_path, columns, rows, given):
        assert verdict.ruling in ("reproduced", "unexplained"), (claim.unit, verdict.reason)
