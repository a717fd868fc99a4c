"""Tables as authors print them: their words and units, figures worked out from rounded ones, known traps."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from flop_harness.audit.claims import load
from flop_harness.audit.language.cells import figure
from flop_harness.audit.language.given import of_hundredths, of_whole_sequences
from flop_harness.audit.language.heads import head
from flop_harness.audit.language.judge import verdicts
from flop_harness.audit.language.quantities import Interval, column
from flop_harness.errors import UserError
from flop_harness.records import Claim, Verdict


@pytest.fixture
def table(tmp_path):
    def made(columns: str, *rows: str, given: str = "") -> list[Claim]:
        heads, cells = (
            [each.split("; ") for each in group] for group in ((columns,), rows)
        )  # fmt: skip
        path = tmp_path / "mine.toml"
        lines = ", ".join(str(row) for row in cells)
        path.write_text(f'[[language]]\nid = "t"\nsource = "a blog"\ngiven = {{ {given} }}\n'
                        f"columns = {heads[0]}\nrows = [{lines}]\n".replace("'", '"'))  # fmt: skip
        return list(load(path).claims)

    return made


def judged(claims: list[Claim]) -> list[Verdict]:
    found = verdicts(claims)
    return [found[id(claim)] for claim in claims]


# ------------------------------------------------------------------------------- heads and cells


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("# params", "params"), ("Params (billions)", "params (B)"), ("n_params", "params"),
        ("d_model", "width"), ("n_layers", "layers"), ("# Heads", "heads"), ("d_head", "head size"),
        ("Key/Value Size", "head size"), ("ffw_size", "mlp width"), ("Number of Layers", "layers"),
        ("Training tokens (×10^9)", "tokens (B)"), ("B tokens", "tokens (B)"),
        ("A100-80GB hours", "gpu hours"), ("GPU hours in M", "gpu hours (M)"),
        ("H800 GPU hours", "gpu hours"), ("Total train compute (PF-days)", "pf-days"),
        ("ZFLOPs", "compute (Z)"), ("Compute (10^21 FLOPs)", "compute (Z)"),
        ("Training FLOPs (1e20)", "compute (1e20)"), ("TFLOP/s per GPU", "tflops/gpu"),
        ("Model TFLOP / sec / GPU", "tflops/gpu"), ("% of peak", "peak share"), ("BF16 MFU %", "mfu"),
        ("% MFU", "mfu"), ("iteration time (s)", "step s"), ("Batch size (# tokens)", "batch tokens"),
        ("seqlen", "length"), ("Peak", "peak"), ("% peak", "peak share"), ("FLOPs per token", "flop per token"), ("peak TFLOP/s", "peak"),
        ("tokens (B)", "tokens (B)"), ("modle", "modle"),
    ],
)  # fmt: skip
def test_heads_in_our_words(written, ours):
    assert head(written) == ours


def test_what_a_power_of_ten_in_a_head_is_worth():
    assert column(head("FLOPs (1e20)")) == ("compute", 10**20)
    assert column(head("ZFLOPs")) == ("compute", 10**21)


@pytest.mark.parametrize(
    ("quantity", "written", "ours"),
    [
        ("compute", "3.14E+23", "3.14E+23"), ("compute", "10^25", "1e25"),
        ("compute", "3.8 × 10²⁵", "3.8e25"), ("compute", "2.1 ZFLOPs", "2.1Z"),
        ("pf-days", "3640 PF-days", "3640"), ("tokens", "1.4 trillion", "1.4T"),
        ("tokens", "300B tokens", "300B"), ("gpu hours", "30.84M H100 hours", "30.84M"),
        ("tflops/gpu", "140 TFLOP/s", "140"), ("tflops/gpu", "1.1 PFLOP/s", "1.1e3"),
        ("length", "8k", "8192"), ("length", "128K", "131072"), ("length", "100k", "100k"),
        ("mfu", "~46.2%", "46.2"), ("days", "57.7 d", "57.7"), ("training flop", "8734,41", "8734,41"),
        ("params", "many", "many"), ("tokens", "1 gazillion", "1 gazillion"), ("tflops/gpu", "1.6k", "1.6k"),
    ],
)  # fmt: skip
def test_cells_as_figures(quantity, written, ours):
    assert figure(quantity, written) == ours


def test_a_key_of_a_table_of_language_models_elsewhere_is_told(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[[table]]\nread = "paper"\nsource = "s"\ncolumns = ["model"]\nrows = []')
    with pytest.raises(UserError, match="the key 'read' belongs to another kind of table"):
        load(path)


def test_a_batch_is_of_tokens_where_it_is_in_millions(table):
    (tokens,) = judged(table("steps; batch size; tokens", "1000; 4M; 4B"))
    (sequences,) = judged(
        table("steps; batch size; tokens", "1000; 2048; 4.19B", given='seqlen = "2k"')
    )
    assert (tokens.ruling, sequences.ruling) == ("reproduced", "reproduced")


def test_columns_beside_figures_are_left_out(table):
    (verdict,) = judged(table("params; tokens; lr; TP; FLOPs", "70B; 1.4T; 1e-4; 8; 5.88e23"))
    assert verdict.ruling == "reproduced"  # 6 x 70e9 x 1.4e12


# ------------------------------------------------------------- rates worked out from rounded figures


def test_a_rate_of_whole_sequences():
    """87 sequences of 4096 tokens a second on 8 devices: 86.5 to 87.5 may stand behind it."""
    assert of_whole_sequences(Fraction(44544), Fraction(4096, 8)) == Interval(
        Fraction(173, 2) * 512, Fraction(175, 2) * 512
    )
    assert of_whole_sequences(Fraction(44545), Fraction(4096, 8)) is None


def test_a_rate_out_of_seconds_to_hundredths():
    """256 sequences of 8192 on 64 devices in 4.43 s: 7396.8 tokens a second of each."""
    step = Fraction(256 * 8192, 64)
    found = of_hundredths(Fraction(7397), step)
    assert found == Interval(step / Fraction(4435, 1000), step / Fraction(4425, 1000))
    assert of_hundredths(Fraction(7400), step) is None


def test_figures_of_rates_that_were_rounded_before(table):
    """What runs is 87.35, 61.7 and 35.3 sequences a second; whole ones are printed."""
    rows = [
        f"4096; 8; {round(real) * 512}; {6 * 6_738_415_616 * real * 512 / 1e12:.1f}"
        for real in (87.35, 61.7, 35.3)
    ]
    claims = table("length; gpus; tokens/s/gpu; tflops/gpu", *rows, given='model = "llama-7b"')
    for verdict in judged(claims):
        assert verdict.ruling == "reproduced", verdict.reason
        assert verdict.reason.startswith("a rate of whole sequences: ")
        assert "epoch" in {fit.counting for fit in verdict.fits}


# ------------------------------------------------------------------------------------- measured


@pytest.mark.parametrize(
    ("columns", "row", "given", "words"),
    [
        # 5e14 / 989.4e12; 20000 x (6 x 8.03e9 + 12 x 32 x 4096 x 8192) > 989.4e12
        ("label; tflops/gpu", "a; 500", 'peak = "H100-bf16"', "possible: 50.5 % of the peak"),
        ("label; tflops/gpu", "a; 1470", 'peak = "H100-bf16"', "it takes more than the machine has"),
        ("model; length; tokens/s/gpu", "llama3-8b; 8k; 20000", 'peak = "H100-bf16"',
         "it takes more than the machine has"),
        ("label; tflops/gpu", "a; 500", "", "from: a model whose shape or parameters are known, a rate"),
        ("params; gpu hours", "175B; 809,472", 'peak = "A100-bf16"', "from: tokens"),
    ],
)  # fmt: skip
def test_what_a_measured_figure_comes_to(table, columns, row, given, words):
    claims = table(columns, row, given=given)
    assert words in judged(claims)[-1].reason


# ---------------------------------------------------------------------------------------- traps

GEMMA_2 = ("9B; 3584; 42; 28672; 16; 8; 256; 917,962,752; 8,324,201,984",
           "2B; 2304; 26; 18432; 8; 4; 256; 590,118,912; 2,024,517,888")  # fmt: skip
"""arXiv:2408.00118, tables 1 and 2"""


def test_an_mlp_s_width_that_is_of_two_matrices(table):
    """Half of 28,672 in each of three matrices; four RMS norms in each of 42 layers, and a last one."""
    width, inner, size = 3584, 28672 // 2, 256
    layer = width * size * (16 + 2 * 8) + 16 * size * width + 3 * width * inner
    assert 42 * layer + (4 * 42 + 1) * width == 8_324_201_984
    claims = table(
        "label; d_model; Layers; ffn size; heads; KV heads; head size; embedding params; "
        "non-embedding params",
        *GEMMA_2, given='"mlp matrices" = "3", vocabulary = "256128"',
    )  # fmt: skip
    for claim, verdict in zip(claims, judged(claims), strict=True):
        if claim.metric == "non-embedding params":
            assert verdict.ruling == "not as stated" and "gate and its input" in verdict.reason
            assert "four RMS norms" in verdict.reason
        else:
            assert verdict.ruling == "reproduced"


def test_columns_of_a_shape_that_changed_places(table):
    """LLaMA 13B: 5120 wide, its MLP 13824."""
    claims = table("d_model; layers; heads; ffn dim; params", "13824; 40; 40; 5120; 13.0B",
                   given='vocab = "32000", "mlp matrices" = "3"')  # fmt: skip
    verdict = judged(claims)[-1]
    assert verdict.ruling == "error in the source" and "changed places" in verdict.reason


def test_parameters_that_count_something_else_are_no_exchange(table):
    """Grok-1 with one matrix for tokens in and out, beside rows with two: no cell of it is wrong."""
    columns = (
        "params; layers; d_model; heads; kv heads; head size; experts; top-k; expert dim; vocab"
    )
    claims = table(columns, "132B; 40; 6144; 48; 8; 128; 16; 4; 10752; 100352",
                   "6.9B; 16; 2048; 16; 16; 128; 64; 8; 1024; 50304",
                   "314B; 64; 6144; 48; 8; 128; 8; 2; 32768; 131072",
                   given='"mlp matrices" = "3"')  # fmt: skip
    for claim, verdict in zip(claims, judged(claims), strict=True):
        assert verdict.ruling != "error in the source", (claim.value, verdict.reason)


def test_all_and_active_parameters_that_changed_places(table):
    verdicts_ = judged(table("model; params; active params", "deepseek-v3; 37B; 671B"))
    assert {verdict.ruling for verdict in verdicts_} == {"error in the source"}
    assert "less than the active" in verdicts_[0].reason and "more than all" in verdicts_[1].reason


def test_a_true_whole_beside_a_part_that_is_more(table):
    """Mixtral has 46.7 billion, of which 12.88 are active."""
    found = judged(table("model; params; active params", "mixtral-8x7b; 46.7B; 129B",
                         "mixtral-8x7b; 4.67B; 12.9B", "mixtral-8x7b; 46.7B; 12.9B"))  # fmt: skip
    whole, more, less, part, *right = found
    assert whole.ruling == part.ruling == "reproduced"
    assert {verdict.ruling for verdict in right} == {"reproduced"}
    assert more.ruling == less.ruling == "error in the source"
    assert "more than all parameters beside it: ten times too large" in more.reason
    assert "less than the active parameters beside it: ten times too small" in less.reason


def test_a_true_whole_that_columns_describe(table):
    """48 layers of 128 experts 768 wide, and two matrices of 151,936 tokens: 30.5 billion."""
    width, size, inner, tokens = 2048, 128, 768, 151936
    layer = width * size * (32 + 2 * 4) + 32 * size * width + width * 128 + 128 * 3 * width * inner
    assert f"{(48 * layer + 2 * tokens * width) / 1e9:.1f}" == "30.5"
    columns = ("layers; width; heads; kv heads; head size; experts; active experts; expert width; "
               "params; active params")  # fmt: skip
    claims = table(columns, "48; 2048; 32; 4; 128; 128; 8; 768; 30.5B; 33B",
                   given='"mlp matrices" = "3", vocabulary = "151936"')  # fmt: skip
    *right, active = judged(claims)
    assert {verdict.ruling for verdict in right} == {"reproduced"}
    assert active.ruling == "error in the source" and "ten times too large" in active.reason


def test_a_true_mfu_beside_an_hfu_that_is_less(table):
    claims = table("model; length; tokens/s/gpu; peak; mfu; hfu",
                   "llama3-8b; 8192; 7400; H100-bf16; 45.7; 4.57")  # fmt: skip
    mfu = next(v for c, v in zip(claims, judged(claims), strict=True) if c.metric == "mfu")
    assert mfu.ruling == "reproduced"


def test_where_nothing_tells_which_of_two_is_wrong(table):
    found = judged(table("label; params; active params", "ours; 46.7B; 129B"))
    assert {verdict.ruling for verdict in found} == {"error in the source"}
    assert all(verdict.reason.startswith("one of the two is wrong: ") for verdict in found)


# ------------------------------------------------------------------ another cell of the row is wrong


def told(claims: list[Claim]) -> dict[tuple[int, str], Verdict]:
    """Verdicts by row and quantity."""
    return {(c.row, c.metric): v for c, v in zip(claims, judged(claims), strict=True)}


def test_a_rate_of_all_devices_in_a_column_of_one(table):
    """PaLM: 6 N + 12 L H Q T, here N of Llama 3 8B's own count; row 4 has the tokens of 64 devices."""
    each = 6 * 8_030_261_248 + 12 * 32 * (32 * 128) * 8192
    assert [f"{each * rate / 1e12:.0f}" for rate in (3000, 3300, 3600, 4800)] == [
        "183",
        "202",
        "220",
        "293",
    ]
    claims = table("model; gpus; tokens/s/gpu; tflops/gpu; mfu", *(
        f"llama3-8b; 64; {cells}" for cells in ("3,000; 183; 18.5", "3,300; 202; 20.4",
                                                 "3,600; 220; 22.2", "307,200; 293; 29.6")),
        given='peak = "H100-bf16", length = "8192"')  # fmt: skip
    found = told([replace(claim, counts="palm") for claim in claims])
    for (row, _), verdict in found.items():
        if row < 4:
            assert verdict.ruling == "reproduced" and verdict.named
        else:
            assert verdict.ruling == "error in the source"
            assert "tokens/s/gpu beside it is 64 times too large" in verdict.reason


