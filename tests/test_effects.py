"""What a counter does to the model that it counts; each row of the stored table is reproduced."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

import faulty.counters
from cells import HERE
from flop_harness.counters import counters
from flop_harness.errors import UserError
from flop_harness.regression.effects import (
    COLUMNS,
    NO_ANSWER,
    convolutions,
    effects,
    on_every_model,
)
from flop_harness.report.documents import effects as effects_documents
from flop_harness.report.tables import effects as effects_tables
from flop_harness.store import dump_effects, load_effects

STORED = Path(__file__).parent.parent / "results" / "effects" / "effects.json"


def seen(name: str) -> dict[str, str]:
    return effects(getattr(faulty.counters, name), convolutions)


@pytest.fixture(scope="module")
def process():
    """One without a backward pass behind it: autograd refuses to work in a fork of one that has."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("good", set()),
        ("returns_nan", {"second call differs"}),  # a nan is not equal to itself
        ("litters", {"hooks", "buffers", "attributes", "state_dict keys", "does not pickle",
                     "state_dict does not load"}),
        ("patches_torch", {"torch patched", "does not train", "second call differs"}),
        ("zeroes_weights", {"tensors", "does not train"}),
        ("raises", {NO_ANSWER}),
    ],
)  # fmt: skip
def test_what_a_counter_did_is_seen(name, columns, process):
    found = process.submit(seen, name).result()
    assert columns <= set(found)
    assert set(found) <= set(COLUMNS)
    if name == "good":
        assert found == {}


@pytest.mark.slow
@pytest.mark.parametrize("counter", HERE, ids=[counter.id for counter in HERE])
def test_the_stored_table_is_reproduced(counter):
    if not STORED.is_file():
        pytest.skip("the table is not stored here")
    assert on_every_model(counter) == load_effects(STORED)[counter.id]["models"]


def test_every_counter_that_is_asked_by_default_or_in_an_overlay_has_its_rows():
    if not STORED.is_file():
        pytest.skip("the table is not stored here")
    assert set(load_effects(STORED)) == {
        each.id for each in counters().values() if not each.optional
    }


SEEN = {
    "thop": {"version": "0.1", "models": {"a": {"buffers": "<b> | total_ops"}, "b": {}}},
    "litters": {"version": "1", "models": {"a": {"hooks": "two"}, "b": {"hooks": "three"}}},
    "torch": {"version": "2.14", "models": {"a": {}, "b": {}}},
}


def test_a_row_tells_on_which_models_an_effect_was_seen():
    assert effects_tables.table(SEEN).rows == (
        ("thop", "0.1", "buffers", "a", "<b> | total_ops"),
        ("litters", "1", "hooks", "every model", "two"),
        ("torch", "2.14", "nothing", "", ""),
    )
    assert "<b>" not in effects_documents.markdown(SEEN).decode()


def test_a_table_comes_back_equal_and_something_else_is_refused(tmp_path):
    (tmp_path / "e.json").write_bytes(dump_effects(SEEN))
    assert load_effects(tmp_path / "e.json") == SEEN
    for text in ("", "[]", '{"thop": 3}', '{"thop": {"version": "1"}}'):
        (tmp_path / "e.json").write_text(text)
        with pytest.raises(UserError, match=r"e\.json is damaged"):
            load_effects(tmp_path / "e.json")
