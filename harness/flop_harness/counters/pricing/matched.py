"""What a tool charges for a call, led back to the products that run inside it."""

from __future__ import annotations

from collections.abc import Mapping

from flop_harness.conventions.products import classified, work_at
from flop_harness.counters.pricing.recurrent import Charges
from flop_harness.records.work import Product
from flop_harness.trace.walk import Visit, within


def products_of(visit: Visit) -> dict[str, int]:
    """MACs by name of the products of an operator, those of its parts if it is a composite."""
    macs: dict[str, int] = {}
    for inner in (visit, *within(visit)):
        work = None if inner.call.children else work_at(inner)
        for product in work.products if work else ():
            name = classified(inner, product)
            macs[name] = macs.get(name, 0) + product.macs
    return macs


def of_shapes(product: Product, term: str) -> Charges:
    """What a tool charges that reads shapes alone, which do not tell what a sparse matrix stores."""
    return corrected({term: product.macs}, term, product.by_shapes)


def corrected(true: Mapping[str, int], term: str, charged: int, why: str = "") -> Charges:
    """A product under its own name, and what is charged beyond or short of what ran."""
    macs = true.get(term, 0)
    return [(term, macs), (why or f"{term} by its shapes", charged - macs)]


def matched(visit: Visit, charged: int) -> Charges:
    """An operator's products under their own names, and what is charged beyond or short of them."""
    macs = products_of(visit)
    name = next(iter(macs), "matrix product")
    return [*macs.items(), (f"{name} by its shapes", charged - sum(macs.values()))]
