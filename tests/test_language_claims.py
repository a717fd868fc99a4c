"""Published figures about language models: true ones are reproduced, planted errors are found."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from flop_harness.audit.claims import load, names
from flop_harness.audit.language.judge import verdicts
from flop_harness.audit.language.quantities import Interval, column, stands_for
from flop_harness.errors import UserError
from flop_harness.records import Claim, Verdict
from flop_harness.records.units import parse_figure


def judged(claims: list[Claim]) -> list[Verdict]:
    found = verdicts(claims)
    return [found[id(claim)] for claim in claims]


@pytest.fixture(scope="module")
def published() -> list[Claim]:
    return [claim for claim in load("language").claims if not claim.holds]


@pytest.fixture(scope="module")
def outcome(published) -> dict[str, Verdict]:
    return {claim.id: verdict for claim, verdict in zip(published, judged(published), strict=True)}


def ruling(outcome: dict[str, Verdict], start: str) -> set[str]:
    return {verdict.ruling for name, verdict in outcome.items() if name.startswith(start)}


# ---------------------------------------------------------------------------- what was published


def test_the_file_comes_along_with_its_tables():
    assert "language" in names()


def test_columns_that_one_way_reproduces(outcome):
    for start in ("megatron-1/", "gpt3-d1/", "gpt3-d1-shapes/", "chinchilla-a3-approach-2/",
                  "megatron-4/", "llama3-4/", "maxtext-docs/", "nanogpt/", "nanogpt-palm/",
                  "nanogpt-days/", "cookbook-pr31/", "llm-foundry-a100-80gb/", "deepspeed-bert/",
                  "palm-3-gopher/"):  # fmt: skip
        assert ruling(outcome, start) == {"reproduced"}, start


def test_what_reproduces_a_column(outcome):
    def counted(start: str, end: str) -> set[str]:
        return {fit.counting for name, verdict in outcome.items() for fit in verdict.fits
                if name.startswith(start) and name.split(" ")[0].endswith(end)}  # fmt: skip

    assert counted("llm-foundry-h100-bf16/", "/mfu") == {"llm-foundry"}
    assert counted("maxtext-docs/", "/training-flop") == {"maxtext"}
    assert counted("palm-3/", "/mfu") == {"palm"}
    assert counted("megatron-bridge-pre-training-2026/DeepSeekV3", "/tflops-gpu") == {
        "megatron-bridge-2026"
    }
    assert counted("deepspeed-bert/BertLayer", "/forward-macs") == {
        "without attention scores, softmax 1 MAC per score"
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("gpt3-2.1/gpt3-xl/heads", "the shape of gpt3-xl gives 16"),
        ("gpt3-2.1/gpt3-13b/width", "heads x head size gives 5,120"),
        ("chinchilla-a3-approach-3/5/compute", "ten times too small"),
        ("torchtitan-text/8 GPUs, with torch.compile/mfu", "changed places with row 2"),
        ("calflops/EleutherAI/pythia-12b/training-flop", "a comma for the point"),
    ],
)
def test_what_a_source_contradicts_itself_in(outcome, name, words):
    assert outcome[name].ruling == "error in the source" and words in outcome[name].reason


def test_a_width_beside_heads_that_are_wrong(outcome):
    """24 heads of 128 are 3,072, but 16 of them the 2,048 that the table prints."""
    verdict = outcome["gpt3-2.1/gpt3-xl/width"]
    assert verdict.ruling == "reproduced" and "with 16 for the heads beside it" in verdict.reason


def test_a_table_that_does_not_follow_its_appendix(outcome):
    verdict = outcome["chinchilla-gopher/Gopher, slightly more accurate/compute"]
    assert verdict.ruling == "unexplained" and "chinchilla-F gives 4.7" in verdict.reason


def test_hours_say_at_what_share_of_the_peak(outcome):
    hours = [v for name, v in outcome.items() if name.startswith("llama-15/") and "hours" in name]
    assert len(hours) == 4 and all("of the peak by palm" in verdict.reason for verdict in hours)


# --------------------------------------------------------------------------------- planted errors


def without_point(text: str) -> str:
    return text.replace(".", "", 1) if "." in text else text + "0"


def turned(text: str) -> str:
    """Two neighbouring digits changed places, the first two that differ."""
    for place in range(len(text) - 1):
        first, second = text[place], text[place + 1]
        if first.isdigit() and second.isdigit() and first != second and second != "0":
            return text[:place] + second + first + text[place + 2 :]
    return text


def times(factor: float):
    def changed(text: str) -> str:
        figure = parse_figure(text)
        decimals = len(text.partition(".")[2].split("e")[0])
        return f"{float(figure.value) * factor:.{decimals}f}"

    return changed


SLIPS = {
    "a zero too many": without_point,
    "digits changed places": turned,
    "twice": times(2),
    "recomputation": times(4 / 3),
    "against the sparse peak": times(1 / 2),
}
GROUNDS = (
    ("llm-foundry-h100-bf16", "mfu", tuple(SLIPS)),
    ("llm-foundry-a100-40gb", "mfu", tuple(SLIPS)),
    (
        "llm-foundry-a100-80gb",
        "tokens/s/gpu",
        ("a zero too many", "digits changed places", "twice"),
    ),
    ("llm-foundry-a100-80gb", "params", ("a zero too many", "digits changed places", "twice")),
    ("megatron-1", "pflops", ("a zero too many", "digits changed places", "twice")),
    ("gpt3-d1-shapes", "params (M)", ("digits changed places", "twice")),
    (
        "megatron-bridge-pre-training-2025",
        "tflops/gpu",
        ("a zero too many", "twice", "recomputation"),
    ),
)
"""(table, column, slips planted there)"""


def plants() -> list[tuple[str, str, str, int]]:
    """Three figures of each column and slip, drawn anew from a fixed seed."""
    draw = random.Random(19)
    return [(table, head, slip, draw.randrange(10**6))
            for table, head, slips in GROUNDS for slip in slips for _ in range(3)]  # fmt: skip


def planted(claims: list[Claim], outcome, spot: tuple[str, str, str, int]):
    """The claims of a table with one true figure changed; the changed claim."""
    table, head, slip, number = spot
    group = [claim for claim in claims if claim.table == table]
    true = [c for c in group if c.unit == head and outcome[c.id].ruling == "reproduced"
            and SLIPS[slip](c.value) != c.value]  # fmt: skip
    chosen = true[number % len(true)]
    wrong = replace(chosen, value=SLIPS[slip](chosen.value))
    changed = [wrong if claim is chosen else beside(claim, chosen, wrong) for claim in group]
    return changed, wrong


def beside(claim: Claim, chosen: Claim, wrong: Claim) -> Claim:
    """A claim of the same row is given the wrong figure too."""
    if claim.row != chosen.row or chosen.unit not in claim.given:
        return claim
    return replace(claim, given={**claim.given, chosen.unit: wrong.value})


def test_at_least_sixty_errors_are_planted():
    assert len(plants()) >= 60


@pytest.mark.parametrize("spot", plants(), ids=lambda spot: f"{spot[0]}-{spot[1]}-{spot[2]}")
def test_a_planted_error_is_found(published, outcome, spot):
    changed, wrong = planted(published, outcome, spot)
    verdict = verdicts(changed)[id(wrong)]
    assert verdict.ruling not in ("reproduced", "not as stated"), verdict.reason
    if "megatron-bridge" not in spot[0]:  # of that column a third departs from its own formula
        assert verdict.ruling == "error in the source", verdict.reason


@pytest.mark.parametrize("pair", [(0, 1), (2, 5), (3, 7), (4, 8)])
def test_figures_of_two_rows_that_changed_places(published, outcome, pair):
    group = [c for c in published if c.table == "megatron-1" and c.unit == "pflops"]
    first, second = group[pair[0]], group[pair[1]]
    swapped = {id(first): second.value, id(second): first.value}
    changed = [replace(c, value=swapped.get(id(c), c.value)) for c in group]
    found = verdicts(changed)
    for index in pair:
        verdict = found[id(changed[index])]
        assert verdict.ruling == "error in the source" and "changed places" in verdict.reason


@pytest.mark.parametrize("number", range(4))
def test_two_columns_that_changed_places(published, number):
    """Tokens per second where those of one GPU belong, and the other way round."""
    table = [c for c in published if c.table == "llm-foundry-a100-80gb"]
    whole = [c for c in table if c.unit == "tokens/s"][number]
    each = next(c for c in table if c.unit == "tokens/s/gpu" and c.row == whole.row)
    wrong = {"tokens/s": each.value, "tokens/s/gpu": whole.value}
    changed = [
        replace(c, value=wrong.get(c.unit, c.value),
                given={head: wrong.get(head, cell) for head, cell in c.given.items()})
        if c.row == whole.row else c
        for c in table
    ]  # fmt: skip
    found = verdicts(changed)
    off = [found[id(c)].ruling for c in changed if c.row == whole.row and c.unit in wrong]
    assert set(off) == {"error in the source"}


# ---------------------------------------------------------------------------------- made-up tables

HEAD = '[[language]]\nid = "t"\nsource = "a blog"\n'


@pytest.fixture
def table(tmp_path):
    def made(text: str) -> list[Claim]:
        path = tmp_path / "mine.toml"
        path.write_text(HEAD + text)
        return list(load(path).claims)

    return made


def test_a_row_follows_from_its_own_figures(table):
    claims = table("""columns = ["gpus", "tflops/gpu", "pflops", "peak", "peak share"]
