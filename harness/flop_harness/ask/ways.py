"""Ways of counting by the names that people give them, and what each says of one model.

Nothing is executed where the model does not look at values: a counter's rules are asked, not the
counter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from flop_harness.conventions.articles import NotApplicable
from flop_harness.conventions.catalogue import Convention
from flop_harness.conventions.products import unsupported
from flop_harness.counters import Counter, Unavailable, counters
from flop_harness.counters.names import CALLED, ids_called
from flop_harness.counters.versions.catalogue import CATALOGUE
from flop_harness.counters.versions.rules import as_of
from flop_harness.errors import UserError, raised, suggest
from flop_harness.reconcile.bridges import whole
from flop_harness.records import Case, Context, Trace
from flop_harness.records.account import Account
from flop_harness.run.traces import ContextTraces
from flop_harness.suite.build import build

Way: TypeAlias = Convention | Counter

REFERENCE = {"reference": "macs"}
"""What people call a convention -> its id"""


@dataclass(frozen=True)
class Amount:
    """What one way of counting says of a model, itemised; ``unit`` is what it really counts.

    ``label`` is what a tool calls the figure: fvcore prints MACs and calls them FLOPs.
    """

    way: str
    unit: str
    account: Account
    label: str = ""
    context: Context | None = None

    @property
    def total(self) -> int | float:
        return whole(self.account.total)

    @property
    def name(self) -> str:
        return f"{self.way} ({self.context})" if self.context else self.way


def resolve(name: str) -> list[Way]:
    """The conventions or counters that a name may stand for. UserError with what is like it.

    ``reference``, an id, a tool as people write it (``ptflops``, ``FlopCounterMode``), or one of
    its releases (``thop@0.0.31``).
    """
    known = REFERENCE.get(name, name)
    if known in CATALOGUE:
        return [CATALOGUE[known]]
    found = counters_named(name)
    if found:
        return list(found)
    names = (*REFERENCE, *CATALOGUE, *counters(), *CALLED)
    raise UserError(
        f"unknown convention {name!r}{suggest(name, names)}; "
        "see: flop-harness list conventions, or list counters"
    )


def counters_named(name: str) -> list[Counter]:
    """The counters that a name may stand for, at the release that stands behind an ``@``."""
    base, _, release = name.partition("@")
    known = counters()
    found = [known[each] for each in ids_called(base, known)]
    return [as_of(each, release) for each in found] if release else found


class Rules:
    """Every way of counting, asked about one case; each pass that differs is traced once."""

    def __init__(self, case: Case, folder: str = "", variant: str = "") -> None:
        self.case = case
        self.stumbled: dict[str, str] = {}
        self.variant = variant
        built = build(case, device="meta", folder=folder)
        self._traces = ContextTraces(case, folder, built, variant)

    @property
    def unsupported(self) -> dict[str, int]:
        """Operators without a formula, and how often each runs: every figure leaves them out."""
        return unsupported(self._traces.canonical)

    @property
    def canonical(self) -> Trace:
        return self._traces.canonical

    def amounts(self, way: Way) -> Iterator[Amount]:
        """What it says: once for a convention, for a counter of each metric in each context.

        Raises UserError where it says nothing about such a model.
        """
        return self._of_convention(way) if isinstance(way, Convention) else self._of_counter(way)

    def seen_by(self, counter: Counter) -> Trace:
        """The pass as a counter sees it, in the first of its contexts.

        UserError for a training step of which it counts the forward pass alone.
        """
        contexts = counter.training if self.variant else counter.contexts
        if not contexts:
            raise UserError(f"{counter.id} counts no backward pass")
        context = contexts[0]
        return self._traces.trace(counter, replace(context, mode=context.mode or self._traces.mode))

    def _of_convention(self, way: Convention) -> Iterator[Amount]:
        try:
            account = way.price(self._traces.canonical)
        except NotApplicable as error:
            raise UserError(f"{way.id} does not apply to {self.case.model}: {error}") from error
        yield Amount(way.id, way.unit, account)

    def _of_counter(self, way: Counter) -> Iterator[Amount]:
        said, reason = False, ""
        for quantity in way.quantities.values():
            for context in way.contexts:
                here = replace(context, mode=context.mode or self._traces.mode)
                try:
                    account = quantity.price(self._traces.trace(way, context))
                except Unavailable as error:  # of this metric
                    reason = str(error)
                    continue
                said = True
                yield Amount(way.id, quantity.unit, account, quantity.label, here)
        if not said:
            raise UserError(f"{way.id} says nothing of {self.case.model}: {reason}")

    def everything(self) -> Iterator[Amount]:
        """All conventions, and each counter on the pass that is traced already.

        What does not apply to such a model is left out; ``stumbled`` tells whose rules raise on it.
        """
        prices: list[tuple[str, str, str, Callable[[Trace], Account]]] = [
            (each.id, each.unit, "", each.price) for each in CATALOGUE.values()
        ]
        prices += [(each.id, quantity.unit, quantity.label, quantity.price)
                   for each in counters().values() for quantity in each.quantities.values()]  # fmt: skip
        for way, unit, label, price in prices:
            try:
                account = price(self._traces.canonical)
            except (NotApplicable, Unavailable):
                continue
            except Exception as error:  # noqa: BLE001 - any rule may trip over an untried model
                self.stumbled[way] = raised(error)
                continue
            yield Amount(way, unit, account, label)


def as_convention(counter: Counter) -> Convention:
    """A counter's rules for its first figure as a way of pricing a trace."""
    quantity = next(iter(counter.quantities.values()))
    return Convention(counter.id, quantity.unit, f"by the rules of {counter.id}", counter.source,
                      by_module=quantity.price)  # fmt: skip