RUNS = (
    "7B; 2T; 8.4e22; 1000; 200; 4.86",
    "13B; 2T; 1.56e23; 1000; 200; 9.03",
    "30B; 2T; 3.6e23; 2000; 200; 10.4",
)
"""6 N D; over devices, days and 86,400 seconds 200 TFLOP/s each."""


@pytest.mark.parametrize(
    ("row", "wrong", "words"),
    [
        ("70B; 2T; 8.4e24; 2000; 200; 24.3", "compute", "ten times too large"),
        ("70B; 2T; 4.8e23; 2000; 200; 24.3", "compute", "two digits changed places: 8.4e23"),
        ("70B; 2T; 8.4e23; 2000; 200; 2.43", "days", "ten times too small"),
        ("70B; 2T; 8.4e23; 2000; 200; 583", "days", "hours for days"),
        ("70B; 2T; 8.4e23; 2000; 20; 24.3", "tflops/gpu", "ten times too small"),
    ],
)
def test_one_wrong_figure_of_a_run_condemns_no_other(table, row, wrong, words):
    """8.4e23 / (2000 x 24.3 x 86400) are 200 TFLOP/s."""
    found = told(table("params; tokens; compute; gpus; tflops/gpu; days", *RUNS, row))
    for (_, metric), verdict in found.items():
        if (_, metric) == (4, wrong):
            assert verdict.ruling == "error in the source" and words in verdict.reason
        else:
            assert verdict.ruling == "reproduced", (metric, verdict.reason)