rows = [["64", "150", "9.6", "A100-bf16", "48%"], ["64", "150", "96", "A100-bf16", "24%"]]
""")
    first, share, second, sparse = judged(claims)
    assert (first.ruling, share.ruling) == ("reproduced", "reproduced")  # 64 x 150 T; 150 / 312
    assert "ten times too large" in second.reason
    assert sparse.ruling == "error in the source" and "sparse peak, 624" in sparse.reason


def test_flops_from_tokens_by_the_formula_that_is_named(table):
    compute = 6 * 6_738_415_616 * 2 * 10**12  # 6 N D
    claims = table(f"""counts = "epoch"
columns = ["model", "tokens (T)", "compute"]
rows = [["llama-7b", "2.00", "{compute:.2e}"], ["llama-7b", "2.00", "{2 * compute:.2e}"]]
""")
    right, wrong = judged(claims)
    assert right.ruling == "reproduced" and right.named
    assert wrong.ruling == "error in the source" and "twice" in wrong.reason


def test_a_formula_other_than_the_one_named_is_told(table):
    flop = 6 * (6_738_415_616 - 32000 * 4096 - 65 * 4096) + 6 * 32 * 4096 * 2048
    claims = table(f"""counts = "palm"
columns = ["model", "length", "tokens/s/gpu", "tflops/gpu"]
rows = [["llama-7b", "2048", "{100_000_000}", "{flop / 10**4:.3f}"]]
""")
    (verdict,) = judged(claims)
    assert verdict.ruling == "not as stated" and verdict.named is False
    assert {"megatron-2026", "maxtext"} <= {fit.counting for fit in verdict.fits}


def test_more_than_the_machine_has(table):
    claims = table("""columns = ["model", "tokens", "peak", "gpu hours"]
