"""The page of what users of counters reported: each complaint, the answer, the case that gives it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flop_harness.conventions.products import unsupported
from flop_harness.conventions.reference import parameters, reference
from flop_harness.records import Case
from flop_harness.report.formats.markdown import plain
from flop_harness.report.words.text import group
from flop_harness.run.cells import CaseRunner
from flop_harness.run.traces import LIMITS
from flop_harness.suite import files

REPORT = re.compile(r"(?P<complaint>.*) \((?P<thread>no thread|[\w.-]+/[\w.-]+#\d+)\)")
HEAD = "| reported | thread | MAC | parameters | case |\n|---|---|---:|---:|---|"


def reported_page() -> Iterator[str]:
    suite = files.load("reported")
    yield "# What users reported"
    yield (f"{len(suite.cases)} complaints about counters, each as a small model. The MAC and "
           "parameters are those of the reference; a test holds each against arithmetic from the "
           "dimensions. `flop-harness compare reported --cases CASE` shows what every counter says of a "
           "model, and leads from the reference to each figure, term by term.")  # fmt: skip
    rows = [row_of(case, suite.folder) for case in suite.cases]
    yield "\n".join([HEAD, *rows])


def row_of(case: Case, folder: str) -> str:
    found = REPORT.fullmatch(case.description)
    assert found is not None, case.id
    trace = CaseRunner(case, folder, LIMITS).canonical()
    missing = ", ".join(unsupported(trace))
    complaint = found["complaint"] + (f" (no formula for {missing})" if missing else "")
    macs, held = int(reference(trace).total), int(parameters(trace).total)
    return f"| {plain(complaint)} | {link(found['thread'])} | {group(macs)} | {group(held)} | `{case.id}` |"


def link(thread: str) -> str:
    """Issues, pull requests and discussions are found under one address."""
    if thread == "no thread":
        return ""
    repository, number = thread.split("#")
    return f"[{thread}](https://github.com/{repository}/issues/{number})"
