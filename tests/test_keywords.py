"""Keyword arguments of a model as the command line names them, and back again."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands import typed
from flop_harness.errors import UserError
from flop_harness.suite.keywords import keywords, written


@pytest.mark.parametrize(
    ("texts", "table"),
    [
        (["length=16"], {"length": 16}),
        (["cache=static", "past=8"], {"cache": "static", "past": 8}),
        (["config.hidden_size=64", "config.tied=true"], {"config": {"hidden_size": 64, "tied": True}}),
        (["shape=[1, 2]", "rate = 0.5"], {"shape": [1, 2], "rate": 0.5}),
        (["config=a/config.json"], {"config": "a/config.json"}),
        (['name="16"'], {"name": "16"}),
        (["config={ layers = 2 }", "config.width=8"], {"config": {"layers": 2, "width": 8}}),
    ],
)  # fmt: skip
def test_a_text_is_a_key_and_what_toml_makes_of_its_value(texts, table):
    assert keywords(texts) == table


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VALUES = st.recursive(
    st.integers(-(2**60), 2**60) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="ascii", exclude_characters="\x7f"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_what_is_written_is_read_as_the_same(table):
    assert keywords(written(table)) == table


@pytest.mark.parametrize(
    ("texts", "complaint"),
    [
        (["length"], "not of the form"),
        (["a b=1"], "not of the form"),
        (["=1"], "not of the form"),
        (["a=1", "a=2"], "more than once"),
        (["config=x.json", "config.width=2"], "is no table"),
    ],
)
def test_what_is_no_keyword_is_one_line(texts, complaint):
    with pytest.raises(UserError) as raised:
        keywords(texts)
    assert complaint in str(raised.value) and "\n" not in str(raised.value)


NET = """
from torch import nn

def square(width, bias=True):
    return nn.Linear(width, width, bias)
"""


def test_a_model_of_another_width_as_typed(tmp_path):
    (tmp_path / "net.py").write_text(NET)
    words = ("--input", "1x8", "--kwargs", "width=8", "--kwargs", "bias=false", "--json")
    said = json.loads(typed("count", f"{tmp_path}/net.py:square", *words).out)
    assert (said["total"], said["params"]) == (8 * 8, 8 * 8)


def test_a_suite_has_keywords_of_its_own():
    ended = typed("compare", "seeds", "--kwargs", "width=8")
    assert ended.code == 2 and "--kwargs says how a model is made" in ended.err
