"""What moved since the golden as JUnit XML."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

from flop_harness.reconcile.changes import Comparison, Key, Move
from flop_harness.report.analysis.check import sentence
from flop_harness.report.tables.comparison import NOT_COUNTED
from flop_harness.report.words.text import left_out, printable, shorten


def junit(comparison: Comparison) -> bytes:
    """A test for each cell; one that moved failed, with the sentence about it."""
    cells = [*((key, None) for key in comparison.unchanged),
             *((move.key, move) for move in comparison.moves)]  # fmt: skip
    suite = ElementTree.Element(
        "testsuite", name=f"flop-harness check {printable(comparison.suite)}",
        tests=str(len(cells)), failures=str(len(comparison.moves)), errors="0", skipped="0",
    )  # fmt: skip
    for key, move in cells:
        _testcase(suite, key, move, comparison.unsupported.get(key.case, {}))
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)


def _testcase(
    suite: ElementTree.Element, key: Key, move: Move | None, unknown: Mapping[str, int]
) -> None:
    place = f"{printable(suite.get('name'))}.{printable(key.case)}"
    name = f"{printable(key.counter)}: {printable(key.what)}"
    test = ElementTree.SubElement(suite, "testcase", classname=place, name=name)
    if unknown:
        told = f"{NOT_COUNTED.name}, {NOT_COUNTED.note}: {left_out(unknown)}"
        ElementTree.SubElement(test, "system-out").text = told
    if move is not None:
        told = sentence(move)
        failure = ElementTree.SubElement(
            test, "failure", type=move.kind, message=shorten(told, 300)
        )
        failure.text = told