rows = [["llama-7b", "1.0T", "A100-bf16", "8,243"]]
""")
    (verdict,) = judged(claims)
    assert verdict.ruling == "error in the source"
    assert "more than the machine has" in verdict.reason


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('columns = ["model"]\nrows = [["llama9-7b"]]', "no language model 'llama9-7b'"),
        ('columns = ["modle"]\nrows = [["gpt2"]]', "unknown quantity 'modle'"),
        ('columns = ["peak", "tflops/gpu"]\nrows = [["H10-bf16", "3"]]', "no peak 'H10-bf16'"),
        ('columns = ["tokens", "params"]\nrows = [["1e9"]]', "1 cells under 2 columns"),
        ('columns = ["tokens"]\nrows = [["many"]]', "no printed number"),
        ('counts = "plam"\ncolumns = ["tokens"]\nrows = [["1"]]', "did you mean 'palm'"),
        ('csv = "none.csv"\ntake = { a = "params" }', "none.csv"),
        ('columns = ["tokens"]', "rows, or a csv"),
        ('columns = ["part", "compute"]\nrows = [["MLP", "1"]]', "unknown part"),
    ],
)
def test_what_a_table_has_wrong_is_one_line(table, text, complaint):
    with pytest.raises(UserError) as raised:
        table(text)
    assert complaint in str(raised.value) and "\n" not in str(raised.value)


def test_columns_of_a_csv(tmp_path):
    (tmp_path / "f.csv").write_text("name,n,kind\nGPT-2,124439808,a\nother,5,b\n")
    path = tmp_path / "mine.toml"
    path.write_text(HEAD + 'csv = "f.csv"\nwhere = { kind = "a" }\n'
                    'take = { name = "model", n = "params" }\nmodels = { GPT-2 = "gpt2" }\n')  # fmt: skip
    (claim,) = load(path).claims
    assert claim.given["model"] == "gpt2" and judged([claim])[0].ruling == "reproduced"


def test_what_a_cell_stands_for():
    assert stands_for("params", "6.7B") == Interval(6_650_000_000, 6_750_000_000)
    assert stands_for("gpus", "512") == Interval(512, 512)
    assert stands_for("mfu", "44%").middle * 100 == 44
    assert column("tokens (B)") == ("tokens", 10**9)


# ------------------------------------------------------------------- shapes that columns describe


def layers_of(depth: int, width: int) -> int:
    """12 widths squared a layer: queries, keys, values, the output, and an MLP of four widths."""
    return 12 * depth * width**2


def test_parameters_from_the_columns_of_a_row(table):
    rows = [(10, 640), (12, 768), (24, 1024)]
    cells = ", ".join(f'["{n}", "{w}", "{layers_of(n, w)}"]' for n, w in rows)
    claims = table(f'columns = ["layers", "width", "params"]\nrows = [{cells}]')
    assert [verdict.ruling for verdict in judged(claims)] == ["reproduced"] * 3


def test_an_embedding_where_there_is_a_vocabulary(table):
    rows = [(10, 640), (12, 768), (24, 1024)]
    cells = ", ".join(f'["{n}", "{w}", "{layers_of(n, w) + 32_000 * w}"]' for n, w in rows)
    claims = table('given = { vocabulary = "32000" }\ncolumns = ["layers", "width", "params"]\n'
                   f"rows = [{cells}]")  # fmt: skip
    for verdict in judged(claims):
        assert verdict.ruling == "reproduced" and "matrices and embedding" in verdict.reason


def test_one_row_that_departs_from_its_column(table):
    rows = [(10, 640, 1), (12, 768, 1), (24, 1024, 1), (24, 2048, 1), (32, 2560, 10)]
    cells = ", ".join(f'["{n}", "{w}", "{layers_of(n, w) * f}"]' for n, w, f in rows)
    claims = table(f'columns = ["layers", "width", "params"]\nrows = [{cells}]')
    *right, wrong = judged(claims)
    assert {verdict.ruling for verdict in right} == {"reproduced"}
    assert wrong.ruling == "error in the source" and "ten times too large" in wrong.reason


def test_a_gated_mlp_with_grouped_queries(table):
    width, heads, groups, inner, depth = 4096, 32, 8, 14336, 32
    size = width // heads
    each = 2 * width * width + 2 * width * groups * size + 3 * width * inner
    whole = depth * each + 2 * 128256 * width
    claims = table(f"""given = {{ "mlp matrices" = "3", vocabulary = "128256" }}
