"""Planted claims get the verdict they deserve, about models that are in none of our files."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest

from flop_harness import cli
from flop_harness.audit import audit
from flop_harness.audit.claims import load
from flop_harness.audit.jobs import asked_first, jobs_of
from flop_harness.audit.verdicts import odds
from flop_harness.errors import UserError
from flop_harness.records import Case, Claim, Fit, Verdict
from flop_harness.report.analysis.audit import Entry
from flop_harness.report.analysis.audit import row as columns_of
from flop_harness.store import AUDIT_FILE, load_audit

NETS = """
import torch
from torch import nn

class Net(nn.Module):
    '''Two convolutions on (3, side, side), a pool to one pixel, a linear layer.'''

    def __init__(self, width=8, bias=False):
        super().__init__()
        self.first = nn.Conv2d(3, width, 3, padding=1, bias=bias)
        self.second = nn.Conv2d(width, 2 * width, 3, padding=1, bias=bias)
        self.fc = nn.Linear(2 * width, 10, bias=bias)

    def forward(self, x):
        return self.fc(self.act(self.second(self.first(x))).mean((2, 3)))

    def act(self, x):
        return torch.relu(x)

class Normed(Net):
    def __init__(self, width=8):
        super().__init__(width)
        self.norm = nn.BatchNorm2d(2 * width)

    def act(self, x):
        return self.norm(x)
