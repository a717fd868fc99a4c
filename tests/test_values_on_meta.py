"""Where a tool stops on meta because there are no values, it is not the tool that failed."""

from __future__ import annotations

import pytest
import torch

from flop_harness.errors import raised
from flop_harness.records import Context
from flop_harness.run.reading import NO_VALUES, impossible

X = torch.ones(4, device="meta")
N = torch.ones(4, dtype=torch.long, device="meta")
LOOKS = {
    "item": lambda: X[0].item(),
    "bool": lambda: bool(X[0]),
    "tolist": lambda: X.tolist(),
    "cpu": lambda: X.cpu(),
    "numpy": lambda: X.numpy(),
    "nonzero": lambda: X.nonzero(),
    "where": lambda: torch.where(X > 0),
    "by a mask": lambda: X[X > 0],
    "masked_select": lambda: X.masked_select(X > 0),
    "unique": lambda: X.unique(),
    "unique_consecutive": lambda: X.unique_consecutive(),
    "bincount": lambda: N.bincount(),
    "repeat_interleave": lambda: X.repeat_interleave(N),
    "equal": lambda: torch.equal(X, X),
}
FAULTS = {
    "shapes": lambda: X @ torch.ones(5, device="meta"),
    "devices": lambda: X + torch.ones(4),
    "a name": lambda: X.nothing,
}


def message(work) -> str:
    with pytest.raises(Exception) as caught:
        work()
    return raised(caught.value)


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_at_values_is_no_failure_of_the_tool(look):
    assert impossible(Context("meta"), message(LOOKS[look])) == NO_VALUES


@pytest.mark.parametrize("fault", FAULTS)
def test_any_other_error_is_one(fault):
    assert impossible(Context("meta"), message(FAULTS[fault])) == ""


def test_on_the_cpu_there_are_values():
    assert impossible(Context("cpu"), message(LOOKS["item"])) == ""
