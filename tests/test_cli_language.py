"""``formulas``, ``mfu`` and their lists as a user types them; what is wrong ends in one line."""

from __future__ import annotations

import json

import pytest

from commands import typed

ASKED = ("--model", "llama-3-8b", "--tokens-per-second", "23200", "--gpus", "8")


def test_all_formulas_beside_the_reference():
    ended = typed("formulas", "llama2-7b", "--length", "4096")
    assert ended.code == 0
    for word in ("ref-full", "46,084,915,200", "megatron-2026", "42,863,689,728", "0.9301",
                 "half of the square −3.22 G", "not covered: it is for an MLP of two matrices",
                 "cache of keys and values", "decode, one step"):  # fmt: skip
        assert word in ended.out


def test_one_formula_term_by_term():
    ended = typed("formulas", "gpt2", "--formula", "palm")
    terms = ("the reference", "854,438,400", "+4,718,592", "residual", "859,885,056")
    assert ended.code == 0 and all(word in ended.out for word in terms)


def test_a_batch_and_a_training_run():
    ended = typed("formulas", "gpt2", "--batch", "8", "--tokens", "300e9", "--formula",
                  "epoch,palm", "--json")  # fmt: skip
    said = json.loads(ended.out)
    assert said["schema"] == "formulas/1" and said["tokens"] == 300 * 10**9 and said["batch"] == 8
    epoch, palm = said["formulas"]
    assert epoch["reading"] == 6 * 124_439_808 and epoch["residual"] == palm["residual"] == 0
    assert [phase["name"] for phase in said["phases"]] == [
        "training step", "prefill", "decode, one step"
    ]  # fmt: skip


def test_what_bounds_each_phase():
    said = json.loads(typed("formulas", "llama3-8b", "--peak", "H100-bf16", "--json").out)
    bounds = [phase["bound"] for phase in said["phases"]]
    assert bounds == ["compute", "compute", "memory"]
    decode = said["phases"][-1]
    read = 2 * (8_030_261_248 - 128256 * 4096) + 2 * 8192 * 32 * 2048
    assert decode["bytes"] == read and decode["seconds"] == pytest.approx(read / 3.35e12)


def test_formulas_by_commit():
    ended = typed("formulas", "llama2-7b", "--drift")
    assert ended.code == 0
    for word in ("Megatron-LM", "8873b55d^", "−6.99 %", "half of the square −3.22 G", "cookbook"):
        assert word in ended.out


def test_utilisation_by_every_formula():
    ended = typed("mfu", *ASKED, "--peak", "H100-bf16", "--length", "8192")
    flop = 6 * (8_030_261_248 - 128256 * 4096) + 12 * 32 * 4096 * 8192  # torchtitan's
    assert ended.code == 0 and f"{100 * flop * 2900 / 989.4e12:.2f} %" in ended.out
    assert "2,900 each" in ended.out and "a factor of" in ended.out and "HFU" in ended.out


def test_a_small_share_has_as_many_digits_as_a_large_one():
    words = ("--tokens-per-second", "1", "--peak", "H100-bf16", "--length", "8192")
    flop = 6 * (8_030_261_248 - 128256 * 4096) + 12 * 32 * 4096 * 8192
    out = typed("mfu", "--model", "llama3-8b", *words).out
    assert f"{100 * flop / 989.4e12:.6f} %" in out and "0.00 %" not in out


def test_a_rate_of_one_device_is_that_of_all_divided():
    whole = json.loads(typed("mfu", *ASKED, "--peak", "H100-bf16", "--json").out)
    words = ("mfu", "--model", "llama3-8b", "--tokens-per-second", "2,900", "--per-gpu", "--gpus",
             "8", "--peak", "H100-bf16", "--json")  # fmt: skip
    assert json.loads(typed(*words).out)["utilisation"] == whole["utilisation"]


def test_how_long_a_run_takes():
    ended = typed("mfu", *ASKED, "--peak", "H100-bf16", "--tokens", "1e12", "--formula", "palm")
    assert f"{1e12 / 23200 / 86400:,.1f} days" in ended.out


def test_counts_with_a_letter_behind_them():
    words = ("mfu", "--model", "gpt2", "--peak", "H100-bf16", "--formula", "palm")
    short = typed(*words, "--tokens-per-second", "24k", "--tokens", "1.5T")
    assert short.out == typed(*words, "--tokens-per-second", "24,000", "--tokens", "1.5e12").out


def test_a_sparse_peak_by_name_is_marked():
    ended = typed("mfu", *ASKED, "--peak", "H100-bf16-sparse")
    assert ended.code == 0 and "sparse peak 1,978.9 TFLOP/s" in ended.out