"""
SIDE = 32


def macs(width: int = 8, side: int = SIDE, batch: int = 1) -> int:
    convolutions = (27 * width + 9 * width * 2 * width) * side * side
    return batch * (convolutions + 2 * width * 10)


def params(width: int = 8) -> int:
    return 27 * width + 9 * width * 2 * width + 2 * width * 10


@pytest.fixture
def judged(tmp_path):
    """Verdicts by claim id of a file of claims about those nets."""
    (tmp_path / "nets.py").write_text(NETS)

    def judge(text: str) -> dict:
        path = tmp_path / "mine.toml"
        path.write_text(f'source = "planted"\ninputs = [[1, 3, {SIDE}, {SIDE}]]\n{text}')
        done = audit([load(path)], tmp_path)
        return {verdict.claim: verdict for verdict in done.verdicts}

    return judge


@pytest.fixture
def verdict(judged):
    """The verdict on one figure of ``Net``."""

    def of(value: str, unit: str, more: str = "") -> object:
        text = f'[[claim]]\nmodel = "nets.py:Net"\nvalue = "{value}"\nunit = "{unit}"\n{more}'
        (found,) = judged(text).values()
        return found

    return of


def table(columns: str, *rows: str) -> str:
    lines = "".join(f"  [{row}],\n" for row in rows)
    return (
        f'[[table]]\nid = "t"\nmodel = "nets.py:Net"\ncolumns = [{columns}]\nrows = [\n{lines}]\n'
    )


BIAS = "{ bias = true }"


def net(width: int) -> str:
    return f"{{ width = {width} }}"


# ----------------------------------------------------------------------------------- as stated


def test_an_exact_figure_is_reproduced_exactly(verdict):
    found = verdict(f"{macs():,}", "MACs", 'counts = "macs"')
    assert found.ruling == "reproduced" and found.named
    assert all(fit.exact and fit.value == macs() for fit in found.fits)


def test_flops_are_twice_the_macs(verdict):
    found = verdict(str(2 * macs()), "FLOPs")
    assert found.ruling == "reproduced"
    assert {fit.counting for fit in found.fits} >= {"flops", "macs", "torch"}


def test_a_rounded_figure_is_reproduced_to_its_precision(verdict):
    found = verdict(f"{macs() / 1e6:.2f}", "MMACs", 'counts = "macs"')
    assert found.ruling == "reproduced" and not found.fits[0].exact
    assert abs(found.fits[0].gap) < 0.005 / (macs() / 1e6)


def test_flops_that_the_author_defines_as_multiply_adds_are_as_stated(verdict):
    found = verdict(str(macs()), "FLOPs", 'counts = "macs"')
    assert found.ruling == "reproduced" and found.named


def test_parameters_of_a_layer_and_their_share(judged):
    own, whole = 9 * 8 * 16, params()
    found = judged(table(
        '"layer", "params", "params (%)", "compute (%)"',
        f'"second", "{own}", "{100 * own / whole:.3f}", "{100 * own * SIDE**2 / macs():.3f}"',
    ))  # fmt: skip
    assert {each.ruling for each in found.values()} == {"reproduced"}


@pytest.mark.parametrize("counts", ["", 'counts = "torchinfo"\n', 'counts = "macs"\n'])
def test_the_shape_of_an_output_is_right_or_wrong(judged, counts):
    """Whoever is said to have counted: the first prices of a model that names one are no shapes."""
    rows = ('"first", "[1, 8, 32, 32]"', '"fc", "(1, 1000)"', '"", "1x10"')
    found = judged(table('"layer", "output"', *rows) + counts)
    assert [each.ruling for each in found.values()] == [
        "reproduced", "error in the source", "reproduced",
    ]  # fmt: skip


# -------------------------------------------------------------------------------- not as stated


def test_the_right_figure_in_the_wrong_unit(verdict):
    found = verdict(f"{macs() / 1e6:.3f}", "MFLOPs")
    assert found.ruling == "not as stated"
    assert found.fits[0].departures == ("MACs called FLOPs",)


def test_another_convention_than_the_one_that_is_named(verdict):
    biased = macs() + 8 * SIDE**2 + 16 * SIDE**2 + 10
    found = verdict(str(biased), "MACs", 'kwargs = { bias = true }\ncounts = "macs"')
    assert found.ruling == "not as stated" and found.named is False
    assert "macs-bias" in {fit.counting for fit in found.fits}
    assert found.reason.startswith("not counted as macs does")


def test_another_input_size(verdict):
    found = verdict(str(macs(side=64)), "MACs")
    assert found.ruling == "not as stated" and "on images of 64 x 64" in found.reason
    assert {fit.inputs for fit in found.fits} == {"1x3x64x64"}


def test_another_input_size_where_none_is_stated(judged):
    """resnet18 on 256 x 256, by scaling: its maps are (8/7)^2 as large, its linear layer is not."""
    at_224 = 1_814_073_344
    linear = 512 * 1000
    figure = (at_224 - linear) * 64 // 49 + linear
    (found,) = judged(
        f'[[claim]]\nmodel = "torchvision:resnet18"\ninputs = []\nvalue = "{figure}"\nunit = "MACs"\n'
    ).values()
    assert found.ruling == "not as stated" and "on images of 256 x 256" in found.reason


@pytest.mark.parametrize(("stated", "meant"), [(4, 3), (1, 4), (1, 32), (2, 64)])
def test_one_batch_for_another(verdict, stated, meant):
    found = verdict(str(macs(batch=meant)), "MACs", f"inputs = [[{stated}, 3, {SIDE}, {SIDE}]]\n")
    assert found.ruling == "not as stated" and f"for a batch of {meant}:" in found.reason
    assert {fit.inputs for fit in found.fits} == {f"{meant}x3x{SIDE}x{SIDE}"}


def test_three_times_the_figure_of_one_sample_is_a_step_of_training(verdict):
    """Rather than a batch of three, where one is stated."""
    found = verdict(str(3 * macs()), "MACs", f"inputs = [[1, 3, {SIDE}, {SIDE}]]\n")
    assert found.ruling == "not as stated" and "forward and backward pass" in found.reason


def test_a_batch_of_four_in_three_digits(verdict):
    """Images of twice the side have four times the positions: as good an explanation."""
    figure = 8 * macs() / 1e6
    found = verdict(f"{figure:.2f}", "MFLOPs", f"inputs = [[1, 3, {SIDE}, {SIDE}]]\n")
    assert found.ruling == "not as stated" and found.ambiguous
    assert "for a batch of 4" in found.reason and "on images of 64 x 64" in found.reason


def test_the_figure_of_one_sample_of_a_batch(verdict):
    """Also what an old torchinfo says, which leaves the batch out: that explains less simply."""
    found = verdict(str(macs()), "MACs", f"inputs = [[4, 3, {SIDE}, {SIDE}]]\n")
    assert found.ruling == "not as stated" and "of one sample" in found.reason
    assert "macs" in {fit.counting for fit in found.fits}
    assert {fit.inputs for fit in found.fits} == {f"1x3x{SIDE}x{SIDE}"}


def test_a_figure_that_was_cut_off(verdict):
    cut = int(macs(12) / 1e5) / 10
    assert round(macs(12) / 1e6, 1) != cut
    found = verdict(f"{cut}", "MMACs", 'kwargs = { width = 12 }\ncounts = "macs"')
    assert found.ruling == "not as stated" and "cut off" in found.reason


def test_a_column_of_gibibytes_called_gigabytes(judged):
    widths = (8, 16, 64)
    rows = [f'{net(w)}, "{4 * params(w) / 2**10:.2f}"' for w in widths]
    found = judged(table('"kwargs", "size (kB)"', *rows))
    assert {each.ruling for each in found.values()} == {"not as stated"}
    assert all("2^10" in each.reason for each in found.values())


def test_a_prefix_has_one_meaning_in_a_column(judged):
    """One cell would fit in powers of two, but the others do not: it stays unexplained."""
    rows = [f'{net(w)}, "{params(w) / 1e3:.3f}"' for w in (8, 64, 128)]
    odd = f'{net(16)}, "{params(16) / 2**10:.3f}"'
    *others, last = judged(table('"kwargs", "params (K)"', *rows, odd)).values()
    assert {each.ruling for each in others} == {"reproduced"}
    assert last.ruling == "unexplained"


def test_forward_and_backward(verdict):
    found = verdict(str(3 * 2 * macs()), "FLOPs", 'counts = "flops"')
    assert found.ruling == "not as stated" and "backward" in found.reason


def test_what_a_tool_says_of_an_unbatched_image(judged):
    """thop takes the second dimension for the channels: the side of an unbatched image."""
    layer = 'model = "torch.nn:Conv2d"\nkwargs = { in_channels = 3, out_channels = 4, kernel_size = 3, stride = 3 }'
    seen = 4 * 3 * 3 * (9 * 9)  # output elements x side x kernel
    (found,) = judged(
        f'[[claim]]\n{layer}\ninputs = [[1, 3, 9, 9]]\ncounts = "thop"\nvalue = "{seen}.0"\nunit = "MACs"\n'
    ).values()
    assert found.ruling == "not as stated" and "without a batch dimension" in found.reason
    assert {fit.counting for fit in found.fits} == {"thop"}


def test_a_figure_that_was_rounded_up(verdict):
    up = params(64) // 100 + 1
    assert round(params(64) / 100) != up
    found = verdict(f"{up / 10:.1f}", "K params", "kwargs = { width = 64 }")
    assert found.ruling == "not as stated" and found.reason.startswith("rounded up: params")


def test_a_single_digit_is_not_rounded_up(verdict):
    assert params(10) == 2270
    found = verdict("3", "K params", "kwargs = { width = 10 }")
    assert "rounded up" not in found.reason and not any(fit.value == 2270 for fit in found.fits)


def test_sizes_in_powers_of_two_and_of_ten(judged):
    found = judged("".join(
        f'[[claim]]\nid = "{unit}"\nmodel = "nets.py:Net"\nvalue = "{value:.3f}"\nunit = "{unit}"\n'
        for unit, value in (("KiB", 4 * params(64) / 2**10), ("kB", 4 * params() / 2**10))
    ))  # fmt: skip
    assert found["KiB"].ruling == "error in the source"  # 64 times the parameters of this width
    assert found["kB"].ruling == "not as stated" and "2^10" in found["kB"].reason


def by_thop(width: int = 8) -> int:
    """``Normed``: 4 for each element that is normalised, beside the products."""
    return macs(width) + 4 * 2 * width * SIDE**2


def test_rules_of_a_tool_that_is_not_named(judged):
    claim = f'[[claim]]\nmodel = "nets.py:Normed"\nvalue = "{by_thop()}"\nunit = "MACs"\n'
    silent, named = judged(f'{claim}id = "a"\n{claim}id = "b"\ncounts = "thop"\n').values()
    assert silent.ruling == "not as stated" and silent.reason.startswith("by rules of a tool's own")
    assert "thop" in {fit.counting for fit in silent.fits}
    assert named.ruling == "reproduced"


def test_a_column_is_counted_one_way(judged):
    """Two digits by a tool's own rules fit too much by chance, but not in each of five rows."""
    rows = [f'{net(w)}, "{by_thop(w) / 1e6:.2g}"' for w in (8, 9, 10, 11, 12)]
    text = table('"kwargs", "FLOPs (M)"', *rows).replace("nets.py:Net", "nets.py:Normed")
    column = judged(text).values()
    assert {each.ruling for each in column} == {"not as stated"}
    assert all("thop" in {fit.counting for fit in each.fits} for each in column)
    alone = (
        f'[[claim]]\nmodel = "nets.py:Normed"\nvalue = "{by_thop() / 1e6:.2g}"\nunit = "MFLOPs"\n'
    )
    (single,) = judged(alone).values()
    assert single.ruling == "unexplained" and "made-up figures" in single.reason


