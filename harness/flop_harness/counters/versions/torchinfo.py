"""What torchinfo 1.7.0 charged: rows that it put into its table a second time."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from flop_harness.counters import torchinfo
from flop_harness.counters.pricing import torchinfo_rows
from flop_harness.records import Trace
from flop_harness.records.account import Account
from flop_harness.trace.walk import module_calls


def with_rows_inserted(trace: Trace) -> Account:
    """As today, and the last call of each layer that ``add_missing_layers`` listed again.

    Where a class of the tree was never called, the names of the classes in the order of the calls
    are matched with those in the order of the tree, and what the tree has more is inserted, be it
    called or not.
    """
    return torchinfo.price_compute(trace) + Account.of(
        (path, "rows listed twice", amount) for path, amount in inserted(trace)
    )


def inserted(trace: Trace) -> Iterator[tuple[str, int]]:
    """(path, what its last call was charged) of the modules that are inserted."""
    places = torchinfo_rows.places(trace)
    calls = [visit for visit, _ in module_calls(trace) if visit.call.module in places]
    last = {visit.call.module: visit for visit in calls}
    called = [trace.modules[visit.call.module].type_name for visit in calls]
    listed = [trace.modules[index].type_name for index in places]
    if set(listed) <= set(called):
        return
    indices = list(places)
    for tag, _, _, start, end in SequenceMatcher(None, called, listed).get_opcodes():
        for index in indices[start:end] if tag == "insert" else ():
            if index in last and torchinfo.is_leaf(trace, index):
                module = trace.modules[index]
                yield module.path, sum(torchinfo.charged(trace, last[index], module))