columns = ["layers", "width", "heads", "kv heads", "mlp width", "params"]
rows = [["{depth}", "{width}", "{heads}", "{groups}", "{inner}", "{whole}"]]
""")
    (verdict,) = judged(claims)
    assert "a head of its own" in verdict.reason


def test_flops_of_a_model_that_columns_describe(table):
    depth, width, vocabulary, length = 12, 768, 50_000, 1024
    flop = 6 * (layers_of(depth, width) + vocabulary * width) + 12 * depth * width * length
    claims = table(f"""given = {{ vocabulary = "{vocabulary}", length = "{length}" }}
columns = ["layers", "width", "tokens/s/gpu", "tflops/gpu"]
rows = [["{depth}", "{width}", "{10**12}", "{flop}"]]
""")
    (verdict,) = judged(claims)
    assert "ref-full" in {fit.counting for fit in verdict.fits}


def test_layers_and_heads_that_changed_places(table):
    claims = table("""columns = ["model", "layers", "heads"]
rows = [["gpt3-2.7b", "32", "32"], ["gpt3-175b", "96", "96"], ["palm-8b", "16", "32"]]
""")
    rulings = [verdict.ruling for verdict in judged(claims)]
    assert rulings == ["reproduced"] * 4 + ["error in the source"] * 2


def test_relative_positions_have_a_matrix_in_each_layer(table):
    """As in the models of Chinchilla's table A9, which no text of it says."""
    rows = [(8, 512), (10, 640), (12, 768), (18, 1280)]
    counts = [layers_of(n, w) + n * w**2 + 32_000 * w for n, w in rows]
    cells = ", ".join(f'["{n}", "{w}", "{c}"]' for (n, w), c in zip(rows, counts, strict=True))
    claims = table(
        f'given = {{ vocabulary = "32000" }}\ncolumns = ["layers", "width", "params"]\nrows = [{cells}]'
    )
    for verdict in judged(claims):
        assert verdict.ruling == "reproduced" and "relative positions" in verdict.reason


# ------------------------------------------------------------------------------ slips of one kind

RATES = [(64, 150), (128, 140), (256, 175), (512, 160), (1024, 131)]
"""Devices, TFLOP/s of each"""