def test_odds_are_told_in_words():
    assert [odds(share) for share in (0.07, 0.25, 0.5, 0.9)] == [
        "1 in 14",
        "1 in 4",
        "1 in 2",
        "most",
    ]


def test_what_a_way_of_counting_gives_stands_in_the_unit_of_the_figure():
    """32,015,744 MACs are 0.032 G, 6.3 % above what is printed as 0.03."""
    case = Case("a", "m:a", kwargs={"width_mult": 0.75, "fused": False, "depths": [2, 2]})
    claim = Claim("a", "mine", "", "compute", "0.03", "GMACs", case)
    fit = Fit("fvcore", 32_015_744, "MAC", "", gap=0.03 / 0.032015744 - 1)
    made = columns_of(Entry(claim, Verdict("a", "reproduced", "", (fit,))))
    assert made["gives"] == pytest.approx(0.032015744) and made["variant"] == "width_mult=0.75"
    assert columns_of(Entry(claim, Verdict("a", "unexplained", "")))["gives"] is None
    words = replace(claim, value="", holds="a.macs > b.macs")
    assert columns_of(Entry(words, Verdict("a", "reproduced", "", (fit,))))["gives"] is None


def test_filled_up_zeros_make_a_figure_less_precise(verdict):
    """13,000,000 printed for 13 million: some image size gives that to two digits, as it may any."""
    figure = int(float(f"{macs(side=96):.2g}"))
    found = verdict(str(figure), "MACs", 'counts = "macs"')
    assert found.ruling == "unexplained" and found.chance > 0.05


