"""The charts of what was timed on one machine, each with its words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from flop_harness.report.analysis import predictors, sweeps
from flop_harness.report.analysis.timings import MachineTimings
from flop_harness.report.charts.grouped import grouped
from flop_harness.report.charts.prediction import prediction
from flop_harness.report.charts.roofline import roof_dots, roofline


@dataclass(frozen=True)
class Chart:
    """A chart of the report: under which heading it stands, its file, and what it shows in words."""

    heading: str
    name: str
    alt: str
    caption: str
    clock: MachineTimings

    @property
    def file(self) -> str:
        return f"{self.name}.svg"

    def draw(self) -> str:
        return DRAWN[self.name](self.clock)


def charts(clock: MachineTimings) -> Iterator[Chart]:
    """Those that have something to show."""
    if any(True for _ in roof_dots(clock)):
        yield Chart("Roofline", "roofline", "Roofline; the tables below hold the same figures",
                    "Each case by its FLOP per byte and the rate it reaches, under the best product "
                    "and the largest copy measured here; small dots are layers.", clock)  # fmt: skip
    if any(predictors.predictors(clock, series) for series in clock.series):
        yield Chart("What predicts time", "prediction", "Time against four counts, one dot a model",
                    "Time against four counts, one dot for each model, on logarithmic scales; the "
                    "line is fitted to all of them.", clock)  # fmt: skip
    if sweeps.grouped(clock):
        yield Chart("Grouped convolutions", "grouped", "Speed-up of grouped convolutions",
                    "How many times as fast as in one group, with 95 % intervals; the dashed line is "
                    "what the MACs promise.", clock)  # fmt: skip


DRAWN: Mapping[str, Callable[[MachineTimings], str]] = {
    "roofline": roofline,
    "prediction": prediction,
    "grouped": grouped,
}