@pytest.mark.parametrize("place", range(len(RATES)))
def test_a_share_of_another_device_s_peak(table, place):
    """Of an A100's 312 TFLOP/s, where an H100's 989.4 are named."""
    peaks = [312 if here == place else 989.4 for here in range(len(RATES))]
    cells = ", ".join(f'["{n}", "{rate}", "{100 * rate / peak:.1f}%"]'
                      for (n, rate), peak in zip(RATES, peaks, strict=True))  # fmt: skip
    verdicts_ = judged(table('given = { peak = "H100-bf16" }\n'
                             f'columns = ["gpus", "tflops/gpu", "peak share"]\nrows = [{cells}]'))  # fmt: skip
    wrong = verdicts_.pop(place)
    assert wrong.ruling == "error in the source" and "peak of A100" in wrong.reason
    assert {verdict.ruling for verdict in verdicts_} == {"reproduced"}


MODELS = {"llama-7b": 6_738_415_616, "llama-13b": 13_015_864_320, "llama-33b": 32_528_943_616,
          "llama-65b": 65_285_660_672}  # fmt: skip
"""Parameters of table 2 of Touvron et al., to the last one"""


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("letter", "told"), [("B", "too large"), ("Q", "too small")])
def test_tokens_in_the_wrong_thousand(table, name, letter, told):
    tokens = {"B": "1.40B", "Q": "1400T"}[letter]
    cells = ", ".join(f'["{each}", "{tokens if each == name else "1.40T"}", "{6 * n * 1.4e12:.2e}"]'
                      for each, n in MODELS.items())  # fmt: skip
    claims = table(f'counts = "epoch"\ncolumns = ["model", "tokens", "compute"]\nrows = [{cells}]')
    for claim, verdict in zip(claims, judged(claims), strict=True):
        if claim.given["model"] == name:
            assert verdict.ruling == "error in the source"
            assert f"a thousand times {told}" in verdict.reason
        else:
            assert verdict.ruling == "reproduced"


@pytest.mark.parametrize("name", MODELS)
def test_days_for_hours(table, name):
    """At 45 % of the peak; a day of one device stands where its hours belong."""
    hours = {each: 6 * n * 10**12 / (0.45 * 312e12 * 3600) for each, n in MODELS.items()}
    cells = ", ".join(f'["{each}", "1.0T", "{h / (24 if each == name else 1):,.0f}"]'
                      for each, h in hours.items())  # fmt: skip
    claims = table('given = { peak = "A100-bf16" }\n'
                   f'columns = ["model", "tokens", "gpu hours"]\nrows = [{cells}]')  # fmt: skip
    for claim, verdict in zip(claims, judged(claims), strict=True):
        assert ("days for hours" in verdict.reason) == (claim.given["model"] == name)


# --------------------------------------------------------- what the figures of a row say of others


def only(claims: list[Claim], metric: str) -> Verdict:
    found = verdicts(claims)
    (one,) = [claim for claim in claims if claim.metric == metric]
    return found[id(one)]


@pytest.mark.parametrize(
    ("columns", "cells", "metric"),
    [
        # 1.4e12 / (2048 x 21 x 86400) = 377; 1.4e12 / (380 x 2048 x 86400) = 20.8
        ("gpus, tokens, tokens/s/gpu, days", "2048, 1.4T, 380, 21", "days"),
        ("gpus, tokens, days, tokens/s/gpu", "2048, 1.40T, 21, 377", "tokens/s/gpu"),
        ("gpus, days, gpu hours", "992, 34.0, 809472", "gpu hours"),  # 992 x 34 x 24
        ("gpus, gpu hours, days", "384, 1082880, 117.5", "days"),
        ("tokens/s/gpu, tokens, gpu hours", "24000, 300B, 3472", "gpu hours"),  # 3e11 / 24000 / 3600
        ("gpus, days, peak, mfu, compute", "1024, 57.7, 123, 56.5, 3.55E+23", "compute"),
        ("gpus, days, peak, compute, mfu", "1024, 57.7, 123, 3.55E+23, 56.5", "mfu"),
        ("gpu hours, tflops/gpu, compute", "1000000, 400, 1.44e24", "compute"),  # 3.6e9 x 4e14
        ("params, tokens, pf-days", "40.0B, 1.00T, 2778", "pf-days"),  # 6 x 4e22 / 8.64e19
        ("params, active params, tokens, compute", "671B, 37.0B, 14.8T, 3.29e24", "compute"),
        ("steps, batch, length, tokens", "143000, 1024, 2048, 299.9B", "tokens"),
        ("steps, batch tokens, tokens", "1000, 4194304, 4194304000", "tokens"),
        ("batch, length, step s, tokens/s", "768, 2048, 32.00, 49152", "tokens/s"),
        ("batch, step s, samples/s", "768, 32.00, 24.0", "samples/s"),
        ("mfu, peak, gpus, pflops", "50.0, A100-bf16, 1000, 156", "pflops"),
        ("tflops/gpu, peak, hfu, mfu", "135, A100-bf16, 43.3, 32.5", "mfu"),  # 3/4 of 43.3
        ("mfu, hfu", "32.5, 43.3", "hfu"),
        ("params, embedding params, non-embedding params", "2506M, 524M, 1982M", "non-embedding params"),
    ],
)  # fmt: skip
def test_a_figure_follows_from_those_beside_it(table, columns, cells, metric):
    heads, row = ([each.strip() for each in text.split(", ")] for text in (columns, cells))
    right = only(table(f"columns = {heads}\nrows = [{row}]".replace("'", '"')), metric)
    assert right.ruling == "reproduced", right.reason
    place = heads.index(metric)
    digits = row[place].rstrip("BMT")
    letter = row[place][len(digits) :]
    row[place] = (digits[:-2] + "31" if "e" in digits.lower() else times(10)(digits)) + letter
    wrong = only(table(f"columns = {heads}\nrows = [{row}]".replace("'", '"')), metric)
    assert wrong.ruling != "reproduced", wrong.reason