def test_a_part_stands_for_the_whole_only_where_the_source_names_it(verdict):
    """(3 x 32 - 2)^2 of the 9 x 32^2 taps of a plane meet data, the rest the zeros around it."""
    zeros = (9 * SIDE**2 - (3 * SIDE - 2) ** 2) * (3 * 8 + 8 * 16)
    assert verdict(str(zeros), "MACs", 'counts = "padding"').ruling == "reproduced"
    silent = verdict(str(zeros), "MACs")
    assert "padding" not in {fit.counting for fit in (*silent.fits, *silent.nearest)}


def test_nearly_all_may_stand_for_the_whole_and_is_told(verdict):
    """Its convolutions are all but 160 of 1,400,992."""
    found = verdict(str(macs() - 160), "MACs")
    assert found.ruling == "not as stated" and found.reason.startswith("convolutions alone")


# -------------------------------------------------------------------------- errors in the source


def test_two_models_figures_swapped(judged):
    rows = (
        f'{net(8)}, "{macs(16) / 1e6:.3f}"',
        f'{net(16)}, "{macs(8) / 1e6:.3f}"',
        f'{net(64)}, "{macs(64) / 1e6:.3f}"',
    )
    *swapped, right = judged(table('"kwargs", "compute (MMACs)"', *rows)).values()
    assert {each.ruling for each in swapped} == {"error in the source"}
    assert all(each.reason.startswith("rows swapped") for each in swapped)
    assert right.ruling == "reproduced"


def test_two_columns_swapped(judged):
    row = f'"{macs() / 1e3:.2f}", "{params() / 1e3:.3f}"'
    found = judged(table('"params (K)", "compute (KMACs)"', row))
    assert {each.ruling for each in found.values()} == {"error in the source"}
    assert all(each.reason.startswith("columns swapped") for each in found.values())


