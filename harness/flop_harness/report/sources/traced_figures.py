"""What code is made from: the records of a run, and the traces that lie beside it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from flop_harness.code.module_pass import TracedFigure
from flop_harness.counters import Counter, find_one
from flop_harness.counters.versions.rules import as_of
from flop_harness.errors import UserError
from flop_harness.records import Bridge, Case, Context, Reading, Trace
from flop_harness.report.analysis.index import Index, key_of
from flop_harness.store import TraceStore


class TracedFigures:
    """What is known of each reading; each stored trace is read once in a while."""

    def __init__(self, folder: Path, index: Index) -> None:
        self.folder, self.index = folder, index
        self.cases = {case.id: case for case in index.run.suite.cases}
        self.files: dict[tuple[str, str, Context], str] = {}
        self.references: dict[str, str] = {}
        for each in index.run.traces:
            if each.counter:
                context = resolved(each.context, self.cases.get(each.case))
                self.files[each.case, each.counter, context] = each.file
            else:
                self.references[each.case] = each.file
        # A store has the passes of one case at hand; findings go back and forth between a few.
        self._store = lru_cache(maxsize=16)(lambda case: TraceStore(folder))
        self._read = lru_cache(maxsize=32)(self._read_stored)

    def of(self, bridge: Bridge) -> TracedFigure | None:
        """None where nothing tells how the counter is asked, or a trace is not there."""
        case, reading = self.cases.get(bridge.case), self.index.reading_of.get(key_of(bridge))
        counter = counter_of(reading) if reading else None
        own = self.own(bridge)
        reference = self.reference(bridge.case)
        if case is None or counter is None or own is None or reference is None:
            return None
        if counter.usage is None:
            return None
        return TracedFigure(case, counter, bridge, reference, replace(own, context=bridge.context))

    def own(self, record: Bridge | Reading) -> Trace | None:
        """The pass as the counter saw it."""
        name = self.files.get((record.case, record.counter, record.context))
        return self._read(record.case, name) if name else None

    def reference(self, case: str) -> Trace | None:
        """The pass that the reference is priced on."""
        name = self.references.get(case)
        return self._read(case, name) if name else None

    def _read_stored(self, case: str, name: str) -> Trace | None:
        store = self._store(case)
        return store.load(name) if name in store else None


def counter_of(reading: Reading) -> Counter | None:
    """The counter with the rules of the version that was asked; None for a plugin's that is gone."""
    try:
        return as_of(find_one(reading.counter), reading.version)
    except UserError:
        return None


def resolved(context: Context, case: Case | None) -> Context:
    """A reading's context is that of its trace, with the case's mode if it has none of its own."""
    return replace(context, mode=context.mode or (case.mode if case else "eval"))