def test_all_experts_where_active_ones_are_meant(table):
    claims = table("""columns = ["params", "active params", "tokens", "compute"]
rows = [["671B", "37.0B", "14.8T", "5.96e25"]]
""")  # 6 x 671e9 x 14.8e12
    (verdict,) = judged(claims)
    assert verdict.ruling == "not as stated" and "all experts" in verdict.reason


def test_parameters_of_experts_that_columns_describe(table):
    layers, width, inner, experts, active = 32, 4096, 14336, 8, 2
    attention = width * 128 * (32 + 2 * 8) + 32 * 128 * width
    each = 3 * width * inner
    rest = layers * (attention + width * experts) + 2 * 32000 * width
    whole, met = rest + layers * experts * each, rest + layers * active * each
    claims = table(f"""given = {{ vocabulary = "32000", "mlp matrices" = "3" }}
columns = ["layers", "width", "heads", "kv heads", "mlp width", "experts", "active experts", "params", "active params"]
rows = [["32", "4096", "32", "8", "14336", "8", "2", "{whole}", "{met}"]]
""")
    assert [verdict.ruling for verdict in judged(claims)] == ["reproduced", "reproduced"]


def test_rms_norms_without_biases(table):
    """Two norms of a width in each layer, and a last one."""
    layers, width, heads, groups, size, inner = 18, 2048, 8, 1, 256, 16384
    matrices = layers * (
        width * size * (heads + 2 * groups) + heads * size * width + 3 * width * inner
    )
    whole = matrices + (2 * layers + 1) * width
    claims = table(f"""given = {{ "mlp matrices" = "3" }}
columns = ["layers", "width", "heads", "kv heads", "head size", "mlp width", "non-embedding params"]
rows = [["18", "2048", "8", "1", "256", "16384", "{whole}"]]
""")
    verdict = only(claims, "non-embedding params")
    assert verdict.ruling == "reproduced" and "RMS norms" in verdict.reason


def test_heads_that_are_wider_together_than_the_model(table):
    """4096 for a width of 3072: the parameters tell that it is meant."""
    layers, width, heads, size, inner = 28, 3072, 16, 256, 24576
    whole = layers * (4 * width * heads * size + 3 * width * inner) + (2 * layers + 1) * width
    rows = f"""given = {{ "mlp matrices" = "3" }}
columns = ["layers", "width", "heads", "head size", "mlp width", "params"]
rows = [["28", "3072", "16", "256", "24576", "{whole}"]]
"""
    assert only(table(rows), "width").ruling == "reproduced"
    alone = table('columns = ["heads", "head size", "width"]\nrows = [["16", "256", "3072"]]')
    assert judged(alone)[0].ruling == "unexplained"


def test_a_vocabulary_of_an_earlier_model_explains_a_whole_column_or_nothing(table):
    """117M, 345M, 762M and 1542M: GPT-2's layers and positions with GPT's 40,478 tokens."""
    head = 'given = { vocabulary = "50257", length = "1024" }\ncolumns = ["layers", "width", "params"]\n'
    printed = [(12, 768, "117M"), (24, 1024, "345M"), (36, 1280, "762M"), (48, 1600, "1542M")]
    for depth, width, cell in printed:
        whole = layers_of(depth, width) + 13 * depth * width + 2 * width + (40478 + 1024) * width
        assert f"{whole / 1e6:.0f}M" == cell
    rows = ", ".join(f'["{n}", "{w}", "{cell}"]' for n, w, cell in printed)
    for verdict in judged(table(f"{head}rows = [{rows}]")):
        assert verdict.ruling == "not as stated" and "40,478" in verdict.reason
    alone = judged(table(f'{head}rows = [["36", "1280", "762M"]]'))
    assert [verdict.ruling for verdict in alone] == ["unexplained"]