def test_the_figure_of_another_model_of_the_table(judged):
    rows = (f'{net(8)}, "{params(64)}"', f'{net(64)}, "{params(64)}"')
    wrong, right = judged(table('"kwargs", "params"', *rows)).values()
    assert wrong.ruling == "error in the source" and "another model" in wrong.reason
    assert right.ruling == "reproduced"


def test_two_figures_for_one_thing(judged):
    found = judged(table('"params (K)", "params"', f'"{params() / 1e3:.2f}", "{params() + 70}"'))
    right, wrong = found.values()
    assert right.ruling == "reproduced"
    assert wrong.ruling == "error in the source" and "two different figures" in wrong.reason


def test_two_digits_have_changed_places(verdict):
    text = f"{params(8):d}"  # 1528
    turned = text[0] + text[2] + text[1] + text[3]
    assert verdict(turned, "params").reason.startswith("two digits have changed places")


def test_two_digits_have_changed_places_across_the_point(verdict):
    text = f"{params(8) / 1e3:.3f}"
    assert text == "1.528"
    found = verdict("5.128", "K params")
    assert found.ruling == "error in the source" and "places: 1.528" in found.reason


@pytest.mark.parametrize(
    ("value", "unit", "reason"),
    [
        (f"{macs() / 1e6:.4f}", "GMACs", "1,000 times too large: 0.001401 GMACs would be macs"),
        (f"{2 * macs() / 1e5:.2f}", "MFLOPs", "10 times too large: 2.802 MFLOPs would be flops"),
        (f"{macs() / 1e7:.4f}", "MMACs", "10 times too small: 1.401 MMACs would be macs"),
        (f"{params() / 1e3}", "M params", "1,000 times too large: 0.001528 M params would be params"),
    ],
)  # fmt: skip
def test_a_figure_a_power_of_ten_away_says_so(verdict, value, unit, reason):
    found = verdict(value, unit)
    assert found.ruling == "error in the source"
    assert found.reason == reason


def test_one_digit_is_no_slip_of_a_power_of_ten(verdict):
    assert "times too" not in verdict("1", "GMACs").reason


def test_the_model_s_own_figure_is_by_the_convention_that_the_unit_names(judged):
    """Nearer to the claim lies what charges the biases too; it is not what MACs are."""
    claim = f'[[claim]]\nmodel = "nets.py:Net"\nkwargs = {BIAS}\n'
    for unit, own, counting in (("MMACs", macs(), "macs"), ("MFLOPs", 2 * macs(), "flops")):
        values = (f"{1.07 * own / 1e6:.4f}", f"{1.11 * own / 1e6:.4f}")
        found = judged("".join(f'{claim}unit = "{unit}"\nvalue = "{each}"\n' for each in values))
        for verdict in found.values():
            assert verdict.reason.endswith(f"the model has {own / 1e6:.5g} {unit} ({counting})")


def test_who_gives_a_figure_is_told_with_what_it_is_multiplied_by(judged):
    claim = f'[[claim]]\nmodel = "nets.py:Net"\nunit = "FLOPs"\nkwargs = {BIAS}\nvalue = '
    charged = macs() + (8 + 16) * SIDE * SIDE + 10
    (plain,) = judged(f'{claim}"{2 * macs()}"').values()
    (biased,) = judged(f'{claim}"{2 * charged}"').values()
    assert "2 × macs" not in plain.reason and "flops" in plain.reason.split(" give")[0]
    assert "2 × macs-bias" in biased.reason


def test_figures_that_all_fit_are_told_by_their_range(judged):
    claim = f'[[claim]]\nmodel = "nets.py:Net"\nunit = "MMACs"\nkwargs = {BIAS}\nvalue = "1.4"'
    (found,) = judged(claim).values()
    charged = macs() + (8 + 16) * SIDE * SIDE + 10
    assert f"from {macs() / 1e6:.6g} to {charged / 1e6:.6g}" in found.reason