LLAMA = ("82,432; 43.4", "135,168; 51.4", "530,432; 45.8", "1,022,362; 47.7")
"""Hours of arXiv:2302.13971, and 6 N D over them as a share of an A100's 312 TFLOP/s."""


def llama(named: bool, cells: tuple[str, ...]) -> list[str]:
    models = (("llama-7b", "6.7B", "1.0T"), ("llama-13b", "13.0B", "1.0T"),
              ("llama-33b", "32.5B", "1.4T"), ("llama-65b", "65.2B", "1.4T"))  # fmt: skip
    return [f"{name if named else size}; {tokens}; {cell}"
            for (name, size, tokens), cell in zip(models, cells, strict=True)]  # fmt: skip


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(
    ("planted", "wrong"), [("530,432; 4.58", "mfu"), ("53,043; 45.8", "gpu hours")]
)
def test_the_rest_of_a_column_says_which_of_two_is_wrong(table, named, planted, wrong):
    rows = llama(named, (*LLAMA[:2], planted, LLAMA[3]))
    columns = f"{'model' if named else 'params'}; tokens; gpu hours; mfu"
    for (row, metric), verdict in told(table(columns, *rows, given='peak = "A100-bf16"')).items():
        if (row, metric) == (3, wrong):
            assert verdict.ruling == "error in the source"
            assert "ten times too small" in verdict.reason
        else:
            assert verdict.ruling == "reproduced", (row, metric, verdict.reason)


