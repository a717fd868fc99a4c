"""Code of the site's figures and findings, from the traces beside each run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flop_harness.code.smallest import Example
from flop_harness.records import Context
from flop_harness.report.analysis.faults import Faults
from flop_harness.report.site.sources import Results
from flop_harness.report.sources.examples import examples_in
from flop_harness.report.sources.figure_code import Codes, codes_in


@dataclass(frozen=True)
class CodeOf:
    """By suite the code of its figures; by (counter, metric, term) the smallest of a finding."""

    figures: Mapping[str, Codes] = field(default_factory=dict)
    findings: Mapping[Any, str] = field(default_factory=dict)

    def pieces(
        self, suite: str, case: str, counter: str, context: Context, metric: Any
    ) -> list[str]:
        """The code of one figure, in pieces; none where no short code gives it."""
        codes = self.figures.get(suite)
        places = codes.figures.get((case, counter, context, metric), ()) if codes else ()
        return [codes.pieces[place] for place in places] if codes else []


def code_of(results: Results, faults: Faults) -> CodeOf:
    """All of it; what cannot be made is a fault of ours, and the rest stands without it."""
    figures: dict[str, Codes] = {}
    findings: dict[Any, Example] = {}
    for folder, run in results.runs.items():
        figures[run.suite.name] = codes_in(folder, run, faults)
        for key, example in examples_in(folder, run, faults).items():
            known = findings.get(key)
            if known is None or example.calls < known.calls:
                findings[key] = example
    return CodeOf(figures, {key: example.code for key, example in findings.items()})