def test_relative_positions_are_as_wide_as_the_heads(table):
    """22 heads of 128 in a width of 2688: RMS norms, biases of every product."""
    layers, width, heads = 36, 2688, 22 * 128
    matrices = layers * (5 * width * heads + 8 * width**2) + 32_000 * width
    biases = layers * (3 * heads + width + 5 * width)
    whole = matrices + biases + (2 * layers + 1) * width
    claims = table(f"""given = {{ vocabulary = "32000" }}
columns = ["layers", "width", "heads", "head size", "params"]
rows = [["36", "2688", "22", "128", "{whole}"]]
""")
    assert f"{whole / 1e6:,.0f}" == "3,530"  # as table A9 of arXiv:2203.15556 prints it
    assert only(claims, "params").ruling == "reproduced"


# ------------------------------------------------------------------ what is planted, by what it is


@pytest.mark.parametrize(
    ("columns", "cells", "metric", "words"),
    [
        ("model, params", "mixtral-8x7b, 12.9B", "params", "active parameters"),
        ("tflops/gpu, peak, mfu, hfu", "135, A100-bf16, 43.3, 32.5", "mfu", "more than the HFU"),
        ("gpus, days, gpu hours", "384, 117.5, 1802880", "gpu hours", "1082880"),
        ("params, tokens, compute", "70.0B, 1.40T, 2.94e23", "compute", "half of what"),
        ("params, tokens, compute", "70.0B, 1.40B, 5.88e23", "compute", "a thousand times"),
        ("params, tokens, pf-days", "40.0B, 1.00T, 27780", "pf-days", "ten times too large"),
        ("layers, width, params", "24, 2048, 1,206,802,624", "params", "1208602624"),
    ],
)  # fmt: skip
def test_a_slip_is_named(table, columns, cells, metric, words):
    heads, row = (text.split(", ") for text in (columns, cells))
    verdict = only(table(f"columns = {heads}\nrows = [{row}]".replace("'", '"')), metric)
    assert words in verdict.reason and verdict.ruling in ("error in the source", "not as stated")


def test_what_no_column_agrees_on_is_no_error(table):
    """A total above 6 N D may count attention: nothing in the row says what it counts."""
    claims = table(
        'columns = ["params", "tokens", "compute"]\nrows = [["111M", "2.22e9", "1.7e18"]]'
    )
    assert judged(claims)[0].ruling == "unexplained"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('columns = ["tokens"]\nrows = [["1e400"]]', "from 1e-12 to 1e36"),
        ('columns = ["layers", "width"]\nrows = [["1.5", "8"]]', "a whole number"),
        ('columns = ["params (B)", "params (M)"]\nrows = [["1", "2"]]', "'params' is given more than once"),
        ('columns = ["part", "forward macs"]\nrows = [["MLPs", "1"]]', "a column 'model' is missing"),
        ('columns = ["params"]\nrows = [["-"]]', "no cell holds a figure"),
        ('take = { a = "params" }\ncolumns = ["params"]\nrows = [["1"]]', "both, or neither"),
        ('columns = ["mfu", "recomputed"]\nrows = [["40", "perhaps"]]', "neither of true, yes"),
        ('columns = ["peak", "tflops/gpu"]\nrows = [["H100", "3"]]', "names no number type: H100-bf16"),
        ('columns = ["layers", "width", "heads", "kv heads", "params"]\nrows = [["2", "512", "8", "3", "1"]]',
         "row 1: 8 heads do not share 3 kv heads evenly"),
        ('columns = ["layers", "width", "experts", "active experts", "params"]\nrows = [["2", "64", "8", "9", "1"]]',
         "more experts are active"),
        ('columns = ["layers", "width", "head size", "params"]\nrows = [["2", "32", "64", "1"]]',
         "row 1: heads of 64 do not fit into a width of 32"),
    ],
)  # fmt: skip
def test_a_figure_that_no_model_can_have_is_one_line(table, text, complaint):
    with pytest.raises(UserError) as raised:
        table(text)
    assert complaint in str(raised.value) and "\n" not in str(raised.value)