def test_where_no_column_says_which_of_two_is_wrong(table):
    claims = table("params; tokens; gpu hours; mfu", "65.2B; 1.4T; 1,022,362; 4.77",
                   given='peak = "A100-bf16"')  # fmt: skip
    for verdict in judged(claims):
        assert verdict.ruling == "error in the source"
        assert "one of the two is wrong: ten times too small, or the" in verdict.reason


def test_a_head_size_that_heads_and_width_contradict(table):
    """1600 / 25 is 64; with it 48 layers have 1.5 billion parameters, and with 128 they have 2."""
    found = told(table("layers; width; heads; head size; params", "12; 768; 12; 64; 85M",
                       "48; 1600; 25; 128; 1.5B"))  # fmt: skip
    assert 48 * 12 * 1600**2 == 1_474_560_000
    assert found[1, "width"].ruling == found[1, "params"].ruling == "reproduced"
    assert found[2, "params"].ruling == "reproduced"
    assert found[2, "width"].ruling == "error in the source"
    assert "the head size beside it should be 64" in found[2, "width"].reason


def test_an_exchange_takes_no_heads_further_from_their_width(table):
    """48 heads of 128 are further from 1600 than 25 of them; 25 heads of 64 are 1600."""
    columns = "layers; width; heads; head size; params"
    for heads, size, exchanged in ((25, 128, False), (25, 64, True)):
        layers, turned = (48, heads) if not exchanged else (heads, 48)
        claims = table(
            columns, f"{layers}; 1600; {turned}; {size}; 1.5B", given='vocabulary = "50257"'
        )
        reason = told(claims)[1, "params"].reason
        assert ("layers and heads beside it changed places" in reason) == exchanged


