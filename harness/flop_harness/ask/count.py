"""One model under one convention: a trace, priced, and grouped the way one wants to see it."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from flop_harness.ask.ways import Rules, as_convention, counters_named
from flop_harness.conventions import products
from flop_harness.conventions.articles import NotApplicable
from flop_harness.conventions.catalogue import Convention
from flop_harness.conventions.reference import (
    kept_parameters,
    on_local_parts,
    parameters,
    reference,
)
from flop_harness.counters import Unavailable, counters
from flop_harness.counters.versions.catalogue import CATALOGUE
from flop_harness.errors import UserError, extras_named, suggest
from flop_harness.records import SEED, Case, Trace
from flop_harness.records.account import Account
from flop_harness.records.trace import OPTIMIZERS, shapes_of
from flop_harness.report.formats.plain import text_of
from flop_harness.report.tables.module_tree import module_table, module_tree
from flop_harness.report.tables.table import Column, Table
from flop_harness.report.words.text import hanging, human, left_out, plural
from flop_harness.run.cells import CaseRunner, Limits, TraceFailed
from flop_harness.trace.walk import Visit

GROUPS = ("term", "module", "class", "function", "operator", "module,operator", "phase")


@dataclass(frozen=True, repr=False)
class Count:
    """What a convention says of a model; ``rows`` add up to ``total``. Printed, it is a table.

    ``macs`` and ``params`` are those of the reference, ``unsupported`` the operators that no formula
    is known for; ``frame`` and ``modules`` are pandas frames, by term and by module.
    """

    model: str
    convention: Convention
    by: str
    rows: dict[str, int | float]
    total: int | float
    account: Account
    trace: Trace

    @property
    def macs(self) -> int:
        return int(reference(self.trace).total)

    @property
    def params(self) -> int:
        return int(parameters(self.trace).total)

    @property
    def kept(self) -> int | None:
        """Elements of the parameters in the memory of this process, where these are not all."""
        try:
            return int(kept_parameters(self.trace).total)
        except NotApplicable:
            return None

    @property
    def unsupported(self) -> dict[str, int]:
        """What the convention may lack: where all operations count, also what holds no products."""
        lacking = products.unsupported(self.trace)
        if self.convention.id in ("operations", "bytes"):
            lacking |= products.without_products(self.trace)
        return lacking

    @property
    def phases(self) -> dict[str, int | float]:
        """Amounts of the phases of a training step: forward, backward, recomputed, optimizer."""
        rows = by_call(self.trace, self.convention, "phase")
        return {phase: rows.get(phase, 0) for phase, _ in self.trace.passes}

    @property
    def inputs(self) -> str:
        """Shapes of what the model was called with: ``1x3x224x224``."""
        return shapes_of(self.trace.root.args, self.trace.root.kwargs)

    @property
    def modules(self) -> Any:
        """A pandas frame with a row for each call of a module: shapes, parameters, amount, share."""
        from flop_harness.report.formats.frames import frame

        return frame(module_table(self.trace, self.account, self.convention.unit))

    @property
    def frame(self) -> Any:
        """The account as a pandas frame: module, term, amount."""
        with extras_named():
            import pandas

        columns = ["module", "term", "amount"]
        return pandas.DataFrame(list(self.account.charges()), columns=columns)

    def to_dict(self) -> dict[str, Any]:
        return {
            "schema": "count/1",
            "model": self.model,
            "convention": self.convention.id,
            "unit": self.convention.unit,
            "input": self.inputs,
            "context": str(self.trace.context),
            "total": self.total,
            **({"by_phase": self.phases} if self.trace.phases else {}),
            "params": self.params,
            f"by_{self.by}": self.rows,
            "unsupported": self.unsupported,
            "hangs_on_values": {"lines": list(self.trace.looks), "seed": SEED},
        }

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), indent=2)

    def __repr__(self) -> str:
        return text_of(self.to_table())

    def _repr_html_(self) -> str:
        from flop_harness.report.formats.notebook import grid, tree

        return grid(self.to_table()) + tree(
            module_tree(self.trace, self.account), self.convention.unit
        )

    def to_table(self) -> Table:
        """Its rows with their shares, then what has no formula."""
        unit = self.convention.unit
        figures = {} if unit == "parameter" else {unit: self.total}
        figures["parameter"] = self.params
        exact = ", ".join(plural(value, name) for name, value in figures.items())
        short = ", ".join(human(value, name) for name, value in figures.items())
        title = f"{self.model}: {exact} ({short})"
        lacking = f"Not counted, for want of a formula: {left_out(self.unsupported)}."
        notes = [
            f"input {self.inputs or 'none'}; convention {self.convention.id}; {self.trace.context}"
            + (f"; {steps(self)}" if self.trace.phases else ""),
            lacking if self.unsupported else "",
            hanging(self.trace.looks),
            "" if self.kept is None else in_memory(self.kept),
            "" if self.convention.id == "rank-macs" else of_all_ranks(self.trace),
        ]
        heads = (Column(self.by), Column(unit, "number"), Column("share", "part"))
        rows = [(name or "(the model)", f"{amount:,}", amount / self.total if self.total else None)
                for name, amount in self.rows.items()]  # fmt: skip
        return Table(title, heads, tuple(rows), "\n".join(filter(None, notes)))


def in_memory(kept: int) -> str:
    return f"in memory {plural(kept, 'parameter')}: others are views of these, or on other ranks"


def of_all_ranks(trace: Trace) -> str:
    """What the model does with its part of a distributed tensor stands for what all ranks do."""
    parts = on_local_parts(trace).items()
    told = ", ".join(f"{term} {whole:,} MAC for {here:,} here" for term, (whole, here) in parts)
    return f"on parts of distributed tensors, each rank taken to do as much: {told}" if told else ""


def steps(counted: Count) -> str:
    """``forward 10 MAC, backward 15 MAC``."""
    unit = counted.convention.unit
    each = ", ".join(f"{phase} {plural(amount, unit)}" for phase, amount in counted.phases.items())
    return f"one step: {each}"


def count_case(
    case: Case, convention: str = "macs", by: str = "term", depth: int | None = None,
    folder: str = "", variant: str = "",
) -> Count:  # fmt: skip
    """Trace a case, on meta where possible, and price it: by a convention, or a counter's rules.

    In the variant ``training`` a backward pass is counted too.
    """
    if convention not in CATALOGUE and (named := counters_named(convention)):
        return count_trace(case.id, Rules(case, folder, variant).seen_by(named[0]), as_convention(named[0]),
                           by, depth)  # fmt: skip
    limits = Limits(timeout_s=300, memory_bytes=0, threads=1)
    try:
        trace = CaseRunner(case, folder, limits, variant=variant).canonical()
    except TraceFailed as error:
        raise UserError(f"{case.model} runs, but could not be traced: {error}") from error
    return count_trace(case.id, trace, convention, by, depth)


def training_variant(training: bool, optimizer: str | None) -> str:
    """What a context calls a training step, if one is asked for. UserError for another optimizer."""
    if not optimizer:
        return "training" if training else ""
    if optimizer not in OPTIMIZERS:
        raise UserError(f"unknown optimizer {optimizer!r}{suggest(optimizer, OPTIMIZERS)}; "
                        f"known: {', '.join(OPTIMIZERS)}")  # fmt: skip
    return f"training {optimizer}"


def count_trace(
    model: str,
    trace: Trace,
    convention: str | Convention = "macs",
    by: str = "term",
    depth: int | None = None,
) -> Count:
    chosen = find_convention(convention) if isinstance(convention, str) else convention
    try:
        account = chosen.price(trace)
    except (NotApplicable, Unavailable) as error:
        raise UserError(f"convention {chosen.id!r} does not apply to {model}: {error}") from error
    if by in ("function", "operator", "module,operator", "phase"):
        rows = by_call(trace, chosen, by)
    elif by == "class":
        rows = by_class(trace, account)
    else:
        rows = account.by_module(depth) if by == "module" else account.by_term()
    return Count(model, chosen, by, rows, account.total, account, trace)


def find_convention(name: str) -> Convention:
    if name not in CATALOGUE:
        near = suggest(name, (*CATALOGUE, *counters()))
        raise UserError(
            f"unknown convention {name!r}{near}; known: {', '.join(CATALOGUE)}, and every counter"
        )
    return CATALOGUE[name]


def by_class(trace: Trace, account: Account) -> dict[str, int | float]:
    """Amounts by the class of the innermost module that is charged; the most first."""
    types = {module.path: module.type_name for module in trace.modules}
    rows: dict[str, int | float] = defaultdict(int)
    for path, _, amount in account.charges():
        rows[types[path]] += amount
    return dict(sorted(rows.items(), key=lambda row: -row[1]))


def by_call(trace: Trace, convention: Convention, level: str) -> dict[str, int | float]:
    """Amounts by the public function, the operator, or the phase, that does the work."""
    if convention.charges is None:
        raise UserError(f"convention {convention.id!r} charges modules, not functions or operators")
    rows: dict[str, int | float] = defaultdict(int)
    for visit, _, amount in convention.charges(trace):
        if amount:
            rows[name_of(visit, level)] += amount
    return dict(rows)


def name_of(visit: Visit, level: str) -> str:
    if level == "phase":
        return visit.phase
    if level == "operator":
        return visit.call.packet
    if level == "module,operator":
        return f"{visit.path or '(the model)'} {visit.call.packet}"
    functions = [call.name for call in visit.around if call.level == "function"]
    return functions[0] if functions else visit.call.packet