@pytest.mark.parametrize("count", [params() // 3, 20 * params()])
def test_an_impossible_parameter_count(verdict, count):
    found = verdict(str(count), "params")
    assert found.ruling == "error in the source"
    assert found.reason.startswith("impossible parameter count")


def test_the_author_s_own_arithmetic_starts_elsewhere(verdict):
    found = verdict("5.8", "kB", 'working = "1500 * 4 / 1024"')
    assert (
        found.ruling == "error in the source"
        and "1500 * 4 / 1024, comes to 5.85938" in found.reason
    )


# ----------------------------------------------------------------------------- never stretched


@pytest.mark.parametrize(
    ("value", "unit"),
    [
        (f"{1.07 * macs():.0f}", "MACs"), (f"{1.07 * macs() / 1e6:.3g}", "MMACs"),
        (f"{1.07 * 2 * macs() / 1e6:.4g}", "MFLOPs"), (f"{1.07 * params():.0f}", "params"),
        (f"{1.07 * 4 * params() / 1e3:.3f}", "kB"),
    ],
)  # fmt: skip
def test_a_factor_without_a_reason_is_unexplained(verdict, value, unit):
    found = verdict(value, unit)
    assert found.ruling == "unexplained" and not found.fits
    assert found.nearest[0].gap == pytest.approx(0.07, abs=0.02)


def test_what_would_fit_anything_explains_nothing(verdict):
    """With one digit some image size always fits."""
    found = verdict("9", "MMACs", 'counts = "macs"')
    assert found.ruling == "unexplained" and "made-up figures" in found.reason
    assert found.chance > 0.05 and found.within >= 1


def test_what_fits_two_kinds_of_count_is_ambiguous(judged):
    """Two digits do not tell the products from what some tools charge beside them; five do."""
    products = f"{macs() / 1e6:.4f}"
    found = judged("".join(
        f'[[claim]]\nid = "{value}"\nmodel = "nets.py:Net"\nvalue = "{value}"\nunit = "MMACs"\n'
        for value in ("1.4", products)
    ))  # fmt: skip
    assert {each.ruling for each in found.values()} == {"reproduced"}
    assert found["1.4"].ambiguous and len({fit.value for fit in found["1.4"].fits}) > 1
    assert not found[products].ambiguous


# ---------------------------------------------------------------------------------- statements


@pytest.mark.parametrize(
    ("holds", "right"),
    [
        ("params[Conv2d] / params > 0.5", True),
        ("calls[Conv2d] == 2 and calls[Linear] == 1", True),
        (f'macs["second"] == 9 * 8 * 16 * {SIDE} * {SIDE}', True),
        ("macs == flops", False),
        ("exact_flops < flops <= 2 * macs", True),
        ("params == 1 or params > 1", True),
    ],
)
def test_a_statement_about_a_model(judged, holds, right):
    (found,) = judged(f"[[claim]]\nmodel = \"nets.py:Net\"\nholds = '''{holds}'''\n").values()
    assert found.ruling == ("reproduced" if right else "error in the source")


def test_a_statement_about_two_models(judged):
    (found,) = judged(f"""
[[claim]]
model = "nets.py:Net"
models.one = {{ inputs = [[1, 3, {SIDE}, {SIDE}]] }}
models.eight = {{ inputs = [[8, 3, {SIDE}, {SIDE}]] }}
holds = "eight.macs == 8 * one.macs and eight.params == one.params"
""").values()
    assert found.ruling == "reproduced"
    assert f"{8 * macs():,} = {8 * macs():,}" in found.reason


def test_what_does_not_hold_is_told_as_it_is(judged):
    holds = "calls[Conv2d] == 3 and calls[Linear] == 1 and params != params"
    (found,) = judged(f'[[claim]]\nmodel = "nets.py:Net"\nholds = "{holds}"\n').values()
    assert found.reason == f"in fact 2 ≠ 3; 1 = 1; {params():,} = {params():,}"


def test_the_same_claims_get_the_same_verdicts(tmp_path):
    (tmp_path / "nets.py").write_text(NETS)
    path = tmp_path / "mine.toml"
    text = table('"kwargs", "MACs (M)"', *(f'{net(w)}, "{w}"' for w in (8, 16, 64)))
    path.write_text(f'source = "planted"\ninputs = [[1, 3, {SIDE}, {SIDE}]]\n{text}')
    one, two = (audit([load(path)], tmp_path / name, workers=n) for name, n in (("a", 1), ("b", 2)))
    assert one.verdicts == two.verdicts and one.silent == two.silent


def test_arithmetic_is_exact(judged):
    (found,) = judged('[[claim]]\nholds = "0.1 + 0.2 == 0.3 and 1 / 3 * 3 == 1"\n').values()
    assert found.ruling == "reproduced"


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ('holds = "1 + 1"', "is no comparison"),
        ('holds = "__import__(0) == 1"', "cannot read"),
        ('holds = "2 ** 999 == 1"', "cannot read"),
        ('holds = "1 / 0 == 1"', "divides by 0"),
        ('holds = "parms == 1"\nmodel = "nets.py:Net"', "no convention 'parms' (did you mean 'params'?)"),
        ('holds = "net.params == 1"', "no model 'net'"),
        ('model = "nets.py:Net"\nlayer = "thrd"\nvalue = "1"\nunit = "params"', "the model has no layer 'thrd'"),
        ('model = "nets.py:Nut"\nvalue = "1"\nunit = "params"', "has no 'Nut' (did you mean 'Net'?)"),
        ('model = "nets.py:Net"\nvalue = "1"\nunit = "MACs"\ncounts = "mac"', "unknown 'mac' (did you mean 'macs'?)"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_in_one_line(judged, claim, said):
    with pytest.raises(UserError) as raised:
        judged(f'[[claim]]\nid = "x"\n{claim}\n')
    assert said in str(raised.value) and "\n" not in str(raised.value)


def test_a_layer_that_is_not_there_is_told_with_the_claim_that_names_it(judged):
    """Another claim about the same model stands before it, and the name of a metric is guessed last."""
    first = '[[claim]]\nmodel = "nets.py:Net"\nvalue = "1"\nunit = "params"\n'
    with pytest.raises(UserError, match="claim 'second': the model has no layer 'thrd'"):
        judged(f'{first}[[claim]]\nid = "second"\nlayer = "thrd"\n{first[10:]}')


@pytest.mark.parametrize("value", ["0", "0.00", "1"])
def test_a_figure_without_a_digit_of_the_model_s_is_not_reproduced(verdict, value):
    """The model has less than half of one GMac, which rounds to nothing."""
    assert macs() < 5e8
    assert verdict(value, "GMacs").ruling == "unexplained"


def test_of_two_figures_for_one_thing_the_model_s_own_is_told(judged):
    """With its bias it has 40 operations, which come nearer to 999; but 32 multiplications."""
    lines = [
        '[[claim]]\nmodel = "torch.nn:Linear"\nkwargs = { in_features = 4, out_features = 4 }\n'
        f'inputs = [[2, 4]]\nvalue = "{value}"\nunit = "MACs"\n'
        for value in (2 * 4 * 4, 999)
    ]
    right, wrong = judged("".join(lines)).values()
    assert right.ruling == "reproduced"
    assert "the model has 32 MACs" in wrong.reason


@pytest.mark.parametrize("value", ["18-19 kMACs", "~19 kMACs", "19±1 kMACs"])
def test_what_is_no_single_number_is_said_to_be_none(judged, value):
    with pytest.raises(UserError, match="is no printed number"):
        judged(f'[[claim]]\nmodel = "nets.py:Net"\nvalue = "{value}"\n')


# ------------------------------------------------------------------------- command and report


@pytest.fixture
def ran(tmp_path, monkeypatch, capfd):
    """(stdout, folder) of ``flop-harness claims`` on a file of ten lines."""
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "mine.toml").write_text(f"""source = "My paper, Table 2"
inputs = [[1, 3, {SIDE}, {SIDE}]]

[[table]]
columns = ["model", "kwargs", "params (K)", "FLOPs (M)"]
rows = [
  ["nets.py:Net", {{ width = 8 }}, "{params(8) / 1e3:.2f}", "{macs(8) / 1e6:.2f}"],
  ["nets.py:Net", {{ width = 64 }}, "{params(64) / 1e3:.2f}", "{1.07 * macs(64) / 1e6:.2f}"],
]
""")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["flop-harness", "claims", "mine.toml", "--jobs", "1"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    return capfd.readouterr().out, tmp_path / "results" / "claims" / "mine"


def test_ten_lines_of_toml_get_an_audit(ran):
    out, folder = ran
    assert "4 claims: 2 reproduced, 1 reproduced but not as stated and 1 unexplained" in out
    assert {path.name for path in folder.iterdir()} == {
        "report.html", "report.md", "verdicts.csv", AUDIT_FILE,
    }  # fmt: skip


def test_the_data_and_the_page_hold_every_verdict_and_markdown_what_departs(ran):
    _, folder = ran
    rows = list(csv.DictReader(io.StringIO((folder / "verdicts.csv").read_text())))
    assert [row["ruling"] for row in rows] == [
        "reproduced", "not as stated", "reproduced", "unexplained",
    ]  # fmt: skip
    told = load_audit(folder)
    assert [each.ruling for each in told.verdicts] == [row["ruling"] for row in rows]
    page, text = (folder / "report.html").read_text(), (folder / "report.md").read_text()
    for row in rows:
        assert row["claim"] in page
        assert (row["claim"].replace("_", "\\_") in text) == (row["ruling"] != "reproduced")
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_an_audit_that_says_the_same_changes_no_file(ran, monkeypatch):
    _, folder = ran
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    later = {**load_audit(folder).environment, "date": "2999-01-01"}
    monkeypatch.setattr("flop_harness.audit.describe", lambda _: later)
    with pytest.raises(SystemExit):
        cli.main()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_what_was_priced_is_kept(ran, tmp_path, monkeypatch):
    def fail(*_):
        raise AssertionError("priced again")

    monkeypatch.setattr("flop_harness.audit.jobs.price_model", fail)
    done = audit([load(tmp_path / "mine.toml")], tmp_path / "results" / "claims")
    assert len(done.verdicts) == 4


# ------------------------------------------------------------------------------ who is asked first

FVCORE = """[[claim]]
model = "nets.py:Net"
counts = "fvcore"
unit = "MACs"
value = "{}"
"""


def test_who_is_named_is_asked_alone_where_that_gives_the_figure(judged):
    (found,) = judged(FVCORE.format(f"{macs():,}")).values()
    assert found.ruling == "reproduced" and found.named
    (unnamed,) = judged(FVCORE.replace('"fvcore"', '""').format(f"{macs():,}")).values()
    assert found.tried < unnamed.tried


def test_everybody_is_asked_where_it_does_not(judged):
    """An early thop's figure, 2K - 1 for each output of a linear layer, published as fvcore's."""
    figure = macs() - 16 * 10 + (2 * 16 - 1) * 10
    (found,) = judged(FVCORE.format(f"{figure:,}")).values()
    assert found.ruling == "not as stated" and found.named is False
    assert "thop-0.0.30" in {fit.counting for fit in found.fits}


def test_a_claim_that_names_nobody_has_everybody_asked():
    named = replace(PLANTED, counts="fvcore")
    assert {"fvcore", "fvcore-activations", "macs", "params"} <= asked_first(named)
    (job,) = jobs_of([named, named], {"f": ""})
    assert job.wanted == asked_first(named)
    (job,) = jobs_of([named, PLANTED], {"f": ""})
    assert job.wanted is None


PLANTED = Claim("a", "f", "s", "compute", "1", "MACs", Case("net", "nets.py:Net"))


# -------------------------------------------------------------------------------- our own files


@pytest.mark.slow
def test_every_numeric_claim_of_the_seeds_is_reproduced_or_called_wrong(tmp_path):
    done = audit([load("seeds")], tmp_path, workers=2)
    found = {claim.id: verdict for claim, verdict in zip(done.claims, done.verdicts, strict=True)}
    assert {verdict.ruling for verdict in found.values()} <= {
        "reproduced", "not as stated", "error in the source",
    }  # fmt: skip
    total = found["000-vgg16/vgg16/compute-flops"]
    assert {fit.counting for fit in total.fits} >= {"thop"} and not total.named
    for name in ("standard", "grouped"):
        assert "without a batch dimension" in found[f"003-thop/{name}/compute-flops"].reason
    older = found["001-thop/alexnet.1x3x224x224/flops"]
    assert [fit.counting for fit in older.fits] == ["thop-0.0.31"]
    once = found["001-ptflops/alexnet.features.0/compute-%"]
    assert [fit.counting for fit in once.fits] == ["ptflops-0.6"]
    assert found["001-alexnet/228 MB"].ruling == "error in the source"
    assert found["004/its network has VGG16's layers"].ruling == "error in the source"