def test_macs_that_are_called_flop(table):
    """A forward pass of Llama 7B over 128 tokens: products of layers and head, one each."""
    macs = 128 * (32 * (4 * 4096**2 + 3 * 4096 * 11008 + 2 * 4096 * 128) + 32000 * 4096)
    (verdict,) = judged(table("model; length; batch; forward flop (G)",
                              f"llama-7b; 128; 1; {macs / 1e9:.2f}"))  # fmt: skip
    assert verdict.ruling == "not as stated" and "MACs called FLOP" in verdict.reason


def test_what_counters_of_patched_functions_charge_a_base_model(table):
    """Bloom without its head: scores by Tensor.baddbmm are unseen, softmax 1, layer norms 5 per element."""
    layers, width, heads, length = 24, 2048, 16, 128
    products = 2 * length * layers * (12 * width**2 + width * length)
    norms = 5 * length * width * (2 * layers + 2)  # two a layer, after the embedding, a last one
    whole = products + norms + layers * heads * length**2
    assert f"{whole / 1e9:.2f}" == "310.92"  # as calflops' README prints it
    (verdict,) = judged(
        table("model; length; batch; forward flop (G)", "bloom-1b7; 128; 1; 310.92")
    )
    assert "without head and baddbmm, softmax 1, layer norms 5" in verdict.reason


