"""One counter's answer for one case, as comparisons, charts and pages show it."""

from __future__ import annotations

from dataclasses import dataclass

from flop_harness.records import Context, Metric, Reading, Status, Unit
from flop_harness.report.analysis.figures import REFERENCE, is_figure
from flop_harness.report.analysis.index import CounterColumn, Index, key_of
from flop_harness.report.words.text import (
    Number,
    anchor,
    group,
    percent,
    plural,
    repeats_counted,
    signed,
)

ENDED: dict[Status, str] = {
    "ok": "no figure",
    "failed": "refused",
    "unavailable": "not asked",
    "timeout": "out of time",
    "out_of_memory": "out of memory",
}
"""How a reading without a figure ended, in the words of the site"""


@dataclass(frozen=True, slots=True)
class Cell:
    """One counter's answer for one case, as a comparison shows it."""

    case: str
    counter: str
    context: Context
    metric: Metric
    unit: Unit
    status: Status
    value: Number | None = None
    deviation: float | None = None
    residual: Number | None = None
    message: str = ""
    modules: int = 0
    off: int = 0

    @property
    def anchor(self) -> str:
        return anchor("why", self.metric, self.case, self.counter, self.context)

    @property
    def text(self) -> str:
        """The figure, or the word for why there is none."""
        return ENDED[self.status] if self.value is None else group(self.value)

    @property
    def loud(self) -> bool:
        """A figure that we do not understand: no bridge, or one that does not close."""
        return self.value is not None and (self.residual != 0 or self.off > 0)

    @property
    def apart(self) -> str:
        """The deviation from the reference."""
        return percent(self.deviation) if self.value is not None else ""

    @property
    def alarm(self) -> str:
        """What is not explained; empty where nothing is open."""
        if not self.loud:
            return ""
        if self.residual is None:
            return "UNEXPLAINED: no bridge"
        if self.residual:
            return f"UNEXPLAINED: residual {signed(self.residual)}"
        return f"UNEXPLAINED: {group(self.off)} of {plural(self.modules, 'module')}"

    @property
    def why(self) -> str:
        """Deviation and, loudly, what is not explained."""
        return " ".join(word for word in (self.apart, self.alarm) if word)


def cell_of(index: Index, reading: Reading) -> Cell:
    """A reading as a comparison shows it."""
    told = is_figure(reading)
    bridge = index.bridge_of.get(key_of(reading))
    return Cell(
        reading.case, reading.counter, reading.context, reading.metric, reading.unit,
        reading.status,
        value=reading.value if told else None,
        deviation=index.deviation(reading),
        residual=index.residual(reading) if told else None,
        message=reading.message,
        modules=bridge.modules if bridge else 0,
        off=len(bridge.off) if bridge else 0,
    )  # fmt: skip


def shown_columns(index: Index, metric: Metric) -> tuple[CounterColumn, ...]:
    """The columns of a comparison; `analytic` is left out where it restates the reference."""
    told = [each for each in index.readings if each.counter == REFERENCE]
    restates = all(index.deviation(each) == 0 and index.residual(each) in (0, None)
                   for each in told if each.metric == metric)  # fmt: skip
    columns = index.columns(metric)
    return tuple(each for each in columns if not (restates and each.counter == REFERENCE))


def inputs_of(index: Index, case: str) -> str:
    """``1x3x224x224``: what the model was called with, else what the case names."""
    called = next((each.inputs for each in index.run.references if each.case == case), "")
    given = next((each.inputs for each in index.run.suite.cases if each.id == case), ())
    shapes = called or " + ".join("x".join(map(str, each.shape)) or "scalar" for each in given)
    return repeats_counted(shapes)