def test_more_than_the_peak_is_said():
    words = ("mfu", "--model", "llama3-8b", "--tokens-per-second", "290000", "--peak", "H100-bf16")
    assert "More than the peak" in typed(*words).out


@pytest.mark.parametrize("what", ["formulas", "shapes", "peaks"])
def test_lists(what):
    ended = typed("list", what)
    assert ended.code == 0 and {"formulas": "korthikanti", "shapes": "llama3-405b",
                                "peaks": "TPU-v5p-bf16"}[what] in ended.out  # fmt: skip


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("formulas", "lama3-8b"), "did you mean 'llama3-8b'"),
        (("formulas", "meta-llama/Llama-3.1-8B"), "is a place on the net"),
        (("formulas", "mine.toml"), "mine.toml"),
        (("formulas", "gpt2", "--length", "2048"), "gpt2 has 1,024 learned positions"),
        (("formulas", "gpt2", "--length", "2048", "--extend"), "learned positions"),
        (("formulas", "llama3-8b", "--length", "9000"), "8,192 positions"),
        (("formulas", "llama3-8b", "--length", "0"), "a length of 0"),
        (("formulas", "llama3-8b", "--formula", "korthikanti"), "does not cover llama3-8b"),
        (("formulas", "llama3-8b", "--formula", "plam"), "did you mean 'palm'"),
        (("formulas", "gpt2", "--tokens", "many"), "is no number"),
        (("formulas", "gpt2", "--tokens", "0.5"), "no count of tokens"),
        (("formulas", "gpt2", "--dtype", "bf17"), "did you mean 'bf16'"),
        (("formulas", "gpt2", "--optimizer", "adan"), "did you mean 'adam'"),
        (("mfu", *ASKED), "without a device"),
        (("mfu", *ASKED, "--peak", "H10-bf16"), "no peak 'H10-bf16'"),
        (("mfu", *ASKED, "--peak", "1979e12"), "H100-bf16-sparse"),
        (("mfu", *ASKED, "--peak", "624e12"), "A100-bf16-sparse"),
        (("formulas", "tests/"), "'tests/' is a folder: name the config.json in it"),
        (("mfu", *ASKED, "--peak", "3957.8e12"), "H100-fp8-sparse"),
        (("mfu", *ASKED, "--peak", "3026e12"), "-fp8-sparse"),
        (("mfu", *ASKED, "--peak", "1978.9e12"), "as a dense peak it is H100-fp8"),
        (("mfu", *ASKED, "--peak", "989 TFLOP/s"), "FLOP/s as a number such as 989e12"),
        (("mfu", *ASKED, "--peak", "H100"), "names no number type: H100-bf16"),
        (("formulas", "https://huggingface.co/meta-llama/Llama-3.1-8B"), "is a place on the net"),
        (("formulas", "gpt2", "--tokens", ""), "is no number"),
        (("mfu", *ASKED, "--peak", "989"), "given in FLOP/s"),
        (("mfu", *ASKED, "--peak", "H100-bf16", "--formula", "vllm-decode"), "no MFU of training"),
        *(
            (
                ("mfu", "--model", "gpt2", "--tokens-per-second", rate, "--peak", "H100-bf16"),
                "above 0",
            )
            for rate in ("0", "1e-400", "1e400")
        ),
        (("mfu", "--model", "gpt2", "--tokens-per-second", "x", "--peak", "H100-bf16"), "'x'"),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_2(words, complaint):
    ended = typed(*words)
    assert ended.code == 2 and complaint in ended.err and ended.out == ""
    assert len(ended.err.strip().splitlines()) == 1


def test_a_length_beyond_the_model_on_request():
    ended = typed("formulas", "llama3-8b", "--length", "131072", "--extend", "--formula", "palm")
    assert ended.code == 0 and "residual" in ended.out


@pytest.mark.parametrize(
    "words", [("formulas", "llama3-8b"), ("mfu", *ASKED, "--peak", "H100-bf16")]
)
def test_brackets_are_told_above_the_figures_and_stand_where_a_formula_does_not_cover(words):
    """Kaplan's literal formula is for an MLP of two matrices, Llama has three; PaLM's covers it."""
    title, _, rows = typed(*words, "--length", "8192").out.partition("\n\n")
    kaplan, palm = (next(line for line in rows.splitlines() if line.split()[:1] == [name])
                    for name in ("kaplan-literal", "palm"))  # fmt: skip
    assert "in brackets" in title
    assert "(" in kaplan and "(" not in palm
    covered = typed(*words, "--length", "8192", "--formula", "palm").out
    assert "in brackets" not in covered
