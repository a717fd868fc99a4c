"""The code that gives each figure of a run, in the pieces that figures share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flop_harness.code.figure import pieces_of
from flop_harness.code.literals import CannotWrite
from flop_harness.code.module_pass import FUNCTION, TracedFigure
from flop_harness.code.smallest import example, whole_code
from flop_harness.code.text import joined
from flop_harness.errors import UserError
from flop_harness.records import Bridge, Call, Case, Reading, Run, Step, Trace
from flop_harness.report.analysis.bridges import merged
from flop_harness.report.analysis.faults import Faults
from flop_harness.report.analysis.index import Index, Key, key_of
from flop_harness.report.sources.traced_figures import TracedFigures, counter_of


@dataclass(frozen=True)
class Codes:
    """The pieces of code of a run, each once, and which of them make the code of a figure, in order.

    Figures that no short piece of code gives are not among them.
    """

    pieces: tuple[str, ...]
    figures: Mapping[Key, tuple[int, ...]]

    def of(self, reading: Reading) -> str:
        """The code of one figure; empty if there is none."""
        places = self.figures.get(key_of(reading), ())
        return joined(*(self.pieces[place] for place in places)) if places else ""


NONE = Codes((), {})


CODE = "sample code"
"""The stage in which code is made"""


def codes_in(folder: Path, run: Run, faults: Faults) -> Codes:
    """The code of every reading; traces in ``folder`` tell inputs that cases do not name."""
    index = Index(run)
    traced_figures = TracedFigures(folder, index)
    pieces: dict[str, int] = {}
    figures: dict[Key, tuple[int, ...]] = {}
    for case in run.suite.cases:
        for reading in index.by_case[case.id]:
            make = partial(pieces_for, traced_figures, case, reading)
            made: tuple[str, ...] = faults.attempt(case.id, CODE, make, ())
            figures[key_of(reading)] = tuple(
                pieces.setdefault(piece, len(pieces)) for piece in made
            )
    return Codes(tuple(pieces), {key: places for key, places in figures.items() if places})


def pieces_for(traced_figures: TracedFigures, case: Case, reading: Reading) -> tuple[str, ...]:
    counter, reference = counter_of(reading), traced_figures.reference(case.id)
    if counter is None or counter.usage is None:
        return ()
    if reference is not None and reference.modules[0].type == FUNCTION:
        return ()
    if reading.context.device == "meta" and reference is not None and not movable(reference):
        return ()
    given = reference.root if reference else None
    own = None if plainly(reading, given, case) else traced_figures.own(reading)
    seeded = reference is not None and reference.executed
    try:
        return pieces_of(case, counter, reading.context, reading.metric, given,
                         own.root if own else given, seeded)  # fmt: skip
    except CannotWrite:
        return ()


def movable(trace: Trace) -> bool:
    """Whether a model stays what it is on its way to meta, where parameters are shared no more."""
    held = [number for module in trace.modules for _, number in module.parameters]
    return len(held) == len(set(held)) and not any(each.lazy for each in trace.parameters)


def plainly(reading: Reading, given: Call | None, case: Case) -> bool:
    """Whether every counter passes the inputs on as they are: one by its position."""
    if reading.context.variant == "keywords":
        return False
    if given is not None:
        return len(given.args) == 1 and not given.kwargs
    return len(case.inputs) == 1 and not case.inputs[0].name


def explained(traced_figures: TracedFigures, bridges: Sequence[Bridge]) -> Iterator[str]:
    """Code that gives each figure, and the smallest that shows each of its terms.

    UserError if the traces of the run are not there.
    """
    for bridge, contexts in merged(bridges):
        traced = traced_figures.of(bridge)
        if traced is None:
            raise UserError(
                f"the traces that code is made from are not in {traced_figures.folder}/traces"
            )
        name = f"{bridge.counter} on {bridge.case}, {bridge.metric} ({', '.join(contexts)})"
        yield f"# {name}\n{figure_code(traced)}"
        yield from (step_code(traced, step) for step in bridge.steps)


def figure_code(traced: TracedFigure) -> str:
    try:
        return f"{whole_code(traced)}# prints {traced.bridge.reading}\n"
    except CannotWrite as error:
        return f"# cannot be written as code: {error}\n"


def step_code(traced: TracedFigure, step: Step) -> str:
    made = None if traced.bridge.context.training else example(traced, step.term)
    shown = made.code if made and made.module else "# only the whole model shows it\n"
    return f"# {step.term}: {step.amount:+,}\n{shown}"