BLOOM = [
    ["559,214,592", "24", "1024", "16"], ["1,065,314,304", "24", "1536", "16"],
    ["1,722,408,960", "24", "2048", "16"], ["3,002,557,440", "30", "2560", "32"],
]  # fmt: skip


def test_a_norm_after_the_embedding(table):
    """Bloom has one: two widths more than the norms and biases of a GPT."""
    width, layers = 1024, 24
    whole = layers * (12 * width**2 + 13 * width) + 2 * width + 250880 * width + 2 * width
    assert whole == 559_214_592
    claims = table(f"""given = {{ vocabulary = "250880" }}
columns = ["params", "layers", "width", "heads"]
rows = {BLOOM}
""")
    assert {each.ruling for each in judged(claims)} == {"reproduced"}
    swapped_digits = [["559,241,592", *BLOOM[0][1:]], *BLOOM[1:]]
    first = judged(table(f"""given = {{ vocabulary = "250880" }}
columns = ["params", "layers", "width", "heads"]
rows = {swapped_digits}
"""))[0]  # fmt: skip
    assert first.ruling == "error in the source" and "559214592" in first.reason


BEFORE_A_LETTER = [
    ("params", ["layers", "width", "heads"], ["71B", "78", "4256", "28"], "17B"),  # 78 x 12 x 4256^2
    ("params", ["layers", "width", "heads"], ["350B", "105", "20480", "128"], "530B"),
    ("params", ["layers", "width", "heads", "mlp width", "mlp matrices", "kv heads", "vocabulary"],
     ["43B", "60", "7168", "56", "20480", "3", "8", "64000"], "34B"),
]  # fmt: skip


@pytest.mark.parametrize(("metric", "columns", "cells", "meant"), BEFORE_A_LETTER)
def test_digits_that_changed_places_before_a_letter(table, metric, columns, cells, meant):
    (verdict,) = judged(table(f"columns = {[metric, *columns]}\nrows = [{cells}]\n"))
    assert verdict.ruling == "error in the source"
    assert f"two digits changed places: {meant}" in verdict.reason


@pytest.mark.parametrize("wrong", ["94.15", "41.95", "49.51"])
def test_digits_that_changed_places_around_a_point(table, wrong):
    """12 x 10 x 640^2 are 49.15 million."""
    rows = [["10", "640", wrong], ["12", "768", "84.93"], ["24", "1024", "301.99"]]
    first, *others = judged(table(f'columns = ["layers", "width", "params (M)"]\nrows = {rows}\n'))
    assert first.ruling == "error in the source"
    assert "two digits changed places: 49.15" in first.reason
    assert {each.ruling for each in others} == {"reproduced"}


@pytest.mark.parametrize("name", ["mfu", "hfu", "peak share"])
def test_no_share_is_above_the_peak(table, name):
    """Whether or not the row says what it follows from."""
    (verdict,) = judged(table(f'columns = ["label", "{name}"]\nrows = [["a", "112%"]]\n'))
    assert verdict.ruling == "error in the source"
    assert verdict.reason == "more than the machine has"


def test_beside_another_width_the_hidden_one_is_the_mlps(table):
    """Mistral's table: 32 (4096 (2 x 4096 + 2 x 1024) + 3 x 4096 x 14336) + 2 x 32000 x 4096 is 7.24e9."""
    heads = [
        "params",
        "dim",
        "n_layers",
        "head_dim",
        "hidden_dim",
        "n_heads",
        "n_kv_heads",
        "vocab_size",
    ]
    cells = ["7.24B", "4096", "32", "128", "14336", "32", "8", "32000"]
    claims = table(f'given = {{ "mlp matrices" = "3" }}\ncolumns = {heads}\nrows = [{cells}]\n')
    assert {each.ruling for each in judged(claims)} == {"reproduced"}
    plain = table('columns = ["params", "layers", "hidden_dim"]\nrows = [["1.5B", "48", "1600"]]\n')
    assert judged(plain)[0].ruling == "reproduced"  # alone, it is the model's: 48 x 12 x 1600^2


@pytest.mark.parametrize(
    ("column", "right", "wrong"),
    [("kv heads", "8", "64"), ("head size", "128", "182"), ("mlp width", "28672", "26872")],
)
def test_sizes_beside_a_model_that_is_known(table, column, right, wrong):
    rows = [["llama2-70b", right], ["llama2-70b", wrong]]
    first, second = judged(table(f'columns = ["model", "{column}"]\nrows = {rows}\n'))
    assert (first.ruling, second.ruling) == ("reproduced", "error in the source")
    assert "the shape of llama2-70b gives" in second.reason
