"""What a tool charges for one operator, led back to the products that the operator runs."""

from __future__ import annotations

from harness.conventions import classified, work_at
from harness.counters.recurrent import Charges
from harness.walk import Visit, within


def products_of(visit: Visit) -> dict[str, int]:
    """MACs by name of the products of an operator, those of its parts if it is a composite."""
    macs: dict[str, int] = {}
    for inner in (visit, *within(visit)):
        work = None if inner.call.children else work_at(inner)
        for product in work.products if work else ():
            name = classified(inner, product)
            macs[name] = macs.get(name, 0) + product.macs
    return macs


def matched(visit: Visit, charged: int, why: str = "by its shapes") -> Charges:
    """The products under their own name, and what is charged beyond or short of them."""
    macs = products_of(visit)
    name = next(iter(macs), "matrix product")
    return [*macs.items(), (f"{name} {why}", charged - sum(macs.values()))]