@pytest.mark.parametrize(
    ("columns", "row", "wrong"),
    [
        ("model; gpus; tokens/s; mfu", "llama3-8b; 0; 5762; 35.6", "gpus"),
        ("layers; width; heads; params", "0; 768; 12; 85M", "layers"),
        ("layers; width; heads; params", "12; 0; 12; 85M", "width"),
        ("layers; width; heads; params", "12; 768; 0; 85M", "heads"),
        ("params; tokens; compute", "7.0B; 0; 8.4e22", "tokens"),
        ("params; active params; tokens; compute", "47B; 0; 2.0T; 5.6e23", "active params"),
        ("batch; length; batch tokens", "0; 2048; 1.05M", "batch"),
    ],
)
def test_a_zero_that_cannot_be_is_an_error_and_nothing_follows_from_it(table, columns, row, wrong):
    claims = table(columns, row, given='peak = "H100-bf16"')
    for claim, verdict in zip(claims, judged(claims), strict=True):
        if claim.metric == wrong:
            assert verdict.ruling == "error in the source"
            assert f"{wrong}: there is no such thing as 0" in verdict.reason
        else:
            assert verdict.ruling == "unexplained"
    assert wrong in [claim.metric for claim in claims]


def test_a_zero_that_may_be_meant(table):
    """Eight experts of which none is shared: 32 layers of a Mixtral."""
    row = "32; 4096; 32; 8; 14336; 8; 2; 0; 0; 46.7B"
    claims = table(
        "layers; width; heads; kv heads; mlp width; experts; active experts; shared experts; "
        "dense layers; params", row, given='vocabulary = "32000", "mlp matrices" = "3"',
    )  # fmt: skip
    assert [(claim.metric, verdict.ruling) for claim, verdict in zip(claims, judged(claims), strict=True)
            ] == [("params", "reproduced")]  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "ruling"), [("10.0", "reproduced"), ("0.50", "error in the source")]
)
def test_a_zero_may_be_less_than_half_of_its_last_digit(table, seconds, ruling):
    """4 sequences in 10 seconds are 0.4 a second; in half a second they are 8."""
    (verdict,) = judged(table("batch; step s; samples/s", f"4; {seconds}; 0"))
    assert verdict.ruling == ruling


def test_a_share_of_zero_where_there_is_work(table):
    claims = table("tflops/gpu; peak; mfu", "156; A100-bf16; 0")
    (verdict,) = judged(claims)
    assert verdict.ruling == "error in the source" and "gives 50" in verdict.reason


def test_a_zero_for_all_rows_is_a_mistake_of_the_file(table):
    with pytest.raises(UserError, match="given, gpus: '0': no figure above 0"):
        table("params; tokens; compute", "7.0B; 2.0T; 8.4e22", given='gpus = "0"')


def test_flop_per_token(table):
    claims = table(
        "params; FLOPs per token", "175B; 1.05 TFLOPs", "7.0B; 42 GFLOPs", "13B; 26 GFLOPs"
    )
    right, too, wrong = judged(claims)
    assert (right.ruling, too.ruling) == ("reproduced", "reproduced")  # 6 N
    assert wrong.ruling == "error in the source" and "the backward pass left out" in wrong.reason
