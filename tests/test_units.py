"""Printed figures: what their digits and units stand for."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flop_harness.errors import UserError
from flop_harness.records.units import Unit, parse_figure, parse_unit


@given(st.integers(1, 10**12), st.integers(0, 3), st.sampled_from([10**6, 10**9]))
def test_what_was_rounded_lies_in_the_interval(count, decimals, scale):
    printed = parse_figure(f"{count / scale:.{decimals}f}")
    name, low, high = next(iter(printed.intervals()))
    assert name == "rounded"
    assert float(low) - 1e-9 <= count / scale <= float(high) + 1e-9
    assert high - low == printed.step == Fraction(1, 10**decimals)


@given(st.integers(1, 10**12), st.integers(0, 3))
def test_what_was_cut_off_lies_in_the_interval(thousandths, decimals):
    value = Fraction(thousandths, 1000)
    cut = value * 10**decimals // 1
    digits = f"{cut:0{decimals + 1}d}"
    text = f"{digits[:-decimals]}.{digits[-decimals:]}" if decimals else digits
    low, high = {name: ends for name, *ends in parse_figure(text).intervals()}["cut off"]
    assert low <= value < high


@pytest.mark.parametrize(
    ("text", "value", "step"),
    [
        ("61,100,840", 61_100_840, 1),
        ("4.10", Fraction(41, 10), Fraction(1, 100)),
        ("6e7", 60_000_000, 10_000_000),
        ("3.6e9", 3_600_000_000, 100_000_000),
        (".5", Fraction(1, 2), Fraction(1, 10)),
    ],
)
def test_the_last_digit_tells_the_precision(text, value, step):
    printed = parse_figure(text)
    assert (printed.value, printed.step) == (value, step)


@pytest.mark.parametrize("text", ["", "4,1", "1,23,456", "~4", "4.1 G", "nan", "1e9999", "-3"])
def test_what_is_no_printed_number_is_refused(text):
    with pytest.raises(UserError):
        parse_figure(text)


def test_zeros_at_the_end_may_fill_up_a_rounded_integer():
    ways = {name: high - low for name, low, high in parse_figure("132863000").intervals()}
    assert ways["rounded"] == 1 and ways["filled up with zeros"] == 1000
    assert "filled up with zeros" not in {name for name, _, _ in parse_figure("300").intervals()}


def test_neighbouring_digits_change_places():
    assert [each.text for each in parse_figure("1.19").transposed()] == ["1.91"]


@pytest.mark.parametrize(
    ("text", "base", "scale"),
    [
        ("GFLOPs", "FLOP", 10**9), ("MMACs", "MAC", 10**6), ("GMac", "MAC", 10**9),
        ("million mult-adds", "MAC", 10**6), ("B FLOPs", "FLOP", 10**9), ("MAdds", "MAC", 1),
        ("M", "", 10**6), ("%", "share", 1), ("MB", "byte", 10**6), ("MiB", "byte", 2**20),
        ("params", "parameter", 1), ("", "", 1),
    ],
)  # fmt: skip
def test_a_unit_is_a_base_and_a_scale(text, base, scale):
    unit = parse_unit(text)
    assert (unit.base, unit.scale) == (base, scale)


def test_a_b_alone_is_a_billion_unless_bytes_are_meant():
    assert parse_unit("B", "params") == Unit("", 10**9, worded=True)
    assert parse_unit("B", "size") == Unit("byte")


def test_a_letter_may_stand_for_a_power_of_two_but_a_word_may_not():
    assert parse_unit("MB").binary == Unit("byte", 2**20)
    assert parse_unit("MiB").decimal == Unit("byte", 10**6)
    assert parse_unit("million FLOPs").binary is None


def test_an_unknown_unit_is_refused_with_what_was_perhaps_meant():
    with pytest.raises(UserError, match="did you mean 'flops'"):
        parse_unit("flips")


@pytest.mark.parametrize(
    ("text", "number", "how"),
    [
        ("4.24", "4.2449", "rounded"), ("4.24", "4.2451", "cut off"),
        ("4.24", "4.2349", "rounded up"), ("4.24", "4.25", None), ("4.24", "4.23", None),
        ("5", "4.6", "rounded"), ("5", "5.9", "cut off"), ("5", "4.4", None), ("1e6", "400000", None),
    ],
)  # fmt: skip
def test_a_figure_is_rounded_or_cut_off_and_a_single_digit_is_not_rounded_up(text, number, how):
    assert parse_figure(text).printing_of(Fraction(number)) == how
