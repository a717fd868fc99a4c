"""The audit of published figures: its Markdown and its page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from flop_harness.records import Audit
from flop_harness.report.analysis.audit import (
    HOW_JUDGED,
    RULINGS,
    WORDS,
    because,
    entries,
    headline,
)
from flop_harness.report.formats import html as pages
from flop_harness.report.formats.case_json import pack
from flop_harness.report.formats.markdown import grid, page, plain
from flop_harness.report.tables.audit import by_file, by_table, environment, fits, short, silent
from flop_harness.report.words.text import printable


def markdown(audit: Audit) -> bytes:
    """All that departs from what is stated, one by one; of the rest how many there are."""
    return page(_blocks(audit))


def _blocks(audit: Audit) -> Iterator[str]:
    yield "# Published figures, audited"
    yield f"**{plain(headline(audit))}**"
    yield plain(" ".join(HOW_JUDGED.split()))
    yield grid(by_file(audit))
    explained = by_table(audit)
    if explained.rows:
        yield grid(explained)
    found = entries(audit)
    yield "Those that are reproduced as stated are told one by one in report.html and verdicts.csv."
    for ruling in reversed(RULINGS):
        chosen = [entry for entry in found if entry.verdict.ruling == ruling]
        if chosen and ruling != "reproduced":
            yield grid(short(chosen, f"{WORDS[ruling][:1].upper()}{WORDS[ruling][1:]}"))
    yield grid(environment(audit))


def html(audit: Audit) -> bytes:
    """One page that needs no network: every verdict in a table one can filter, with its evidence."""
    return pages.render(
        "audit.html.j2", headline=headline(audit), entries=entries(audit), files=by_file(audit),
        tables=by_table(audit), rulings=[(ruling, WORDS[ruling]) for ruling in RULINGS],
        counts=Counter(verdict.ruling for verdict in audit.verdicts),
        judged=" ".join(HOW_JUDGED.split()), environment=environment(audit),
        silent=silent(audit), because=because, evidence=pack(evidence(audit)),
    )  # fmt: skip


def evidence(audit: Audit) -> dict[str, Any]:
    """Anchor of a claim -> title, heads, rows and note of the ways of counting that fit, or come nearest."""
    tables = {entry.anchor: fits(entry) for entry in entries(audit)}
    return {
        anchor: [each.title, [column.title for column in each.columns],
                 [list(map(printable, row)) for row in each.rows], each.note]
        for anchor, each in tables.items() if each.rows
    }  # fmt: skip
