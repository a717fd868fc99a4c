"""The pages of results/, built from the stored records, as ``flop-harness report`` builds them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from flop_harness import store
from flop_harness.report.documents import files

RESULTS = Path(__file__).parents[1] / "results"
PAGE = "report.html"
RECORDS = {
    "run.json.xz": lambda folder: files.write(store.load(folder), folder, [PAGE]),
    "verdicts.json.xz": lambda folder: write(folder, files.AUDIT[PAGE](store.load_audit(folder))),
    "times.json.xz": lambda folder: write(
        folder, files.TIMES[PAGE](store.load_times(folder / "times.json.xz"))
    ),
}
"""File of records -> what builds the page beside it"""
NAMES = sorted(
    str(path.parent.relative_to(RESULTS)) for name in RECORDS for path in RESULTS.rglob(name)
)
"""Folders of results/ that a page is built for"""


def write(folder: Path, page: bytes) -> None:
    (folder / PAGE).write_bytes(page)


OVERPRINTED = """() => {
    const seen = (node, {left, right, top, bottom}) => {  // what of it no box above it cuts off
        for (let each = node.parentElement; each; each = each.parentElement) {
            const style = getComputedStyle(each), box = each.getBoundingClientRect();
            if (style.clipPath !== 'none') return [];
            if (style.overflowX === 'visible' || each.closest('svg')) continue;
            [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
            [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
        }
        return right - left > 2 && bottom - top > 2 ? [{left, right, top, bottom, node}] : [];
    };
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = new Range(), lines = [];
    while (walk.nextNode()) {
        const node = walk.currentNode;
        if (!node.data.trim() || !node.parentElement.checkVisibility()) continue;
        range.selectNodeContents(node);
        lines.push(...[...range.getClientRects()].flatMap(box => seen(node, box)));
    }
    lines.sort((a, b) => a.top - b.top);
    const found = [];
    for (const [at, a] of lines.entries()) {
        for (let next = at + 1; lines[next]?.top < a.bottom - 4; next++) {
            const b = lines[next], wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            if (a.node !== b.node && wide > 3) found.push(`${a.node.data.trim()} | ${b.node.data.trim()}`);
        }
    }
    return found.slice(0, 9);
}"""
"""Pairs of texts of which one is written over the other by more than 4 pixels of height and 3 of width"""


def laid_out(page: Any, width: int) -> tuple[int, list[str]]:
    """By how much a page is wider than its window, and which of its texts are overprinted."""
    wide = page.evaluate("document.documentElement.scrollWidth")
    return max(0, wide - width), page.evaluate(OVERPRINTED)


TABLE = """() => {
    const table = document.createElement('table');
    for (let row = 0; row < 2000; row++) {
        const line = table.insertRow();
        for (let cell = 0; cell < 10; cell++) line.insertCell().textContent = `${row} times ${cell} is ${row * cell}`;
    }
    document.body.append(table);
    table.offsetHeight; }"""
TABLE_S = 0.3
"""What such a table takes on the machine whose seconds are meant"""


class ThreadTime:
    """Seconds that the main thread of a tab works; others may use the machine, so no clock is asked."""

    def __init__(self, tab: Any) -> None:
        self.session = tab.context.new_cdp_session(tab)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.began = self.now()

    def now(self) -> float:
        told = self.session.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in told if each["name"] == "TaskDuration")

    def seconds(self) -> float:
        return self.now() - self.began


class OwnTime(ThreadTime):
    """As ThreadTime, in seconds of a machine on which a plain table takes ``TABLE_S``.

    A slower machine is no fault of a page.
    """

    def __init__(self, tab: Any) -> None:
        self.scale = TABLE_S / of_a_table(tab.context)
        super().__init__(tab)

    def seconds(self) -> float:
        return self.scale * super().seconds()


def of_a_table(context: Any) -> float:
    """Seconds that a tab works at a plain table, the second time that it lays out one."""
    tab = context.new_page()
    tab.evaluate(TABLE)
    time = ThreadTime(tab)
    tab.evaluate(TABLE)
    spent = time.seconds()
    tab.close()
    return spent


class Pages:
    """A copy of results/ in which pages are built when they are first asked for."""

    def __init__(self, home: Path) -> None:
        self.home = home
        shutil.copytree(RESULTS, home, ignore=shutil.ignore_patterns("*.html", "*.pdf"))

    def __getitem__(self, name: str) -> Path:
        folder = self.home / name
        if not (folder / PAGE).exists():
            (build,) = (build for file, build in RECORDS.items() if (folder / file).exists())
            build(folder)
        return folder / PAGE
